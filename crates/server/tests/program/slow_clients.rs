//! Clients that do not read, clients that send no request, and too many clients.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command};

use crate::support::{BINARY, Folder, Server, terminate, wait_for};

/// More responses than fit into the buffers of a connection.
const PIPELINED: usize = 100;

/// A client that sends many requests and reads no response.
fn never_reads(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = "GET /api/accounts/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    // The server may have closed it already.
    let _ = stream.write_all(request.repeat(PIPELINED).as_bytes());
    stream
}

fn sockets(child: &Child) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
    let is_socket = |path: std::path::PathBuf| {
        std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    files
        .filter(|file| is_socket(file.as_ref().unwrap().path()))
        .count()
}

#[test]
fn attack_denial_clients_that_never_read_do_not_keep_others_out() {
    let folder = Folder::new();
    let socket = folder.path().join("sock");
    let few_files = |listen: &str| {
        let script = format!("ulimit -n 100; exec \"$0\" serve --listen {listen}");
        Command::new("bash")
            .args(["-c", &script, BINARY])
            .current_dir(folder.path())
            .env_clear()
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap()
    };
    let port = |log: &str| -> Option<u16> {
        let rest = log.split("listens on http://127.0.0.1:").nth(1)?;
        rest.lines().next()?.parse().ok()
    };
    let mut child = few_files("127.0.0.1:0");
    wait_for(|| port(&folder.read("log")).is_some());
    let port = port(&folder.read("log")).unwrap();
    let server = Server { child, port };
    let crowd: Vec<TcpStream> = (0..200).map(|_| never_reads(port)).collect();
    assert!(server.curl(&["{}/healthz"]).contains("up"));
    assert!(folder.read("log").contains("all connections are in use"));
    assert!(!folder.read("log").contains("cannot accept"));
    drop(crowd);
    assert!(server.stop().success());

    child = few_files("unix:sock");
    wait_for(|| folder.read("log").contains("listens on"));
    let request = "GET /api/accounts/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let crowd: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
            let _ = stream.write_all(request.repeat(PIPELINED).as_bytes());
            stream
        })
        .collect();
    let output = Command::new("curl")
        .args(["-s", "--max-time", "120", "--unix-socket"])
        .arg(&socket)
        .arg("http://localhost/healthz")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("up"));
    drop(crowd);
    terminate(&child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn attack_denial_an_unread_response_ends_its_connection() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[("VESTIBULE_WRITE_TIMEOUT", "1 second")]);
    assert!(server.curl(&["{}/healthz"]).contains("up"));
    let before = sockets(&server.child);
    let crowd: Vec<TcpStream> = (0..20).map(|_| never_reads(server.port)).collect();
    wait_for(|| sockets(&server.child) > before + 10);
    wait_for(|| sockets(&server.child) <= before);
    // A client that reads gets every response, even if it starts late.
    let mut reader = never_reads(server.port);
    let mut answers = Vec::new();
    let mut chunk = [0_u8; 64 * 1024];
    while answers.len() < 5_000_000 {
        let count = reader.read(&mut chunk).unwrap();
        assert!(count > 0, "closed after {} bytes", answers.len());
        answers.extend_from_slice(&chunk[..count]);
    }
    drop(crowd);
}

#[test]
fn attack_denial_connections_without_a_request_make_room_for_others() {
    let folder = Folder::new();
    let limits = [
        ("VESTIBULE_MAX_CONNECTIONS", "5"),
        ("VESTIBULE_IDLE_TIMEOUT", "1 hour"),
    ];
    let server = Server::start(&folder, &limits);
    let mut crowd: Vec<TcpStream> = (0..20)
        .map(|_| TcpStream::connect(("127.0.0.1", server.port)).unwrap())
        .collect();
    // Some of them send the head of a request and not its body.
    for stream in &mut crowd[10..] {
        let head = "POST /api/accounts/login HTTP/1.1\r\nHost: localhost\r\n\
                    Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
        let _ = stream.write_all(head.as_bytes());
    }
    assert!(server.curl(&["{}/healthz"]).contains("up"));
    assert!(
        sockets(&server.child) <= 5 + 4,
        "five clients, and the server's own sockets"
    );
}

#[test]
fn an_idle_connection_is_closed() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[("VESTIBULE_IDLE_TIMEOUT", "1 second")]);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0_u8; 4096];
        let count = stream.read(&mut answer).unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
    }
    assert_eq!(stream.read(&mut [0_u8; 16]).unwrap(), 0, "closed");
    assert!(server.curl(&["{}/healthz"]).contains("up"));
}

#[test]
fn max_connections_above_the_file_limit_is_lowered_with_a_warning() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[("VESTIBULE_MAX_CONNECTIONS", "1000000")]);
    wait_for(|| folder.read("log").contains("listens on"));
    let log = folder.read("log");
    assert!(
        log.contains("VESTIBULE_MAX_CONNECTIONS = 1000000 is more"),
        "{log}"
    );
    assert!(log.contains("LimitNOFILE="), "{log}");
    assert!(server.stop().success());
}
