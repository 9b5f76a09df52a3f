//! The SMTP client against a scripted server.

mod connecting;
mod server;

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::SecretString;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use self::server::{Script, Server};
use super::super::example;
use super::*;

fn settings(server: &Server) -> SmtpSettings {
    SmtpSettings {
        host: "localhost".to_owned(),
        port: server.port,
        tls: SmtpTls::None,
        username: None,
        password: None,
        timeout: Duration::from_secs(10),
        ca_file: None,
    }
}

fn with_password(server: &Server) -> SmtpSettings {
    SmtpSettings {
        username: Some("us\u{e9}r".to_owned()),
        password: Some(SecretString::from("open sesame".to_owned())),
        ..settings(server)
    }
}

fn mailer(settings: &SmtpSettings) -> Smtp {
    Smtp::new(settings, "xn--mnchen-3ya.example").unwrap()
}

async fn send(settings: &SmtpSettings) -> Result<(), DeliveryError> {
    mailer(settings).send(&example()).await
}

fn is_blocked(outcome: &Result<(), DeliveryError>) -> bool {
    matches!(outcome, Err(DeliveryError::Blocked(_)))
}

fn is_later(outcome: &Result<(), DeliveryError>) -> bool {
    matches!(outcome, Err(DeliveryError::Later(_)))
}

fn is_never(outcome: &Result<(), DeliveryError>) -> bool {
    matches!(outcome, Err(DeliveryError::Never(_)))
}

/// A self-signed certificate for localhost: the server's TLS acceptor, and the file by which a
/// client trusts it.
struct Certificate {
    acceptor: TlsAcceptor,
    file: PathBuf,
}

impl Certificate {
    fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let text = BASE64.encode(made.cert.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        let file =
            std::env::temp_dir().join(format!("vestibule-ca-{}-{name}.pem", std::process::id()));
        std::fs::write(&file, pem).unwrap();
        Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            file,
        }
    }

    /// The settings with this certificate trusted.
    fn trusted(&self, settings: &SmtpSettings) -> SmtpSettings {
        SmtpSettings {
            ca_file: Some(self.file.clone()),
            ..settings.clone()
        }
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

#[tokio::test]
async fn a_plain_mail_is_sent_as_expected_on_the_wire() {
    let server = Server::start(Script::default()).await;
    send(&settings(&server)).await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "EHLO xn--mnchen-3ya.example",
            "MAIL FROM:<accounts@xn--mnchen-3ya.example>",
            "RCPT TO:<ana@example.com>",
            "DATA",
        ]
    );
    let mail = server.mails().remove(0);
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Message-ID: <1@example.com>"));
    assert!(head.contains("Auto-Submitted: auto-generated"));
    // Lines of one or two dots do not end the mail.
    assert!(
        body.contains("\r\n.\r\n..\r\nhttps://example.com/confirm/abc"),
        "{body}"
    );
    assert!(body.contains("text/html"));
}

#[tokio::test]
async fn a_connection_is_reused_and_replaced_when_closed() {
    let server = Server::start(Script::default()).await;
    let kept = mailer(&settings(&server));
    for _ in 0..3 {
        kept.send(&example()).await.unwrap();
    }
    assert_eq!((server.connections(), server.mails().len()), (1, 3));

    let server = Server::start(Script {
        hangs_up: true,
        ..Script::default()
    })
    .await;
    let kept = mailer(&settings(&server));
    for _ in 0..3 {
        kept.send(&example()).await.unwrap();
    }
    assert_eq!((server.connections(), server.mails().len()), (3, 3));
}

#[tokio::test]
async fn many_mails_at_once_share_few_connections() {
    let server = Server::start(Script::default()).await;
    let mailer = mailer(&settings(&server));
    let mail = example();
    let sending = (0..20).map(|_| mailer.send(&mail));
    let outcomes = futures_util::future::join_all(sending).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert!(server.connections() <= CONNECTIONS);
    assert_eq!(server.mails().len(), 20);
}

#[tokio::test]
async fn the_servers_answer_decides_whether_a_mail_is_retried() {
    for (word, answer, kind) in [
        ("MAIL", "451 try later", "blocked"),
        ("MAIL", "550 not you", "blocked"),
        ("MAIL", "530 who are you", "blocked"),
        ("RCPT", "451 greylisted", "later"),
        ("RCPT", "550 <ana@example.com> does not exist", "never"),
        (
            "RCPT",
            "550 5.1.1 <ana@example.com> does not exist",
            "never",
        ),
        ("RCPT", "530 who are you", "blocked"),
        (
            "RCPT",
            "554 5.7.1 <ana@example.com>: Relay access denied",
            "blocked",
        ),
        (
            "RCPT",
            "553 5.7.1 <accounts@x.example>: Sender address rejected",
            "blocked",
        ),
        ("DATA", "421 closing", "later"),
        ("DATA", "554 no", "never"),
        (".", "452 full", "later"),
        (".", "552 too large", "never"),
        (".", "550 5.7.1 not signed", "blocked"),
        ("EHLO", "500 what", "blocked"),
    ] {
        let server = Server::start(Script {
            answers: vec![(word, answer)],
            ..Script::default()
        })
        .await;
        let settings = settings(&server);
        let mailer = mailer(&settings);
        let outcome = mailer.send(&example()).await;
        let found = [is_blocked(&outcome), is_later(&outcome), is_never(&outcome)];
        let wanted = ["blocked", "later", "never"].map(|known| known == kind);
        assert_eq!(found, wanted, "{word} {answer}: {outcome:?}");
        let text = outcome.unwrap_err().to_string();
        assert!(!text.contains("ana@"), "{text}");
        // The next mail is delivered.
        mailer.send(&example()).await.unwrap();
        assert_eq!(server.mails().len(), 1);
    }
}

