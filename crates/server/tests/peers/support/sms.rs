//! An SMS service for tests that accepts every SMS and delivers none.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long an SMS may take to arrive after the response.
const PATIENCE: Duration = Duration::from_secs(120);

/// An SMS as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Sms {
    pub(crate) to: String,
    pub(crate) text: String,
}

/// A running service and the SMS that it received.
#[derive(Clone, Debug)]
pub(crate) struct SmsService {
    port: u16,
    received: Arc<Mutex<Vec<Sms>>>,
}

impl SmsService {
    /// Starts a service on a free port. It stops when the test ends.
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sms = receive(&stream);
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(sms);
                let _ = (&stream).write_all(
                    b"HTTP/1.1 204 No Content\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                );
            }
        });
        Self { port, received }
    }

    /// The value for `SECURITY_SMS_SERVICE_CONFIG`.
    pub(crate) fn config(&self) -> Value {
        json!({
            "URL": format!("http://127.0.0.1:{}/sms", self.port),
            "SECRET": "a secret for the webhook",
            "PHONE_NUMBER": "+14155550100",
        })
    }

    /// How many SMS have arrived so far.
    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }

    /// Waits for `expected` SMS from index `first` on, and returns those that arrived in time.
    pub(crate) fn from(&self, first: usize, expected: usize) -> Vec<Sms> {
        let start = Instant::now();
        while self.count() < first + expected && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.all().split_off(first)
    }

    /// The last SMS to a number.
    pub(crate) fn last(&self, number: &str) -> Option<Sms> {
        self.all().into_iter().rev().find(|sms| sms.to == number)
    }

    fn all(&self) -> Vec<Sms> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Reads the SMS in a request: JSON with `to` and `message`.
fn receive(stream: &TcpStream) -> Option<Sms> {
    let mut input = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    let body: Value = serde_json::from_slice(&body).ok()?;
    Some(Sms {
        to: body["to"].as_str()?.to_owned(),
        text: body["message"].as_str()?.to_owned(),
    })
}
