//! SMS through the outbox, to scripted services and to the dev mailbox.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use http::Request;
use serde_json::Value;
use time::OffsetDateTime;
use tower::ServiceExt as _;
use vestibule_store::{Change, MemoryStore, Store};

use super::fake_service::{Answer, FakeService};
use super::transport::{SmsMessage, SmsSender};
use super::*;
use crate::builder::{Builder, Vestibule};
use crate::clock::Clock;
use crate::http::trust::Peer;
use crate::mail::transport::{DeliveryError, Mailer, Outgoing};
use crate::messages::catalogue::Locale;
use crate::settings::Settings;
use crate::validation::password::tests::Log;

const NUMBER: &str = "+15550100";
const CODE: &str = "123456";
const WITHIN: Duration = Duration::from_secs(120);
const TOKEN: &str = "t0ken-of-the-account";

#[derive(Debug)]
struct FrozenClock(AtomicI64);

impl Clock for FrozenClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// A server of a site, with a clock that stands still.
struct Site {
    vestibule: Vestibule,
    clock: Arc<FrozenClock>,
}

fn lines(more: &str) -> String {
    format!(
        "SECRET_KEY = \"a secret key for tests, long enough\"\nSECURITY_PASSWORD_SALT = \"a salt\"\n{more}"
    )
}

fn twilio(port: u16) -> String {
    format!(
        "SECURITY_SMS_SERVICE = \"Twilio\"\nSECURITY_SMS_SERVICE_CONFIG = {{ ACCOUNT_SID = \"AC1\", AUTH_TOKEN = \"{TOKEN}\", PHONE_NUMBER = \"+15550199\", BASE_URL = \"http://127.0.0.1:{port}\" }}\n"
    )
}

fn webhook(port: u16) -> String {
    format!(
        "SECURITY_SMS_SERVICE = \"webhook\"\nSECURITY_SMS_SERVICE_CONFIG = {{ URL = \"http://127.0.0.1:{port}/\", SECRET = \"{TOKEN}\" }}\n"
    )
}

impl Site {
    fn new(more: &str) -> Self {
        Self::built(more, |builder| builder)
    }

    fn built(more: &str, change: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = Arc::new(FrozenClock(AtomicI64::new(1_800_000_000)));
        let builder = Vestibule::builder(Settings::from_toml(&lines(more)).unwrap())
            .clock(Arc::clone(&clock))
            .hashing_threads(1);
        Self {
            vestibule: change(builder).build().unwrap(),
            clock,
        }
    }

    fn app(&self) -> &App {
        self.vestibule.app()
    }

    fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Queues an SMS, as a feature does.
    async fn queue(&self, sent: bool) {
        let sms = CodeSms {
            to: NUMBER,
            code: CODE,
            within: WITHIN,
            sent,
        };
        let info = request("localhost:5000", "en");
        let change = Change {
            mails: vec![code_message(self.app(), &info, &sms).unwrap()],
            ..Change::default()
        };
        self.app().apply(change).await.unwrap();
    }

    /// Runs one attempt of the worker. Returns how many SMS wait and how many were given up.
    async fn tried(&self) -> (u64, u64) {
        self.vestibule.background(std::future::ready(())).await;
        self.app().store().count_mails().await.unwrap()
    }