#[tokio::test]
async fn an_unfriendly_silent_or_absent_server_blocks_the_mail() {
    let server = Server::start(Script {
        greeting: Some("554 go away"),
        ..Script::default()
    })
    .await;
    assert!(is_blocked(&send(&settings(&server)).await));
    let gone = settings(&server);
    drop(server);
    tokio::task::yield_now().await;
    assert!(is_blocked(&send(&gone).await));

    for place in ["greeting", "EHLO", "MAIL", "DATA"] {
        let server = Server::start(Script {
            silent_at: Some(place),
            ..Script::default()
        })
        .await;
        let impatient = SmtpSettings {
            timeout: Duration::from_millis(200),
            ..settings(&server)
        };
        let outcome = send(&impatient).await;
        assert!(is_blocked(&outcome), "{place}: {outcome:?}");
    }
}

#[tokio::test]
async fn authentication_uses_plain_or_login() {
    let server = Server::start(Script {
        offers: vec!["AUTH PLAIN LOGIN"],
        ..Script::default()
    })
    .await;
    send(&with_password(&server)).await.unwrap();
    let secret = BASE64.encode("\0us\u{e9}r\0open sesame");
    assert_eq!(server.lines()[1], format!("AUTH PLAIN {secret}"));

    let server = Server::start(Script {
        offers: vec!["AUTH LOGIN"],
        ..Script::default()
    })
    .await;
    send(&with_password(&server)).await.unwrap();
    assert_eq!(
        server.lines()[1..4],
        [
            "AUTH LOGIN".to_owned(),
            BASE64.encode("us\u{e9}r"),
            BASE64.encode("open sesame")
        ]
    );
}

