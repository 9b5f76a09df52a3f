//! An SMTP server for tests that accepts every mail and delivers none.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How long a mail may take to arrive after the response.
const PATIENCE: Duration = Duration::from_secs(120);

/// A mail as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) to: Vec<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
}

/// A running mail server and the mails that it received.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Post {
    /// Starts a server on a free port. It stops when the test ends.
    pub(crate) fn open() -> Self {
        Self::open_at(0)
    }

    /// Starts a server on this port.
    pub(crate) fn open_at(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || converse(&stream, &kept));
            }
        });
        Self { port, mails }
    }

    /// A server that is down: nothing listens on its port.
    pub(crate) fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        Self {
            port,
            mails: Arc::default(),
        }
    }

    /// How many mails have arrived so far.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Waits for `expected` mails from index `first` on, and returns those that arrived in time.
    pub(crate) fn from(&self, first: usize, expected: usize) -> Vec<Mail> {
        let start = Instant::now();
        while self.count() < first + expected && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.lock()[first..].to_vec()
    }

    /// All mails to an address.
    pub(crate) fn to(&self, address: &str) -> Vec<Mail> {
        let to = |mail: &&Mail| mail.to.iter().any(|to| to == address);
        self.lock().iter().filter(to).cloned().collect()
    }

    /// Waits until `count` mails to an address have arrived.
    pub(crate) fn wait_for(&self, address: &str, count: usize) {
        let start = Instant::now();
        while self.to(address).len() < count {
            assert!(start.elapsed() < PATIENCE, "no mail to {address} arrived");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for a link to an address, and returns the path of the last one.
    pub(crate) fn link(&self, address: &str) -> String {
        let start = Instant::now();
        loop {
            let last = self.to(address).pop();
            if let Some(link) = last.and_then(|mail| mail.links().pop()) {
                return link;
            }
            assert!(start.elapsed() < PATIENCE, "no link to {address} arrived");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Mail>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mail {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let named = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(named)
            .map(|(_, value)| value.as_str())
    }

    /// The paths of the links in the mail, without duplicates.
    pub(crate) fn links(&self) -> Vec<String> {
        links_in(
            self.text
                .as_deref()
                .or(self.html.as_deref())
                .unwrap_or_default(),
        )
    }

    /// A description of the mail that is the same for vestibule and the reference.
    pub(crate) fn comparable(&self) -> String {
        let shape = |part: &Option<String>| match part {
            None => "none".to_owned(),
            // The reference sends an empty text part beside its HTML.
            Some(text) if text.trim().is_empty() => "none".to_owned(),
            Some(text) => {
                // Only links with a token are compared: a user cannot open an endpoint of the API.
                let links = links_in(text);
                let with_token = links.iter().filter(|link| link.contains('.'));
                let shapes: Vec<String> = with_token.map(|link| shape_of(link)).collect();
                format!("{shapes:?}")
            }
        };
        format!(
            "to {:?} from {:?}, subject {}, text {}, html {}",
            self.to,
            self.header("from"),
            self.header("subject")
                .is_some_and(|subject| !subject.is_empty()),
            shape(&self.text),
            shape(&self.html)
        )
    }
}

/// A link without its token.
fn shape_of(link: &str) -> String {
    match link.trim_end_matches('/').rsplit_once('/') {
        Some((path, token)) if token.contains('.') => {
            format!("{path}/<a token>")
        }
        _ => link.to_owned(),
    }
}

fn links_in(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for rest in text.split("http://").skip(1) {
        let ends = |c: char| c.is_whitespace() || "\"'<>)".contains(c);
        let link = rest.split(ends).next().unwrap_or_default();
        if let Some((host, path)) = link.split_once('/')
            && (host.starts_with("localhost:") || host.starts_with("127.0.0.1:"))
        {
            let link = format!("/{}", path.trim_end_matches(['.', ',']));
            if !links.contains(&link) {
                links.push(link);
            }
        }
    }
    links
}

/// Serves one client until it disconnects.
fn converse(stream: &TcpStream, kept: &Mutex<Vec<Mail>>) -> Option<()> {
    let mut input = BufReader::new(stream.try_clone().ok()?);
    let mut output = stream;
    let mut say = |line: &str| output.write_all(format!("{line}\r\n").as_bytes()).ok();
    say("220 sink ESMTP")?;
    let mut recipients = Vec::new();
    loop {
        let line = read_line(&mut input)?;
        let command = line.to_ascii_uppercase();
        if command.starts_with("EHLO") {
            say("250-sink\r\n250-SMTPUTF8\r\n250 8BITMIME")?;
        } else if command.starts_with("RCPT TO:") {
            let address = line[8..].trim().trim_start_matches('<');
            recipients.push(address.split('>').next().unwrap_or_default().to_owned());
            say("250 ok")?;
        } else if command == "DATA" {
            say("354 go on")?;
            let mut data = Vec::new();
            loop {
                let line = read_line(&mut input)?;
                if line == "." {
                    break;
                }
                data.push(line.strip_prefix('.').map_or(line.clone(), str::to_owned));
            }
            let mail = parse(std::mem::take(&mut recipients), &data);
            kept.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(mail);
            say("250 taken")?;
        } else if command == "QUIT" {
            say("221 bye")?;
            return Some(());
        } else {
            say("250 ok")?;
        }
    }
}

fn read_line(input: &mut impl BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    let read = input.read_until(b'\n', &mut bytes).ok()?;
    (read > 0).then(|| {
        let line = String::from_utf8_lossy(&bytes);
        line.trim_end_matches(['\r', '\n']).to_owned()
    })
}

fn parse(to: Vec<String>, lines: &[String]) -> Mail {
    let mut mail = Mail {
        to,
        headers: Vec::new(),
        text: None,
        html: None,
    };
    mail.headers = take_part(lines, &mut |kind, text| match kind {
        "text/html" => mail.html = Some(text),
        _ => mail.text = Some(text),
    });
    mail
}

/// Reads the headers and the parts of a message. Passes each part with text to `found`.
fn take_part(lines: &[String], found: &mut dyn FnMut(&str, String)) -> Vec<(String, String)> {
    let end = lines
        .iter()
        .position(String::is_empty)
        .unwrap_or(lines.len());
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in &lines[..end] {
        if let (true, Some((_, value))) = (line.starts_with([' ', '\t']), headers.last_mut()) {
            value.push(' ');
            value.push_str(line.trim());
        } else {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    let header = |name: &str| {
        let found = headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (kind, body) = (header("content-type"), &lines[(end + 1).min(lines.len())..]);
    if let Some((_, rest)) = kind.split_once("boundary=") {
        let boundary = format!(
            "--{}",
            rest.split(';').next().unwrap_or_default().trim_matches('"')
        );
        for part in body.split(|line| line.starts_with(&boundary)).skip(1) {
            if part.iter().any(|line| !line.is_empty()) {
                take_part(part, found);
            }
        }
    } else {
        let kind = kind.split(';').next().unwrap_or_default().to_owned();
        found(&kind, decoded(&header("content-transfer-encoding"), body));
    }
    headers
}

fn decoded(encoding: &str, lines: &[String]) -> String {
    match encoding.to_ascii_lowercase().as_str() {
        "base64" => {
            let bytes = STANDARD.decode(lines.concat()).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        "quoted-printable" => {
            let mut bytes = Vec::new();
            for line in lines {
                let (line, end) = match line.strip_suffix('=') {
                    Some(line) => (line, ""),
                    None => (line.as_str(), "\n"),
                };
                let mut rest = line.bytes();
                while let Some(byte) = rest.next() {
                    if byte == b'=' {
                        let digits: Vec<u8> = rest.by_ref().take(2).collect();
                        let digits = String::from_utf8_lossy(&digits).into_owned();
                        bytes.extend(u8::from_str_radix(&digits, 16));
                    } else {
                        bytes.push(byte);
                    }
                }
                bytes.extend(end.bytes());
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => lines.join("\n"),
    }
}
