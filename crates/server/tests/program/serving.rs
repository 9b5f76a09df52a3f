//! `serve`: start, shutdown, sockets, log.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::SPA;
use crate::support::{BINARY, Folder, Server, stdout, terminate, wait_for};

fn with_ana() -> Folder {
    let folder = Folder::new();
    let arguments = [
        "users",
        "create",
        "ana@example.com",
        "--password",
        "battery staple",
        "--confirmed",
    ];
    assert!(folder.run(&arguments).status.success());
    folder
}

fn mode(folder: &Folder, name: &str) -> u32 {
    std::fs::metadata(folder.path().join(name))
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn a_start_without_configuration_generates_secrets_that_a_restart_keeps() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    assert!(
        server
            .curl(&["{}/api/accounts/login"])
            .contains("csrf_token")
    );
    assert!(server.stop().success());
    assert!(
        folder
            .read("vestibule.toml")
            .contains("SECURITY_URL_PREFIX = \"/api/accounts\"")
    );
    assert!(
        !folder.read("vestibule.toml").contains("SECRET_KEY ="),
        "the secrets are in a file of their own"
    );
    assert_eq!(mode(&folder, "vestibule-data/secrets.toml"), 0o600);
    assert_eq!(mode(&folder, "vestibule-data"), 0o700);
    let secrets = folder.read("vestibule-data/secrets.toml");
    let log = folder.read("log");
    assert!(log.contains("http://127.0.0.1:"), "{log}");

    let server = Server::start(&folder, &[]);
    assert!(server.curl(&["{}/readyz"]).contains("ready"));
    assert_eq!(folder.read("vestibule-data/secrets.toml"), secrets);
}

#[test]
fn spa_configuration_and_starter_file_start_without_a_warning() {
    let spa = Folder::new();
    spa.write("vestibule.toml", SPA);
    // Without a configuration, the server starts with the starter file, which it writes.
    let starter = Folder::new();
    for folder in [spa, starter] {
        let server = Server::start(&folder, &[]);
        assert!(
            server
                .curl(&["{}/api/accounts/us-signin"])
                .contains("available_methods")
        );
        server.stop();
        let log = folder.read("log");
        for word in ["WARN", "ERROR", "not served"] {
            assert!(!log.contains(word), "{word}: {log}");
        }
    }
}

#[test]
fn passkeys_start_without_a_warning() {
    let folder = Folder::new();
    folder.write("vestibule.toml", "SECURITY_WEBAUTHN = true\n");
    let server = Server::start(&folder, &[]);
    assert!(server.curl(&["{}/wan-signin"]).contains("is_secondary"));
    server.stop();
    let log = folder.read("log");
    assert!(!log.contains("WARN"), "{log}");
}

#[test]
fn a_unix_socket_is_served_and_removed_and_an_abandoned_one_replaced() {
    let folder = Folder::new();
    let socket = folder.path().join("sock");
    let ask = || {
        let output = Command::new("curl")
            .args(["-s", "--unix-socket"])
            .arg(&socket)
            .arg("http://localhost/healthz")
            .output()
            .unwrap();
        stdout(&output)
    };
    for end_well in [false, true] {
        let mut child = folder
            .command(&["serve", "--listen", "unix:sock"])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        wait_for(|| ask().contains("up"));
        let second = folder.run(&["serve", "--listen", "unix:sock"]);
        assert_eq!(second.status.code(), Some(1), "the socket is in use");
        if end_well {
            terminate(&child);
        } else {
            child.kill().unwrap();
        }
        child.wait().unwrap();
        assert_eq!(socket.exists(), !end_well);
    }
}

