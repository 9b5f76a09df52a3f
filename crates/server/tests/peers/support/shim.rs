//! An HTTP proxy in front of vestibule that adds what the reference's example application has
//! beside the accounts API: a page for signed-in users, and backdoors for the example client.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cookies::older;
use super::http::{Request, Response};

/// Longer than the outbox takes to deliver a message.
const PATIENCE: Duration = Duration::from_secs(60);

/// More than `SECURITY_FRESHNESS`, in seconds.
const STALE: f64 = 24.0 * 60.0 * 60.0 + 100.0;

/// The proxy. Its thread ends with the test process.
#[derive(Debug)]
pub(crate) struct Shim {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Shim {
    /// Listens on a free port. `mailbox` is the path of vestibule's dev mailbox as JSON, and
    /// `secret` the key that signs its sessions.
    pub(crate) fn start(vestibule: u16, mailbox: String, secret: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut application = Application {
                vestibule,
                mailbox,
                secret,
                popped: BTreeMap::new(),
            };
            for stream in listener.incoming() {
                let _ = stream.map(|stream| serve(&stream, &mut application, &kept));
            }
        });
        Self { port, seen }
    }

    /// Method, path and status of every request that vestibule answered. A path ends before a
    /// token.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Answers one request, and closes the connection.
fn serve(
    stream: &TcpStream,
    application: &mut Application,
    seen: &Mutex<Vec<String>>,
) -> Option<()> {
    let request = read(stream)?;
    let response = if let Some(own) = application.answer(&request) {
        own
    } else {
        let response = request.send(application.vestibule).ok()?;
        let line = format!(
            "{} {} {}",
            request.method,
            without_token(&request.target),
            response.status
        );
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
        response
    };
    let mut head = format!("HTTP/1.1 {} -\r\nConnection: close\r\n", response.status);
    let framing = ["connection", "content-length", "transfer-encoding"];
    for (name, value) in &response.headers {
        if !framing.contains(&name.as_str()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", response.body.len()));
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&response.body).ok()
}

/// Reads a request to a proxy, whose target is a whole address.
fn read(stream: &TcpStream) -> Option<Request> {
    let mut input = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, address) = (words.next()?, words.next()?);
    let (_, path) = address.strip_prefix("http://")?.split_once('/')?;
    let mut request = Request::new(method, &format!("/{path}"));
    let mut length = 0;
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "connection" => {}
            _ => request = request.header(name, value.trim()),
        }
    }
    request.body = vec![0; length];
    input.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// A path without its last part if that is a token, which has dots.
fn without_token(path: &str) -> &str {
    match path.rfind('/') {
        Some(end) if path[end..].contains('.') => &path[..=end],
        _ => path,
    }
}

/// The routes of the example application beside the accounts API.
struct Application {
    vestibule: u16,
    mailbox: String,
    secret: &'static str,
    /// How many messages of each kind the client has fetched.
    popped: BTreeMap<&'static str, usize>,
}

impl Application {
    /// The answer to a request for one of these routes; `None` for any other request.
    fn answer(&mut self, request: &Request) -> Option<Response> {
        match request.target.as_str() {
            "/api/health" => Some(self.health(request)),
            "/api/popmail" => Some(ok(&json!({"mail": self.newest("mails")}))),
            // The client takes the last word of an SMS for the code. Ours ends with a line for
            // browsers, which writes the code as `#123456`.
            "/api/popsms" => Some(ok(&json!({"sms": self.newest("sms").replace('#', "")}))),
            "/api/resetfresh" => Some(self.make_stale(request)),
            _ => None,
        }
    }

    /// The page for signed-in users. Vestibule decides who may see it.
    fn health(&self, request: &Request) -> Response {
        let question = Request::get("/authz?methods=session").header("Cookie", cookies(request));
        let mut decision = question.send(self.vestibule).expect("a decision");
        if decision.status == 200 {
            // The client compares this text.
            decision.body = json!({"secret": "lush oranges"}).to_string().into();
        }
        decision
    }

    /// The text of the newest message in the dev mailbox, as soon as there is one that was not
    /// fetched yet.
    fn newest(&mut self, kind: &'static str) -> String {
        let start = Instant::now();
        let popped = self.popped.entry(kind).or_default();
        loop {
            let mailbox = Request::get(&self.mailbox)
                .send(self.vestibule)
                .expect("the dev mailbox");
            let messages = mailbox.json().expect("JSON")["response"][kind].take();
            let messages = messages.as_array().expect("a list");
            if messages.len() > *popped {
                *popped = messages.len();
                return messages[0]["text"].as_str().expect("a text").to_owned();
            }
            assert!(start.elapsed() < PATIENCE, "no new message in {kind}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Signs the client's session again, with a proof of identity that is too old.
    fn make_stale(&self, request: &Request) -> Response {
        let cookies = cookies(request);
        let session = cookies
            .split("; ")
            .find_map(|cookie| cookie.strip_prefix("session="));
        let session = session.unwrap_or_else(|| panic!("no session in {cookies:?}"));
        let signed = older(session, STALE, self.secret);
        let mut response = ok(&json!({}));
        let cookie = format!("session={signed}; HttpOnly; Path=/");
        response.headers.push(("set-cookie".into(), cookie));
        response
    }
}

fn cookies(request: &Request) -> String {
    request
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("cookie"))
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        .unwrap_or_default()
}

fn ok(body: &Value) -> Response {
    Response {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into(),
    }
}