    async fn get(&self, path: &str) -> String {
        let mut request = Request::get(path)
            .header("host", "localhost:5000")
            .body(Body::empty())
            .unwrap();
        request
            .extensions_mut()
            .insert(Peer::Ip("127.0.0.1".parse().unwrap()));
        let router = self.vestibule.standalone();
        let body = router.oneshot(request).await.unwrap().into_body();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}

fn request(host: &str, language: &str) -> RequestInfo {
    RequestInfo::new(
        "1".to_owned(),
        None,
        true,
        host.to_owned(),
        Locale::negotiate(Some(language)),
        None,
    )
}

fn written(more: &str, host: &str, language: &str) -> String {
    let site = Site::new(more);
    let sms = CodeSms {
        to: NUMBER,
        code: CODE,
        within: WITHIN,
        sent: true,
    };
    text(site.app(), &request(host, language), &sms)
}

#[test]
fn the_last_line_binds_the_code_to_the_host_without_its_port() {
    let public = "SECURITY_PUBLIC_URL = \"https://Accounts.Example.com:8443/app\"";
    let hosts = "TRUSTED_HOSTS = [\"example.com\", \"example.com:8443\"]";
    for (lines, host, last) in [
        ("", "localhost:5000", "@localhost #123456"),
        (hosts, "EXAMPLE.com:8443", "@example.com #123456"),
        (public, "localhost:5000", "@accounts.example.com #123456"),
    ] {
        let text = written(lines, host, "en");
        assert_eq!(text.lines().last(), Some(last), "{text}");
        assert_eq!(text.matches('@').count(), 1, "{text}");
    }
}

#[test]
fn codes_are_announced_in_every_language_in_one_segment() {
    let hosts = "TRUSTED_HOSTS = [\"example.com\"]";
    for (language, first) in [
        ("en", "Your code is 123456. Do not share it."),
        ("de", "Ihr Code ist 123456. Geben Sie ihn nicht weiter."),
        ("fr", "Votre code est 123456. Ne le partagez pas."),
        ("es", "Su clave es 123456. No la comparta."),
    ] {
        let text = written(hosts, "example.com", language);
        assert_eq!(text, format!("{first}\n\n@example.com #123456"));
        // GSM 03.38 has these letters besides ASCII; one other letter makes it UCS-2.
        let is_gsm = text.chars().all(|c| c.is_ascii() || "\u{fc}".contains(c));
        let longest = if is_gsm { 160 } else { 70 };
        assert!(text.chars().count() <= longest, "{text}");
    }
}

#[test]
fn a_configured_text_keeps_the_line_that_binds_the_code() {
    let line = "SECURITY_MSG_USE_CODE = \"Shop: %(code)s\\n@evil.example #1\\n\"";
    let text = written(line, "localhost", "de");
    assert!(text.starts_with("Shop: 123456\n"), "{text}");
    assert!(text.ends_with("\n@localhost #123456"), "{text}");
}

#[tokio::test]
async fn a_queued_sms_is_delivered_once() {
    for service_lines in [twilio as fn(u16) -> String, webhook] {
        let service = FakeService::start([]).await;
        let site = Site::new(&service_lines(service.port));
        site.queue(true).await;
        assert!(service.arrived().is_empty());
        assert_eq!(site.tried().await, (0, 0));
        assert_eq!(site.tried().await, (0, 0));
        let arrived = service.arrived();
        assert_eq!(arrived.len(), 1, "{arrived:?}");
        assert!(arrived[0].body.contains(CODE));
    }
}

#[tokio::test]
async fn attack_enumeration_an_sms_for_an_unknown_user_is_stored_and_not_sent() {
    let service = FakeService::start([]).await;
    let site = Site::new(&twilio(service.port));
    site.queue(false).await;
    assert_eq!(site.app().store().count_mails().await.unwrap(), (1, 0));
    assert_eq!(site.tried().await, (0, 0));
    assert!(service.arrived().is_empty());
}

#[tokio::test]
async fn a_failing_service_is_tried_again_with_the_same_key() {
    let failures = ["500 Oops", "429 Too Many Requests"].map(Answer::status);
    let service = FakeService::start(failures).await;
    let site = Site::new(&webhook(service.port));
    site.queue(true).await;
    assert_eq!(site.tried().await, (1, 0));
    // It is not due yet.
    assert_eq!(site.tried().await, (1, 0));
    assert_eq!(service.arrived().len(), 1);
    site.wait(10);
    assert_eq!(site.tried().await, (1, 0));
    site.wait(20);
    assert_eq!(site.tried().await, (0, 0));
    let arrived = service.arrived();
    assert_eq!(arrived.len(), 3);
    let header = |at: usize, name: &str| arrived[at].header(name).unwrap();
    for at in [1, 2] {
        assert_eq!(header(at, "idempotency-key"), header(0, "idempotency-key"));
        // Each attempt is signed anew.
        assert_ne!(
            header(at, "webhook-timestamp"),
            header(0, "webhook-timestamp")
        );
    }
}

#[tokio::test]
async fn a_refused_sms_is_given_up_at_once() {
    let service = FakeService::start([Answer::status("400 Bad Request")]).await;
    let site = Site::new(&twilio(service.port));
    site.queue(true).await;
    assert_eq!(site.tried().await, (0, 1));
    site.wait(3600);
    assert_eq!(site.tried().await, (0, 1));
    assert_eq!(service.arrived().len(), 1);
}

#[tokio::test]
async fn an_sms_is_given_up_when_its_code_expires() {
    let failures = (0..9).map(|_| Answer::status("503 Service Unavailable"));
    let service = FakeService::start(failures).await;
    let site = Site::new(&twilio(service.port));
    site.queue(true).await;
    for (pause, expected) in [(0, (1, 0)), (10, (1, 0)), (20, (1, 0)), (40, (0, 1))] {
        site.wait(pause);
        assert_eq!(site.tried().await, expected, "{pause}");
    }
    assert_eq!(service.arrived().len(), 4);
    // No worker ran while the code was valid.
    site.queue(true).await;
    site.wait(120);
    assert_eq!(site.tried().await, (0, 2));
    assert_eq!(service.arrived().len(), 4);
}

#[tokio::test]
async fn two_workers_on_one_outbox_do_not_send_an_sms_twice() {
    let pause = Duration::from_millis(300);
    let service = FakeService::start((0..4).map(|_| Answer::Slowly(pause))).await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let lines = twilio(service.port);
    let site = || Site::built(&lines, |builder| builder.datastore(Arc::clone(&store)));
    let (one, other) = (site(), site());
    one.queue(true).await;
    one.queue(true).await;
    let ((waiting, _), _) = tokio::join!(one.tried(), other.tried());
    assert_eq!(waiting, 0);
    assert_eq!(service.arrived().len(), 2);
}

/// An application's own sender.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<SmsMessage>>);

#[async_trait]
impl SmsSender for Kept {
    async fn send(&self, sms: &SmsMessage) -> Result<(), DeliveryError> {
        self.0.lock().unwrap().push(sms.clone());
        Ok(())
    }
}

#[tokio::test]
async fn an_applications_own_sender_replaces_the_configured_one() {
    let service = FakeService::start([]).await;
    let kept = Arc::new(Kept::default());
    let sender = Arc::clone(&kept);
    let site = Site::built(&twilio(service.port), |builder| builder.sms_sender(sender));
    site.queue(true).await;
    assert_eq!(site.tried().await, (0, 0));
    let kept = kept.0.lock().unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].to, NUMBER);
    assert!(kept[0].message_id.starts_with("sms_"));
    assert!(service.arrived().is_empty());
}

