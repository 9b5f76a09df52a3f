//! A service on loopback that records requests and answers them as scripted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How the service answers one request.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// With a status and a body.
    Status(&'static str, String),
    /// With 201, after a while.
    Slowly(Duration),
    /// With a redirect.
    Redirect(String),
    /// Never.
    Silence,
}

impl Answer {
    pub(super) fn status(status: &'static str) -> Self {
        Self::Status(status, String::new())
    }
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    /// The request line and the headers.
    pub(super) head: String,
    pub(super) body: String,
}

impl Arrived {
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }

    /// The value of a field of the form.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.body.as_bytes())
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }
}

pub(super) struct FakeService {
    pub(super) port: u16,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FakeService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeService {
    /// Starts a service that gives these answers, and 201 to all further requests.
    pub(super) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&arrived);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = answers
                    .pop_front()
                    .unwrap_or_else(|| Answer::status("201 Created"));
                tokio::spawn(serve(stream, answer, Arc::clone(&shared)));
            }
        });
        Self {
            port,
            arrived,
            task,
        }
    }

    pub(super) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, answer: Answer, arrived: Arc<Mutex<Vec<Arrived>>>) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    arrived.lock().unwrap().push(request);
    let text = match answer {
        Answer::Status(status, body) => {
            let length = body.len();
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}")
        }
        Answer::Slowly(pause) => {
            tokio::time::sleep(pause).await;
            "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
        Answer::Redirect(to) => {
            format!(
                "HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
            )
        }
        Answer::Silence => std::future::pending().await,
    };
    let _ = stream.write_all(text.as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Arrived> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream
            .read(&mut buffer)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8(bytes.clone()).ok()?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let mut request = Arrived {
            head: head.to_owned(),
            body: body.to_owned(),
        };
        let length: usize = request
            .header("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        if body.len() >= length {
            request.body.truncate(length);
            return Some(request);
        }
    }
}
