//! Breach checks against a scripted list of leaked passwords.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// The behaviour of the list server.
#[derive(Clone)]
enum Script {
    Answer(String),
    Silent,
    HangsUp,
    Endless,
}

struct List {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for List {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl List {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (script, heard) = (script.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        let read = stream.read(&mut buffer).await.unwrap_or(0);
                        if read == 0 {
                            break;
                        }
                        request.extend_from_slice(&buffer[..read]);
                    }
                    heard.lock().unwrap().extend_from_slice(&request);
                    match script {
                        Script::Answer(text) => {
                            let _ = stream.write_all(text.as_bytes()).await;
                        }
                        Script::Silent => std::future::pending::<()>().await,
                        Script::HangsUp => {}
                        Script::Endless => {
                            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                            while stream.write_all(&[b'A'; 4096]).await.is_ok() {}
                        }
                    }
                });
            }
        });
        Self { port, heard, task }
    }

    fn heard(&self) -> String {
        String::from_utf8(self.heard.lock().unwrap().clone()).unwrap()
    }

    fn settings(&self, strict: bool, count: u64) -> BreachedSettings {
        BreachedSettings {
            strict,
            count,
            origin: HttpOrigin {
                tls: false,
                host: "127.0.0.1".to_owned(),
                port: self.port,
            },
        }
    }

    fn client_within(&self, patience: Duration) -> Breached {
        let limits = Limits { patience, ..LIMITS };
        Breached {
            outbound: Outbound::new(limits).unwrap(),
            ..self.client(true, 1)
        }
    }

    fn client(&self, strict: bool, count: u64) -> Breached {
        Breached::new(&self.settings(strict, count)).unwrap()
    }
}