#[tokio::test]
async fn the_dev_mailbox_shows_sms() {
    let site = Site::new("");
    site.queue(true).await;
    assert_eq!(site.tried().await, (0, 0));
    let path = site.vestibule.dev_mailbox_path().unwrap();
    let page = site.get(&path).await;
    assert!(page.contains(NUMBER), "{page}");
    assert!(page.contains("@localhost #123456"), "{page}");
    let json = site.get(&path.replace("mailbox?", "mailbox.json?")).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    let sms = &json["response"]["sms"];
    assert_eq!(sms.as_array().unwrap().len(), 1, "{json}");
    assert_eq!(sms[0]["kind"], "sms");
    assert_eq!(sms[0]["to"], NUMBER);
    assert!(sms[0]["text"].as_str().unwrap().contains(CODE));
    assert_eq!(json["response"]["mails"], serde_json::json!([]));
}

#[tokio::test]
async fn attack_fail_open_the_dev_mailbox_keeps_no_sms_that_a_service_sends() {
    let service = FakeService::start([]).await;
    let site = Site::new(&twilio(service.port));
    site.queue(true).await;
    assert_eq!(site.tried().await, (0, 0));
    assert!(site.app().mailbox().sms().is_empty());
}

#[derive(Debug)]
struct Silent;

#[async_trait]
impl Mailer for Silent {
    async fn send(&self, _: &Outgoing) -> Result<(), DeliveryError> {
        Ok(())
    }
}

#[tokio::test]
async fn without_a_service_and_a_dev_mailbox_sms_are_logged_at_debug_level() {
    let mailer = |builder: Builder| builder.mailer(Silent);
    for site in [
        Site::new("MAIL_SERVER = \"mail.example.com\"\n"),
        Site::new("MAIL_SUPPRESS_SEND = true\n"),
        Site::built("", mailer),
    ] {
        for (level, is_logged) in [("DEBUG", true), ("INFO", false)] {
            let log = Log::default();
            let _guard = log.listen_at(level.parse().unwrap());
            site.queue(true).await;
            assert_eq!(site.tried().await, (0, 0));
            assert!(site.app().mailbox().sms().is_empty());
            let log = log.text();
            assert_eq!(log.contains("an SMS was not sent"), is_logged, "{log}");
            assert_eq!(log.contains(CODE), is_logged, "{log}");
        }
    }
}

#[tokio::test]
async fn attack_secret_in_a_log_neither_codes_nor_numbers_nor_credentials_are_logged() {
    let log = Log::default();
    let _guard = log.listen();
    let body = format!("{{\"code\": 21211, \"message\": \"{NUMBER}: {CODE}\"}}");
    for service_lines in [twilio as fn(u16) -> String, webhook] {
        let service = FakeService::start([
            Answer::Status("500 Oops", body.clone()),
            Answer::Status("400 Bad Request", body.clone()),
        ])
        .await;
        let site = Site::new(&service_lines(service.port));
        site.queue(true).await;
        site.queue(true).await;
        site.queue(true).await;
        assert_eq!(site.tried().await, (1, 1));
        tracing::info!(
            "{site:?} {:?}",
            site.app().settings(),
            site = site.vestibule
        );
    }
    let log = log.text();
    for line in ["SMS delayed", "SMS given up", "SMS sent", "error 21211"] {
        assert!(log.contains(line), "{line}: {log}");
    }
    for secret in [CODE, NUMBER, "15550100", TOKEN] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
    let encoded = "QUMxOnQwa2Vu";
    assert!(!log.contains(encoded), "{log}");
}
