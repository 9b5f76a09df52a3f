//! A scripted mail server.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The behaviour of the server.
#[derive(Clone, Default)]
pub(super) struct Script {
    /// The extensions that the server offers after EHLO.
    pub(super) offers: Vec<&'static str>,
    /// The greeting, unless it is a friendly one.
    pub(super) greeting: Option<&'static str>,
    /// Answers by the first word of a command, used once each and in order; then friendly answers.
    pub(super) answers: Vec<(&'static str, &'static str)>,
    /// The command that the server never answers.
    pub(super) silent_at: Option<&'static str>,
    /// The acceptor for TLS connections.
    pub(super) tls: Option<TlsAcceptor>,
    /// Whether TLS begins with the first byte.
    pub(super) implicit: bool,
    /// Text that the server, or an attacker on the network, sends directly behind the answer to
    /// STARTTLS.
    pub(super) smuggled: &'static str,
    /// Whether the server closes the connection after each mail.
    pub(super) hangs_up: bool,
}

/// What the server received.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) lines: Vec<String>,
    pub(super) mails: Vec<String>,
    pub(super) connections: usize,
}

pub(super) struct Server {
    pub(super) port: u16,
    heard: Arc<Mutex<Heard>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let answers = Arc::new(Mutex::new(VecDeque::from(script.answers.clone())));
        let shared = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let talk = Talk {
                    script: script.clone(),
                    heard: Arc::clone(&shared),
                    answers: Arc::clone(&answers),
                };
                tokio::spawn(talk.serve(stream));
            }
        });
        Self { port, heard, task }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.heard.lock().unwrap().lines.clone()
    }

    pub(super) fn mails(&self) -> Vec<String> {
        self.heard.lock().unwrap().mails.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.heard.lock().unwrap().connections
    }
}

struct Talk {
    script: Script,
    heard: Arc<Mutex<Heard>>,
    answers: Arc<Mutex<VecDeque<(&'static str, &'static str)>>>,
}

impl Talk {
    async fn serve(self, stream: TcpStream) -> Option<()> {
        if self.script.implicit {
            let stream = self.script.tls.clone()?.accept(stream).await.ok()?;
            self.talk(stream, true).await?;
            return Some(());
        }
        if let Some(plain) = self.talk(stream, true).await {
            let stream = self.script.tls.clone()?.accept(plain).await.ok()?;
            self.talk(stream, false).await?;
        }
        Some(())
    }

    /// Serves commands until the client leaves; returns the stream for STARTTLS.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, greets: bool) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greets {
            if self.script.silent_at == Some("greeting") {
                std::future::pending::<()>().await;
            }
            let greeting = self.script.greeting.unwrap_or("220 mail.example ESMTP");
            say(&mut stream, greeting).await?;
        }
        loop {
            let line = hear(&mut stream).await?;
            self.heard.lock().unwrap().lines.push(line.clone());
            let word = line.split([' ', ':']).next().unwrap_or_default().to_owned();
            if self.script.silent_at == Some(word.as_str()) {
                std::future::pending::<()>().await;
            }
            if let Some(answer) = self.scripted(&word) {
                say(&mut stream, answer).await?;
                continue;
            }
            match word.as_str() {
                "EHLO" => say(&mut stream, &self.offers()).await?,
                "AUTH" if line == "AUTH LOGIN" => {
                    say(&mut stream, "334 VXNlcm5hbWU6").await?;
                    self.secret(&mut stream).await?;
                    say(&mut stream, "334 UGFzc3dvcmQ6").await?;
                    self.secret(&mut stream).await?;
                    say(&mut stream, "235 welcome").await?;
                }
                "AUTH" => say(&mut stream, "235 welcome").await?,
                "STARTTLS" => {
                    let answer = format!("220 go ahead\r\n{}", self.script.smuggled);
                    say(&mut stream, answer.trim_end()).await?;
                    return Some(stream.into_inner());
                }
                "DATA" => {
                    say(&mut stream, "354 go ahead").await?;
                    let mut mail = String::new();
                    loop {
                        let line = hear(&mut stream).await?;
                        if line == "." {
                            break;
                        }
                        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                        mail.push_str("\r\n");
                    }
                    let answer = self.scripted(".");
                    if answer.is_none() {
                        self.heard.lock().unwrap().mails.push(mail);
                    }
                    say(&mut stream, answer.unwrap_or("250 queued")).await?;
                    if self.script.hangs_up {
                        return None;
                    }
                }
                "QUIT" => {
                    say(&mut stream, "221 bye").await?;
                    return None;
                }
                _ => say(&mut stream, "250 fine").await?,
            }
        }
    }

    fn offers(&self) -> String {
        let mut lines = vec!["mail.example"];
        lines.extend(&self.script.offers);
        let last = lines.len() - 1;
        let lines = lines.iter().enumerate().map(|(at, line)| {
            let sign = if at == last { ' ' } else { '-' };
            format!("250{sign}{line}")
        });
        lines.collect::<Vec<_>>().join("\r\n")
    }

    fn scripted(&self, word: &str) -> Option<&'static str> {
        let mut answers = self.answers.lock().unwrap();
        let at = answers.iter().position(|(known, _)| *known == word)?;
        answers.remove(at).map(|(_, answer)| answer)
    }

    async fn secret<S: AsyncRead + Unpin>(&self, stream: &mut BufReader<S>) -> Option<()> {
        let line = hear(stream).await?;
        self.heard.lock().unwrap().lines.push(line);
        Some(())
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    text: &str,
) -> Option<()> {
    let text = format!("{text}\r\n");
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn hear<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
