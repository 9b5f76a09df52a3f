//! Sending SMS to scripted services.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use time::OffsetDateTime;

use super::*;
use crate::clock::SystemClock;
use crate::settings::Settings;
use crate::sms::fake_service::{Answer, FakeService};

const SECRET: &str = "a secret for the webhook";

fn sms() -> SmsMessage {
    SmsMessage {
        to: "+15550100".to_owned(),
        text: "Your code is 123456.\n\n@example.com #123456".to_owned(),
        message_id: "sms_1".to_owned(),
        date: OffsetDateTime::UNIX_EPOCH,
    }
}

fn sender_of(lines: &str) -> Arc<dyn SmsSender> {
    let settings = Settings::from_toml(&format!(
        "SECRET_KEY = \"a secret key for tests, long enough\"\nSECURITY_PASSWORD_SALT = \"a salt\"\n{lines}"
    ))
    .unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    sender(&settings.sms.service, &clock).unwrap().unwrap()
}

fn twilio(port: u16) -> Arc<dyn SmsSender> {
    sender_of(&format!(
        "SECURITY_SMS_SERVICE = \"twilio\"\nSECURITY_SMS_SERVICE_CONFIG = {{ ACCOUNT_SID = \"AC1\", AUTH_TOKEN = \"t0ken\", PHONE_NUMBER = \"+15550199\", BASE_URL = \"http://127.0.0.1:{port}\" }}"
    ))
}

fn webhook(port: u16, more: &str) -> Arc<dyn SmsSender> {
    sender_of(&format!(
        "SECURITY_SMS_SERVICE = \"Webhook\"\nSECURITY_SMS_SERVICE_CONFIG = {{ URL = \"http://127.0.0.1:{port}/send?tenant=1\", SECRET = \"{SECRET}\"{more} }}"
    ))
}

#[tokio::test]
async fn twilio_receives_a_form_with_basic_authentication() {
    let service = FakeService::start([]).await;
    twilio(service.port).send(&sms()).await.unwrap();
    let arrived = service.arrived();
    assert_eq!(arrived.len(), 1);
    let request = &arrived[0];
    assert!(
        request
            .head
            .starts_with("POST /2010-04-01/Accounts/AC1/Messages.json HTTP/1.1\r\n"),
        "{request:?}"
    );
    assert_eq!(
        request.header("authorization").unwrap(),
        format!("Basic {}", STANDARD.encode("AC1:t0ken"))
    );
    assert_eq!(
        request.header("content-type").unwrap(),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(request.field("From").unwrap(), "+15550199");
    assert_eq!(request.field("To").unwrap(), "+15550100");
    assert_eq!(request.field("Body").unwrap(), sms().text);
}

#[tokio::test]
async fn the_webhook_receives_signed_json() {
    let service = FakeService::start([]).await;
    let sender = webhook(service.port, ", PHONE_NUMBER = \"+15550199\"");
    sender.send(&sms()).await.unwrap();
    let request = service.arrived().remove(0);
    assert!(
        request.head.starts_with("POST /send?tenant=1 HTTP/1.1\r\n"),
        "{request:?}"
    );
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(
        body,
        json!({"to": "+15550100", "from": "+15550199", "message": sms().text})
    );
    assert_eq!(request.header("content-type").unwrap(), "application/json");
    assert_eq!(request.header("idempotency-key").unwrap(), "sms_1");
    assert_eq!(request.header("webhook-id").unwrap(), "sms_1");
    let timestamp = request.header("webhook-timestamp").unwrap();
    let now = SystemClock.now().unix_timestamp();
    assert!((now - timestamp.parse::<i64>().unwrap()).abs() < 60);
    // As a receiver verifies it.
    let signature = request.header("webhook-signature").unwrap();
    let signature = STANDARD
        .decode(signature.strip_prefix("v1,").unwrap())
        .unwrap();
    let mac = |content: String| {
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())
            .unwrap()
            .chain_update(content)
    };
    mac(format!("sms_1.{timestamp}.{}", request.body))
        .verify_slice(&signature)
        .unwrap();
    mac(format!("sms_1.{timestamp}.{}x", request.body))
        .verify_slice(&signature)
        .unwrap_err();
}

#[tokio::test]
async fn a_webhook_without_a_sender_receives_null() {
    let service = FakeService::start([Answer::status("204 No Content")]).await;
    webhook(service.port, "").send(&sms()).await.unwrap();
    let body: Value = serde_json::from_str(&service.arrived()[0].body).unwrap();
    assert_eq!(body["from"], Value::Null);
}

#[tokio::test]
async fn a_refusal_names_the_status_and_twilios_error_number_only() {
    let answer =
        r#"{"code": 21211, "message": "Invalid 'To' Phone Number: +15550100", "status": 400}"#;
    let service = FakeService::start([Answer::Status("400 Bad Request", answer.to_owned())]).await;
    let error = twilio(service.port).send(&sms()).await.unwrap_err();
    let expected = "Twilio responds with 400 Bad Request, error 21211";
    assert_eq!(error, DeliveryError::Never(expected.to_owned()));
}

#[tokio::test]
async fn attack_a_redirect_of_the_service_is_not_followed() {
    let elsewhere = FakeService::start([]).await;
    let url = format!("http://127.0.0.1:{}/", elsewhere.port);
    let answers = [Answer::Redirect(url.clone()), Answer::Redirect(url)];
    let service = FakeService::start(answers).await;
    for sender in [twilio(service.port), webhook(service.port, "")] {
        let error = sender.send(&sms()).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Blocked(_)), "{error:?}");
    }
    assert!(elsewhere.arrived().is_empty());
}

#[tokio::test]
async fn an_unreachable_service_is_our_fault_and_a_silent_one_is_not() {
    let gone = FakeService::start([]).await.port;
    tokio::task::yield_now().await;
    for sender in [twilio(gone), webhook(gone, "")] {
        let error = sender.send(&sms()).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Blocked(_)), "{error:?}");
    }
    let service = FakeService::start([Answer::Silence]).await;
    let limits = Limits {
        patience: Duration::from_millis(200),
        ..LIMITS
    };
    let origin = crate::settings::HttpOrigin {
        tls: false,
        host: "127.0.0.1".to_owned(),
        port: service.port,
    };
    let error = crate::outbound::Outbound::new(limits)
        .unwrap()
        .post(&origin, "/", &[], bytes::Bytes::new())
        .await
        .unwrap_err();
    let error = failure::without_response("it", &error);
    assert_eq!(
        error,
        DeliveryError::Later("it: it does not respond in time".to_owned())
    );
}

#[tokio::test]
async fn attack_secret_in_a_log_the_debug_form_of_a_sender_hides_its_credentials() {
    for sender in [twilio(1), webhook(1, "")] {
        let shown = format!("{sender:?} {:?}", sms());
        for secret in ["t0ken", "AC1", SECRET, "tenant", "123456", "+15550100"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }
}