/// Starts a sign-in whose body the server awaits, so that the request is running.
fn running_sign_in(port: u16, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let patience = Some(Duration::from_secs(120));
    stream.set_read_timeout(patience).unwrap();
    let head = format!(
        "POST /api/accounts/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut asks = [0; 25];
    stream.read_exact(&mut asks).unwrap();
    assert_eq!(&asks, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[test]
fn a_sign_in_that_is_running_at_shutdown_finishes() {
    let folder = with_ana();
    let mut server = Server::start(&folder, &[]);
    let body = r#"{"email": "ana@example.com", "password": "battery staple"}"#;
    let mut stream = running_sign_in(server.port, body.len());
    terminate(&server.child);
    wait_for(|| folder.read("log").contains("stopping"));
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"code\":200"), "{answer}");
    assert!(server.child.wait().unwrap().success());
    assert!(!folder.read("log").contains("did not finish in time"));
}

#[test]
fn attack_secrets_in_the_log_no_credential_or_token_is_logged() {
    let folder = with_ana();
    let server = Server::start(&folder, &[("VESTIBULE_LOG", "trace")]);
    let login = "{}/api/accounts/login";
    let json = "Content-Type: application/json";
    let jar = folder.path().join("jar");
    let jar = jar.to_str().unwrap();
    let wrong = r#"{"email": "ana@example.com", "password": "hunter2-wrong-password"}"#;
    let right = r#"{"email": "ana@example.com", "password": "battery staple", "remember": true}"#;
    let malformed = r#"{"password": "hunter3-malformed" "#;
    server.curl(&[login, "-H", json, "-d", wrong]);
    server.curl(&[login, "-H", json, "-d", malformed]);
    let answer = server.curl(&["-c", jar, login, "-H", json, "-d", right]);
    server.curl(&["-b", jar, "{}/api/accounts/login?auth_token=hunter4-query"]);
    server.curl(&[
        "-b",
        jar,
        "-X",
        "POST",
        "{}/api/accounts/logout",
        "-H",
        "X-XSRF-Token: hunter5-token",
    ]);
    server.curl(&["-H", "Authorization: Basic aHVudGVyNjpodW50ZXI2", login]);
    server.curl(&["-H", "Authentication-Token: hunter7-token", login]);
    let body: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let token = body["response"]["csrf_token"].as_str().unwrap().to_owned();
    let cookies: Vec<String> = std::fs::read_to_string(jar)
        .unwrap()
        .lines()
        .filter(|line| line.contains("localhost"))
        .filter_map(|line| line.split('\t').nth(6).map(str::to_owned))
        .collect();
    assert!(cookies.len() >= 3, "{cookies:?}");
    server.stop();

    let log = folder.read("log");
    assert!(
        log.contains("signed in"),
        "the log records the sign-in: {log}"
    );
    let kept = folder.read("vestibule-data/secrets.toml");
    let kept = kept
        .split('"')
        .filter(|word| word.len() >= 32)
        .map(str::to_owned);
    let typed = ["hunter", "aHVudGVy", "battery staple", "argon2"].map(str::to_owned);
    for secret in typed.into_iter().chain([token]).chain(cookies).chain(kept) {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}

#[test]
fn the_log_can_be_json() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[("VESTIBULE_LOG_FORMAT", "json")]);
    server.curl(&[
        "-X",
        "DELETE",
        "{}/api/accounts/login",
        "-H",
        "X-Request-Id: id-of-a-proxy",
    ]);
    server.stop();
    let log = folder.read("log");
    let line = log
        .lines()
        .find(|line| line.contains("answered"))
        .unwrap_or_else(|| panic!("{log}"));
    let entry: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(entry["status"], 405);
    assert_eq!(entry["span"]["id"], "id-of-a-proxy");
}

#[test]
fn the_first_response_comes_soon_after_the_start() {
    let folder = with_ana();
    let least = |work: &dyn Fn()| {
        let times = (0..3).map(|_| {
            let started = Instant::now();
            work();
            started.elapsed()
        });
        times.min().unwrap()
    };
    let up = least(&|| {
        let server = Server::start(&folder, &[]);
        assert!(server.curl(&["{}/healthz"]).contains("up"));
    });
    let command = least(&|| {
        folder.run(&["users", "list"]);
    });
    // The benchmark checks the actual target. This test only catches hidden work at the start.
    assert!(up < command * 10, "{up:?}, a command {command:?}");
}

