//! A backend without accounts of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A backend that answers every request and records its headers.
pub(crate) struct Backend {
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Backend {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                answer(&connection, &ears);
            }
        });
        Self { port, heard }
    }

    /// Takes the headers of the requests since the last call, in lower case.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

fn answer(mut connection: &TcpStream, heard: &Mutex<Vec<String>>) {
    let lines: Vec<String> = BufReader::new(connection)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    heard.lock().unwrap().push(lines.join("\n").to_lowercase());
    let _ = connection
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nbackend");
}