#[tokio::test]
async fn attack_a_refused_smtp_authentication_reveals_no_secret_and_keeps_the_mail() {
    let server = Server::start(Script {
        offers: vec!["AUTH PLAIN"],
        answers: vec![("AUTH", "535 us\u{e9}r with open sesame is wrong")],
        ..Script::default()
    })
    .await;
    let settings = with_password(&server);
    let outcome = send(&settings).await;
    assert!(is_blocked(&outcome), "{outcome:?}");
    let text = format!("{outcome:?} {settings:?} {:?}", mailer(&settings));
    assert!(!text.contains("sesame"), "{text}");
    assert!(format!("{outcome:?}").contains("535"));
    assert!(server.mails().is_empty());

    // If the server offers no authentication, the mail is not sent without it.
    let server = Server::start(Script::default()).await;
    assert!(is_blocked(&send(&with_password(&server)).await));
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn starttls_encrypts_the_connection() {
    let certificate = Certificate::new("starttls");
    let server = Server::start(Script {
        offers: vec!["STARTTLS", "AUTH PLAIN"],
        tls: Some(certificate.acceptor.clone()),
        ..Script::default()
    })
    .await;
    let settings = SmtpSettings {
        tls: SmtpTls::StartTls,
        ..with_password(&server)
    };
    send(&certificate.trusted(&settings)).await.unwrap();
    assert_eq!(server.lines()[1], "STARTTLS");
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn implicit_tls_encrypts_the_connection() {
    let certificate = Certificate::new("implicit");
    let server = Server::start(Script {
        tls: Some(certificate.acceptor.clone()),
        implicit: true,
        ..Script::default()
    })
    .await;
    let settings = SmtpSettings {
        tls: SmtpTls::Tls,
        ..settings(&server)
    };
    send(&certificate.trusted(&settings)).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn attack_a_server_with_an_untrusted_certificate_gets_nothing() {
    let certificate = Certificate::new("untrusted");
    for (tls, implicit) in [(SmtpTls::StartTls, false), (SmtpTls::Tls, true)] {
        let server = Server::start(Script {
            offers: vec!["STARTTLS", "AUTH PLAIN"],
            tls: Some(certificate.acceptor.clone()),
            implicit,
            ..Script::default()
        })
        .await;
        let settings = SmtpSettings {
            tls,
            ..with_password(&server)
        };
        assert!(is_blocked(&send(&settings).await));
        // A trusted certificate, but for another host name.
        let elsewhere = SmtpSettings {
            host: "127.0.0.1".to_owned(),
            ..certificate.trusted(&settings)
        };
        assert!(is_blocked(&send(&elsewhere).await));
        let lines = server.lines();
        assert!(
            !lines.iter().any(|line| line.starts_with("AUTH")),
            "{lines:?}"
        );
        assert!(server.mails().is_empty());
    }
}

#[tokio::test]
async fn attack_starttls_that_is_stripped_or_refused_blocks_the_mail() {
    for script in [
        Script::default(),
        Script {
            offers: vec!["STARTTLS"],
            answers: vec![("STARTTLS", "454 not now")],
            ..Script::default()
        },
        Script {
            offers: vec!["STARTTLS"],
            answers: vec![("STARTTLS", "502 never")],
            ..Script::default()
        },
    ] {
        let server = Server::start(script).await;
        let settings = SmtpSettings {
            tls: SmtpTls::StartTls,
            ..with_password(&server)
        };
        let outcome = send(&settings).await;
        assert!(is_blocked(&outcome), "{outcome:?}");
        let lines = server.lines();
        assert!(
            lines
                .iter()
                .all(|line| line.starts_with("EHLO") || line == "STARTTLS" || line == "QUIT"),
            "{lines:?}"
        );
    }
}

#[tokio::test]
async fn attack_answers_injected_before_tls_are_not_used() {
    let certificate = Certificate::new("smuggled");
    let server = Server::start(Script {
        offers: vec!["STARTTLS", "SIZE 1000000"],
        tls: Some(certificate.acceptor.clone()),
        smuggled: "250-mail.example\r\n250 AUTH PLAIN\r\n",
        ..Script::default()
    })
    .await;
    let settings = SmtpSettings {
        tls: SmtpTls::StartTls,
        ..settings(&server)
    };
    let outcome = send(&certificate.trusted(&settings)).await;
    assert!(is_blocked(&outcome), "{outcome:?}");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn attack_answers_injected_before_tls_never_make_a_mail_count_as_sent() {
    const ANSWERS: [&str; 5] = [
        "250-mail.example\r\n250 8BITMIME\r\n",
        "250-mail.example\r\n250 8BITMIME\r\n250 fine\r\n",
        "250-mail.example\r\n250 8BITMIME\r\n250 fine\r\n250 fine\r\n",
        "250-mail.example\r\n250 8BITMIME\r\n250 fine\r\n250 fine\r\n250 fine\r\n",
        // An incomplete answer.
        "250-mail.example\r\n250-8BITM",
    ];
    let certificate = Certificate::new("injected");
    for offers in [vec!["STARTTLS", "SIZE 1000000"], vec!["STARTTLS"]] {
        for smuggled in ANSWERS {
            let server = Server::start(Script {
                offers: offers.clone(),
                // The server's own answer to the mail.
                answers: vec![("RCPT", "550 no such user")],
                tls: Some(certificate.acceptor.clone()),
                smuggled,
                ..Script::default()
            })
            .await;
            let settings = SmtpSettings {
                tls: SmtpTls::StartTls,
                ..settings(&server)
            };
            let outcome = send(&certificate.trusted(&settings)).await;
            assert!(is_blocked(&outcome), "{smuggled:?}: {outcome:?}");
            assert_eq!(server.lines().len(), 2, "EHLO and STARTTLS: {smuggled:?}");
        }
    }
}

#[tokio::test]
async fn a_non_ascii_local_part_needs_smtputf8() {
    let mail = Outgoing {
        to: "\u{e9}va@b\u{fc}cher.example".to_owned(),
        ..example()
    };
    let server = Server::start(Script {
        offers: vec!["8BITMIME", "SMTPUTF8"],
        ..Script::default()
    })
    .await;
    mailer(&settings(&server)).send(&mail).await.unwrap();
    let lines = server.lines();
    assert!(lines[1].contains(" SMTPUTF8"), "{lines:?}");
    assert_eq!(lines[2], "RCPT TO:<\u{e9}va@xn--bcher-kva.example>");

    let server = Server::start(Script::default()).await;
    let outcome = mailer(&settings(&server)).send(&mail).await;
    assert!(is_blocked(&outcome), "{outcome:?}");
}

#[tokio::test]
async fn ehlo_never_names_the_host() {
    let server = Server::start(Script::default()).await;
    let smtp = Smtp::new(&settings(&server), "localhost").unwrap();
    smtp.send(&example()).await.unwrap();
    assert_eq!(server.lines()[0], "EHLO [127.0.0.1]");
}

#[test]
fn a_missing_ca_file_stops_the_start() {
    let settings = SmtpSettings {
        host: "localhost".to_owned(),
        port: 25,
        tls: SmtpTls::Tls,
        username: None,
        password: None,
        timeout: Duration::from_secs(1),
        ca_file: Some(PathBuf::from("/nonexistent/ca.pem")),
    };
    assert!(Smtp::new(&settings, "example.com").is_err());
}