fn send(signal: &str, child: &std::process::Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn sighup_is_logged_and_the_server_keeps_running() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    send("-HUP", &server.child);
    wait_for(|| folder.read("log").contains("SIGHUP"));
    assert!(server.curl(&["{}/healthz"]).contains("up"));
    assert!(server.stop().success());
    let log = folder.read("log");
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("SIGHUP")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("read at the start only"), "{log}");
}

#[test]
fn a_second_signal_stops_the_server_at_once() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    // Its body never arrives.
    let _slow = running_sign_in(server.port, 100);
    terminate(&server.child);
    wait_for(|| folder.read("log").contains("stopping"));
    assert!(
        server.child.try_wait().unwrap().is_none(),
        "the server waits for the request"
    );
    send("-INT", &server.child);
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
    assert!(folder.read("log").contains("stopped at once"));
    assert!(!folder.read("log").contains("did not finish in time"));
}

#[test]
fn the_mode_of_a_unix_socket_is_independent_of_the_umask() {
    for (setting, umask, expected) in [
        ("", "000", 0o660),
        ("", "077", 0o660),
        ("VESTIBULE_SOCKET_MODE = \"0600\"\n", "000", 0o600),
    ] {
        let folder = Folder::new();
        folder.write("vestibule.toml", setting);
        let script = format!("umask {umask}; exec \"$0\" serve --listen unix:sock");
        let mut child = Command::new("bash")
            .args(["-c", &script, BINARY])
            .current_dir(folder.path())
            .env_clear()
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        wait_for(|| folder.read("log").contains("listens on"));
        assert_eq!(mode(&folder, "sock"), expected, "{umask}");
        terminate(&child);
        child.wait().unwrap();
    }
}

/// The lines of the start message that name pages.
fn greeted(settings: &str, listen: &str) -> String {
    let folder = Folder::new();
    let secrets = stdout(&folder.run(&["secrets", "generate"]));
    folder.write("vestibule.toml", &format!("{settings}\n{secrets}"));
    let mut child = folder
        .command(&["serve", "--listen", listen])
        .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    wait_for(|| folder.read("log").contains("listens on"));
    std::thread::sleep(Duration::from_millis(50));
    terminate(&child);
    child.wait().unwrap();
    let log = folder.read("log");
    let greeting = log.lines().filter(|line| line.starts_with("  "));
    greeting.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_start_prints_only_addresses_that_work() {
    let loopback = greeted("", "127.0.0.1:0");
    assert!(
        loopback.contains("sign in   http://127.0.0.1:"),
        "{loopback}"
    );
    assert_eq!(
        greeted("TRUSTED_HOSTS = [\"app.example\"]", "127.0.0.1:0"),
        ""
    );
    assert_eq!(
        greeted("TRUSTED_HOSTS = [\"app.example\"]", "unix:sock"),
        ""
    );
    let local = greeted(
        "TRUSTED_HOSTS = [\"app.example\", \"localhost\"]",
        "127.0.0.1:0",
    );
    assert!(local.contains("sign in   http://localhost:"), "{local}");
    for listen in ["127.0.0.1:0", "unix:sock"] {
        let public = greeted(
            "SECURITY_PUBLIC_URL = \"https://app.example/accounts\"",
            listen,
        );
        assert!(
            public.contains("sign in   https://app.example/login\n"),
            "{public}"
        );
    }
    let everywhere = greeted(
        "TRUSTED_HOSTS = [\".other.example\", \"app.example\"]",
        "0.0.0.0:0",
    );
    assert!(
        everywhere.contains("health    http://app.example:"),
        "{everywhere}"
    );
}

#[test]
fn the_json_log_format_covers_the_whole_start() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[("VESTIBULE_LOG_FORMAT", "json")]);
    let port = server.port;
    server.stop();
    let log = folder.read("log");
    let entries: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let start = entries
        .iter()
        .find(|entry| {
            entry["message"]
                .as_str()
                .unwrap_or_default()
                .contains("listens on")
        })
        .unwrap();
    assert_eq!(start["address"], format!("http://127.0.0.1:{port}"));
    assert_eq!(start["version"], env!("CARGO_PKG_VERSION"));
}
