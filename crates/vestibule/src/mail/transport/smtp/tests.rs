//! Mails on their way, as a server sees them.

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

async fn send(settings: &SmtpSettings) -> Result<(), MailError> {
    mailer(settings).send(&example()).await
}

fn is_blocked(outcome: &Result<(), MailError>) -> bool {
    matches!(outcome, Err(MailError::Blocked(_)))
}

fn is_later(outcome: &Result<(), MailError>) -> bool {
    matches!(outcome, Err(MailError::Later(_)))
}

fn is_never(outcome: &Result<(), MailError>) -> bool {
    matches!(outcome, Err(MailError::Never(_)))
}

/// A certificate for localhost that signs itself: what a server encrypts with, and the file
/// that says to trust it.
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

    /// An outcome where it is trusted.
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
async fn the_wire_of_a_plain_mail() {
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
    // Lines that are a dot or two alone end nothing.
    assert!(
        body.contains("\r\n.\r\n..\r\nhttps://example.com/confirm/abc"),
        "{body}"
    );
    assert!(body.contains("text/html"));
}

#[tokio::test]
async fn a_connection_is_kept_and_replaced_when_it_is_gone() {
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
async fn what_a_server_answers_decides_whether_it_is_tried_again() {
    for (word, answer, kind) in [
        ("MAIL", "451 try later", "blocked"),
        ("MAIL", "550 not you", "blocked"),
        ("MAIL", "530 who are you", "blocked"),
        ("RCPT", "451 greylisted", "later"),
        ("RCPT", "550 <ana@example.com> is nobody", "never"),
        ("RCPT", "550 5.1.1 <ana@example.com> is nobody", "never"),
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
            response_hooks: vec![(word, answer)],
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
        // The next one goes through.
        mailer.send(&example()).await.unwrap();
        assert_eq!(server.mails().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_is_unfriendly_silent_or_not_there() {
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
async fn signing_in() {
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
async fn attack_a_refused_sign_in_tells_no_secret_and_loses_no_mail() {
    let server = Server::start(Script {
        offers: vec!["AUTH PLAIN"],
        response_hooks: vec![("AUTH", "535 us\u{e9}r with open sesame is wrong")],
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

    // A server that cannot be signed in to is not sent to without.
    let server = Server::start(Script::default()).await;
    assert!(is_blocked(&send(&with_password(&server)).await));
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn starttls() {
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
async fn tls_from_the_first_byte_on() {
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
async fn attack_a_server_that_nobody_vouches_for_gets_nothing() {
    let certificate = Certificate::new("stranger");
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
        // One with a certificate for somebody else.
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
async fn attack_starttls_that_is_taken_out_or_refused_is_not_gone_without() {
    for script in [
        Script::default(),
        Script {
            offers: vec!["STARTTLS"],
            response_hooks: vec![("STARTTLS", "454 not now")],
            ..Script::default()
        },
        Script {
            offers: vec!["STARTTLS"],
            response_hooks: vec![("STARTTLS", "502 never")],
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
async fn attack_words_put_before_the_encryption_are_not_taken_for_answers() {
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
async fn attack_no_number_of_answers_put_before_the_encryption_makes_a_mail_count_as_sent() {
    const ANSWERS: [&str; 5] = [
        "250-mail.example\r\n250 8BITMIME\r\n",
        "250-mail.example\r\n250 8BITMIME\r\n250 fine\r\n",
        "250-mail.example\r\n250 8BITMIME\r\n250 fine\r\n250 fine\r\n",
        "250-mail.example\r\n250 8BITMIME\r\n250 fine\r\n250 fine\r\n250 fine\r\n",
        // One that its end is missing from.
        "250-mail.example\r\n250-8BITM",
    ];
    let certificate = Certificate::new("injected");
    for offers in [vec!["STARTTLS", "SIZE 1000000"], vec!["STARTTLS"]] {
        for smuggled in ANSWERS {
            let server = Server::start(Script {
                offers: offers.clone(),
                // What the server itself says to the mail.
                response_hooks: vec![("RCPT", "550 nobody")],
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
async fn letters_beyond_ascii_before_the_at_need_a_server_that_knows_them() {
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
async fn our_name_is_the_senders_domain_and_never_the_hosts() {
    let server = Server::start(Script::default()).await;
    let smtp = Smtp::new(&settings(&server), "localhost").unwrap();
    smtp.send(&example()).await.unwrap();
    assert_eq!(server.lines()[0], "EHLO [127.0.0.1]");
}

#[test]
fn certificates_that_are_not_there_stop_the_start() {
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
