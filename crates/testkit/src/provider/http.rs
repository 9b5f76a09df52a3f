//! An HTTP server of a few lines: every failure of a real one has to be producible.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Fault, State, answers, lock};

/// The longest body that is read.
const MAX_BODY: usize = 1 << 20;

/// A request as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The parameters of the query.
    pub query: Vec<(String, String)>,
    /// The headers; names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    pub(super) fn get(path: &str, query: &str) -> Self {
        Self {
            method: "GET".into(),
            path: path.into(),
            query: pairs(query.as_bytes()),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A parameter of the query.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// A header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The body as a form.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// A field of the body, which is a form.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        find(&self.form(), name).map(str::to_owned)
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(own, _)| own == name);
    found.map(|(_, value)| value.as_str())
}

fn pairs(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

/// A reply.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", media_type.to_owned())],
            body: body.into(),
        }
    }

    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(super) fn redirect(to: &str) -> Self {
        let mut reply = Self::new(302, "text/html", "");
        reply.headers.push(("Location", to.to_owned()));
        reply
    }

    fn head(&self, length: Option<usize>) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Reply\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

/// Serves until it is stopped. Each connection has a thread and carries one request.
pub(super) fn serve(listener: &TcpListener, state: &Arc<Mutex<State>>, stopped: &AtomicBool) {
    for stream in listener.incoming().flatten() {
        if stopped.load(Ordering::SeqCst) {
            return;
        }
        let state = Arc::clone(state);
        std::thread::spawn(move || answer(&stream, &state));
    }
}

fn answer(stream: &TcpStream, state: &Mutex<State>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
    let Some(request) = receive(stream) else {
        return;
    };
    let (reply, fault) = {
        let mut state = lock(state);
        let endpoint = answers::endpoint(&state, &request.path);
        state.received.push((endpoint, request.clone()));
        let fault = state.behaviour.faults.get(&endpoint).cloned();
        let reply = match fault {
            Some(Fault::Reply(..) | Fault::Redirect(_) | Fault::Closed) => None,
            _ => Some(answers::answer(&mut state, endpoint, &request)),
        };
        (reply, fault)
    };
    // The client may close the connection at any time.
    let _ = write(stream, reply, fault.as_ref());
}

fn write(
    mut stream: &TcpStream,
    reply: Option<Reply>,
    fault: Option<&Fault>,
) -> std::io::Result<()> {
    let reply = match (reply, fault) {
        (Some(reply), _) => reply,
        (None, Some(Fault::Reply(status, media_type, body))) => {
            Reply::new(*status, media_type, body.as_bytes())
        }
        (None, Some(Fault::Redirect(to))) => Reply::redirect(to),
        (None, _) => return Ok(()),
    };
    let body = &reply.body;
    match fault {
        Some(Fault::Slow(time)) => std::thread::sleep(*time),
        Some(Fault::Dripping(time)) => {
            stream.write_all(&reply.head(Some(body.len())))?;
            for byte in body {
                std::thread::sleep(*time);
                stream.write_all(&[*byte])?;
            }
            return Ok(());
        }
        Some(Fault::Huge(spaces)) => {
            stream.write_all(&reply.head(None))?;
            stream.write_all(body)?;
            let chunk = [b' '; 16 * 1024];
            let mut left = *spaces;
            while left > 0 {
                let count = left.min(chunk.len());
                stream.write_all(&chunk[..count])?;
                left -= count;
            }
            return Ok(());
        }
        Some(Fault::Truncated) => {
            stream.write_all(&reply.head(Some(body.len())))?;
            return stream.write_all(&body[..body.len() / 2]);
        }
        _ => {}
    }
    stream.write_all(&reply.head(Some(body.len())))?;
    stream.write_all(body)
}

/// Reads a request; `None` if it is not one.
fn receive(stream: &TcpStream) -> Option<Received> {
    let mut input = BufReader::new(stream);
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut request = Received::get(path, query);
    request.method = method;
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        let value = value.trim().to_owned();
        request.headers.push((name.to_ascii_lowercase(), value));
    }
    let length = request.header("content-length").unwrap_or("0");
    let length: usize = length.parse().ok()?;
    request.body = vec![0; length.min(MAX_BODY)];
    input.read_exact(&mut request.body).ok()?;
    Some(request)
}