fn page(status: &str, body: &str) -> Script {
    let length = body.len();
    Script::Answer(format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
}

/// SHA-1 of "password" is 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
const REST: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
const OTHER: &str = "0018A45C4D1DEF81644B54AB7F969B88D65";

fn list_with(count: u64) -> Script {
    page(
        "200 OK",
        &format!("\u{feff}{OTHER}:7\r\n{REST}:{count}\r\n"),
    )
}

const FOUND: Option<Message> = Some(Message::PasswordBreached);
const UNASKED: Option<Message> = Some(Message::PasswordBreachedSiteError);

#[tokio::test]
async fn a_password_that_leaked_often_enough_is_refused() {
    let list = List::start(list_with(42)).await;
    assert_eq!(list.client(true, 1).verdict("password").await, FOUND);
    assert_eq!(list.client(true, 42).verdict("password").await, FOUND);
    assert_eq!(list.client(true, 43).verdict("password").await, None);
    assert_eq!(list.client(false, 1).verdict("password").await, FOUND);
    assert_eq!(list.client(true, 1).verdict("another one").await, None);
}

#[tokio::test]
async fn a_padding_entry_is_not_a_match() {
    let list = List::start(list_with(0)).await;
    assert_eq!(list.client(true, 1).verdict("password").await, None);
}

#[tokio::test]
async fn attack_only_a_prefix_of_the_hash_is_sent() {
    let list = List::start(list_with(1)).await;
    list.client(true, 1).verdict("password").await;
    let heard = list.heard();
    let lower = heard.to_ascii_lowercase();
    assert!(
        heard.starts_with("GET /range/5BAA6 HTTP/1.1\r\n"),
        "{heard}"
    );
    assert!(lower.contains("add-padding: true\r\n"), "{heard}");
    assert!(lower.contains("user-agent: vestibule/"), "{heard}");
    // Neither the password nor more than five digits of its hash.
    assert!(!lower.contains("5baa61"), "{heard}");
    assert!(!lower.contains(&REST[..6].to_ascii_lowercase()), "{heard}");
    assert!(!lower.contains("password"), "{heard}");
}

#[tokio::test]
async fn an_unavailable_list_is_handled_as_configured() {
    let ticket = "<html>Please show your ticket: 1</html>";
    for (what, script) in [
        ("an error", page("503 Service Unavailable", "")),
        (
            "a refusal",
            page("429 Too Many Requests", &format!("{REST}:9\r\n")),
        ),
        ("another page", page("200 OK", ticket)),
        ("no numbers", page("200 OK", &format!("{REST}:many\r\n"))),
        ("other lengths", page("200 OK", "ABC:1\r\n")),
        (
            "no text",
            Script::Answer("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\u{1}".to_owned()),
        ),
        ("no HTTP", Script::Answer("hello\r\n\r\n".to_owned())),
        (
            "half of it",
            Script::Answer("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nA".to_owned()),
        ),
        ("nothing", Script::HangsUp),
    ] {
        let list = List::start(script).await;
        assert_eq!(
            list.client(true, 1).verdict("password").await,
            UNASKED,
            "{what}"
        );
        assert_eq!(
            list.client(false, 1).verdict("password").await,
            None,
            "{what}"
        );
    }
    let gone = List::start(Script::Silent).await.settings(true, 1);
    tokio::task::yield_now().await;
    assert_eq!(
        Breached::new(&gone).unwrap().verdict("password").await,
        UNASKED
    );
}

#[tokio::test]
async fn attack_a_redirect_is_not_followed() {
    let elsewhere = List::start(list_with(0)).await;
    let port = elsewhere.port;
    let list = List::start(Script::Answer(format!(
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{port}/range/5BAA6\r\ncontent-length: 0\r\n\r\n"
    )))
    .await;
    assert_eq!(list.client(true, 1).verdict("password").await, UNASKED);
    assert_eq!(elsewhere.heard(), "");
}

#[tokio::test]
async fn attack_a_slow_list_delays_no_request_beyond_its_timeout() {
    let list = List::start(Script::Silent).await;
    let patience = Duration::from_millis(200);
    let breached = list.client_within(patience);
    // More look-ups than may run at a time: those in the queue wait no longer than the others.
    let asking = (0..3 * LIMITS.at_a_time).map(|_| breached.verdict("password"));
    let asking = futures_util::future::join_all(asking);
    // Both timeouts use the same clock, and if both are due, the inner one is polled first.
    let answers = tokio::time::timeout(patience * 10, asking).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == UNASKED));
    assert_eq!(breached.outbound.available(), LIMITS.at_a_time);
}

#[tokio::test]
async fn attack_an_endless_list_is_not_read_to_its_end() {
    let list = List::start(Script::Endless).await;
    // Practically infinite: only the length limit ends the read.
    let breached = list.client_within(Duration::from_secs(3600));
    assert_eq!(breached.verdict("password").await, UNASKED);
}

#[tokio::test]
async fn attack_a_list_with_an_untrusted_certificate_is_not_queried() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key =
        tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = tokio_rustls::rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.is_ok()
    });
    let settings = BreachedSettings {
        strict: true,
        count: 1,
        origin: HttpOrigin {
            tls: true,
            host: "localhost".to_owned(),
            port,
        },
    };
    let breached = Breached::new(&settings).unwrap();
    assert_eq!(breached.verdict("password").await, UNASKED);
    assert!(!task.await.unwrap());
}

#[tokio::test]
async fn attack_nothing_of_the_password_is_logged() {
    let log = crate::validation::password::tests::Log::default();
    let _guard = log.listen();
    for script in [Script::HangsUp, page("500 Oops", "password"), list_with(3)] {
        let list = List::start(script).await;
        let breached = list.client(false, 1);
        breached.verdict("password").await;
        assert!(!format!("{breached:?}").contains("assword"));
    }
    let log = log.text().to_ascii_lowercase();
    assert!(log.contains("cannot be queried"), "{log}");
    let without_words = log.replace("leaked passwords", "");
    for secret in ["password", "5baa6", "1e4c9"] {
        assert!(!without_words.contains(secret), "{secret}: {log}");
    }
}
