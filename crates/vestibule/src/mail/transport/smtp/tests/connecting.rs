//! Explanations of failed connections, and the probe.

use super::*;

#[tokio::test]
async fn a_port_that_does_not_match_the_encryption_is_explained() {
    let certificate = Certificate::new("ports");
    // An implicit-TLS server, as on port 465, and a client that waits for the greeting.
    let server = Server::start(Script {
        tls: Some(certificate.acceptor.clone()),
        implicit: true,
        ..Script::default()
    })
    .await;
    for tls in [SmtpTls::StartTls, SmtpTls::None] {
        let settings = SmtpSettings {
            tls,
            timeout: Duration::from_millis(300),
            ..certificate.trusted(&settings(&server))
        };
        let text = send(&settings).await.unwrap_err().to_string();
        assert!(text.contains("sends no greeting"), "{text}");
        assert!(
            text.contains("465") && text.contains("MAIL_USE_SSL"),
            "{text}"
        );
    }
    // A clear-text greeting, as on port 587, and a client that begins with TLS.
    let server = Server::start(Script::default()).await;
    let settings = SmtpSettings {
        tls: SmtpTls::Tls,
        ..certificate.trusted(&settings(&server))
    };
    let text = send(&settings).await.unwrap_err().to_string();
    assert!(text.contains("responds without TLS"), "{text}");
    assert!(
        text.contains("587") && text.contains("MAIL_USE_TLS"),
        "{text}"
    );
}

#[tokio::test]
async fn a_probe_authenticates_and_sends_no_mail() {
    let server = Server::start(Script {
        offers: vec!["AUTH PLAIN"],
        ..Script::default()
    })
    .await;
    let smtp = mailer(&with_password(&server));
    let detail = smtp.probe("care@example.com").await.unwrap();
    assert!(
        detail.ends_with("without encryption, signed in"),
        "{detail}"
    );
    let lines = server.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[1].starts_with("AUTH PLAIN") && lines[2] == "QUIT",
        "{lines:?}"
    );
    let outcome = smtp.probe("c\u{e1}re@example.com").await;
    assert!(outcome.unwrap_err().to_string().contains("SMTPUTF8"));
}

#[tokio::test]
async fn without_a_password_the_client_does_not_authenticate() {
    let server = Server::start(Script {
        offers: vec!["AUTH PLAIN"],
        ..Script::default()
    })
    .await;
    let half = SmtpSettings {
        password: None,
        ..with_password(&server)
    };
    send(&half).await.unwrap();
    let lines = server.lines();
    assert!(
        !lines.iter().any(|line| line.starts_with("AUTH")),
        "{lines:?}"
    );
}
