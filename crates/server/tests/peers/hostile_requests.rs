//! Request lines, headers, paths and connections that only an attacker sends.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use crate::support::hostile::{Refusal, Target};
use crate::support::http::{Request, connect, read_answer};
use crate::support::requests::{LOGIN, LOGOUT, sign_in};

const PATHS: [&str; 5] = [LOGIN, LOGOUT, "/healthz", "/readyz", "/nowhere"];
const HOST: &str = "Host: localhost\r\n";

/// Bytes that no HTTP parser may accept as a request to `path`.
fn garbage(path: &str) -> Vec<(String, Vec<u8>)> {
    let line = |text: &str| {
        (
            text.escape_debug().take(60).collect::<String>(),
            text.as_bytes().to_vec(),
        )
    };
    let get = |rest: &str| line(&format!("GET {path} HTTP/1.1\r\n{rest}"));
    let post = |rest: &str| {
        line(&format!(
            "POST {path} HTTP/1.1\r\n{HOST}Content-Type: application/json\r\n{rest}"
        ))
    };
    let mut all = vec![
        line("GARBAGE\r\n\r\n"),
        line("\r\n\r\n\r\n\r\nGARBAGE\r\n\r\n"),
        line(&format!("GET {path}\r\n\r\n")),
        line(&format!("GET {path} HTTP/9.9\r\n{HOST}\r\n")),
        line(&format!("GET {path} HTTP/1.1 extra\r\n{HOST}\r\n")),
        line(&format!("GET  {path} HTTP/1.1\r\n{HOST}\r\n")),
        line(&format!("G\u{e9}T {path} HTTP/1.1\r\n{HOST}\r\n")),
        line(&format!("GE(T {path} HTTP/1.1\r\n{HOST}\r\n")),
        line(&format!("GET {path}\u{7f} HTTP/1.1\r\n{HOST}\r\n")),
        get(&format!("{HOST}no colon here\r\n\r\n")),
        get(&format!("{HOST}Bad Name: x\r\n\r\n")),
        get(&format!("{HOST}X-Space : x\r\n\r\n")),
        get(&format!("{HOST}X-Fold: a\r\n b\r\n\r\n")),
        get(&format!("{HOST}: no name\r\n\r\n")),
        get(&format!("{HOST}X-Nul: a\0b\r\n\r\n")),
        get(&format!("{HOST}X-Return: a\rb\r\n\r\n")),
        post("Content-Length: -1\r\n\r\n"),
        post("Content-Length: 1e3\r\n\r\n"),
        post("Content-Length: +2\r\n\r\n{}"),
        post("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"),
        post("Content-Length: 2, 3\r\n\r\n{}x"),
        post("Content-Length: 99999999999999999999999999\r\n\r\n{}"),
        post("Transfer-Encoding: nonsense\r\n\r\n{}"),
        post("Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"),
        line("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        line(&format!(
            "GET /{} HTTP/1.1\r\n{HOST}\r\n",
            "a".repeat(100_000)
        )),
        get(&format!("{HOST}X-Giant: {}\r\n\r\n", "a".repeat(600_000))),
        get(&format!("{HOST}{}\r\n", "X-Many: a\r\n".repeat(2000))),
    ];
    all.push((
        "TLS hello".into(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
    ));
    all.push(("bytes".into(), (0_u8..=255).cycle().take(4096).collect()));
    all
}

#[test]
fn hostile_requests_that_are_not_http_are_refused() {
    let mut target = Target::start("hostile-raw");
    for path in PATHS {
        for (name, bytes) in garbage(path) {
            target.refuses(&format!("{path}: {name}"), &bytes, Refusal::Raw);
        }
    }
    target.finish(100);
}

#[test]
fn hostile_requests_with_a_foreign_host_are_refused() {
    let mut target = Target::start("hostile-headers");
    let port = target.server.port;
    // The health checks answer for any Host.
    let believing = |path: &&&str| !matches!(**path, "/healthz" | "/readyz");
    for path in PATHS.iter().filter(believing) {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "localhost:99999999",
            "local host",
            "",
            "localhost@evil.example",
            "localhost/evil",
            "10.0.0.1",
            "[::2]:80",
            "localhost:80:80",
            "\u{6c}ocalhost\u{2e}",
            "localhost,evil.example",
        ] {
            let request = Request::get(path).header("Host", host);
            // A Host that is not a host name must be refused with the envelope too.
            target.refuses(
                &format!("{path}: Host {host:?}"),
                &request.bytes(port),
                Refusal::Envelope,
            );
        }
        let none = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n");
        target.refuses(
            &format!("{path}: no Host"),
            none.as_bytes(),
            Refusal::Envelope,
        );
        let two = Request::get(path)
            .header("Host", "localhost")
            .header("Host", "evil.example");
        target.refuses(
            &format!("{path}: two Hosts"),
            &two.bytes(port),
            Refusal::Envelope,
        );
    }
    target.finish(40);
}

#[test]
fn hostile_requests_with_other_methods_are_refused() {
    let mut target = Target::start("hostile-methods");
    let port = target.server.port;
    for path in PATHS {
        for method in [
            "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "Post", "FOO", "M-SEARCH",
        ] {
            let request = Request::new(method, path);
            target.refuses(
                &format!("{method} {path}"),
                &request.bytes(port),
                Refusal::Envelope,
            );
        }
    }
    for (name, line) in [
        (
            "CONNECT",
            "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        ),
        (
            "an asterisk",
            "GET * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        ),
        (
            "OPTIONS of everything",
            "PUT * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        ),
    ] {
        target.refuses(name, line.as_bytes(), Refusal::Raw);
    }
    target.finish(45);
}

#[test]
fn hostile_requests_for_odd_paths_are_refused() {
    let mut target = Target::start("hostile-paths");
    let port = target.server.port;
    for path in [
        "//api/accounts/login",
        "/api//accounts/login",
        "/api/accounts/../accounts/login",
        "/api/accounts/%2e%2e/accounts/login",
        "/api/accounts/./login",
        "/api/accounts/login/.",
        "/api/accounts/login/..;/login",
        "/api/accounts\\login",
        "/api/accounts/login%00",
        "/api/accounts/login%0d%0aX-Evil:%201",
        "/api/accounts%2flogin",
        "/api/accounts/login%2f",
        "/api/accounts/%zz",
        "/api/accounts/%",
        "/api/accounts/%c0%af",
        "/api/accounts/%ff",
        "/api/accounts/log%c4%b1n",
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/.env",
        "/vestibule.toml",
        "/vestibule-data/secrets",
        "/dev/mailbox%2f..",
        "/api/accounts/login;jsessionid=1",
        "/API/ACCOUNTS/LOGIN",
    ] {
        target.refuses(path, &Request::get(path).bytes(port), Refusal::Envelope);
        target.refuses(
            &format!("POST {path}"),
            &sign_in_at(path).bytes(port),
            Refusal::Envelope,
        );
    }
    for target_form in [
        "http://evil.example/api/accounts/login",
        "https://evil.example/api/accounts/authz",
        "//evil.example/healthz",
    ] {
        target.refuses(
            target_form,
            &Request::get(target_form)
                .header("Host", "evil.example")
                .bytes(port),
            Refusal::Envelope,
        );
    }
    target.finish(50);
}

fn sign_in_at(path: &str) -> Request {
    let mut request = sign_in("ana@example.com");
    request.target = path.into();
    request
}

#[test]
fn hostile_requests_from_other_sites_are_refused() {
    let mut target = Target::start("hostile-sites");
    let port = target.server.port;
    for path in [LOGIN, LOGOUT] {
        for (name, headers) in [
            ("another origin", vec![("Origin", "https://evil.example")]),
            ("no origin", vec![("Origin", "null")]),
            ("cross-site", vec![("Sec-Fetch-Site", "cross-site")]),
            (
                "same site, other origin",
                vec![
                    ("Sec-Fetch-Site", "same-site"),
                    ("Origin", "http://other.localhost:1"),
                ],
            ),
            (
                "a look-alike",
                vec![("Origin", "http://localhost.evil.example")],
            ),
            (
                "two origins",
                vec![
                    ("Origin", "http://localhost"),
                    ("Origin", "https://evil.example"),
                ],
            ),
            ("nonsense", vec![("Origin", "\u{1f980}")]),
        ] {
            let mut request = sign_in_at(path);
            for (header, value) in headers {
                request = request.header(header, value);
            }
            target.refuses(
                &format!("{path}: {name}"),
                &request.bytes(port),
                Refusal::Envelope,
            );
        }
    }
    target.finish(14);
}

#[test]
fn hostile_requests_with_malformed_cookies_sign_no_user_in() {
    let mut target = Target::start("hostile-cookies");
    let port = target.server.port;
    let long = "a".repeat(6000);
    let bomb = format!(
        "session=.{}",
        "eJztwQEBAAAAgJD-r-4ICgAAAAAAAAAAAAAAAAAAAAAAAAAAGgAB".repeat(60)
    );
    for cookie in [
        "session=",
        "session",
        "=",
        ";;;;",
        "session=.",
        "session=..",
        "session=...",
        "session=.eJ.x.y",
        "session=e30.AAAA.AAAA",
        "session=e30.////.\\\\",
        "session=\u{1f980}",
        "session=%00%ff",
        "session=\"; remember_token=\"",
        "remember_token=|",
        "remember_token=a0000000000000000000000000000001|",
        "remember_token=a0000000000000000000000000000001|zz",
        "remember_token=||||",
        "session=null.null.null",
        &format!("session={long}"),
        &format!("remember_token={long}|{long}"),
        &bomb,
        &"a=b; ".repeat(1000),
    ] {
        for request in [
            Request::get(LOGIN),
            Request::get("/readyz"),
            Request::new("POST", LOGOUT),
        ] {
            let request = request.header("Cookie", cookie.as_bytes());
            target.survives(
                &cookie.chars().take(60).collect::<String>(),
                &request.bytes(port),
            );
        }
    }
    for value in [
        &b"\xff\xfe"[..],
        b"session=\x80\x81.\xff.\xfe",
        b"session=a\tb",
    ] {
        target.survives(
            "bytes",
            &Request::get(LOGIN).header("Cookie", value).bytes(port),
        );
    }
    target.finish(60);
}

#[test]
fn hostile_requests_with_odd_headers_do_no_harm() {
    let mut target = Target::start("hostile-odd");
    let port = target.server.port;
    for (name, value) in [
        ("Accept", "application/json;q=2, ;;;, */*;q=nonsense"),
        ("Accept", "\u{1f980}"),
        ("Accept-Language", "*-*;q=9"),
        ("Authorization", "Basic ====="),
        ("Authorization", "Basic"),
        ("Authorization", "Basic YW5hQGV4YW1wbGUuY29t"),
        ("Authorization", "Bearer \u{1f980}"),
        ("Authentication-Token", "nonsense"),
        ("Authentication-Token", "W10.AAAA.AAAA"),
        ("X-Forwarded-For", "999.999.999.999, ::1::, unknown"),
        ("X-Forwarded-For", "' OR 1=1"),
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Host", "evil.example"),
        (
            "Forwarded",
            "for=\"_gazonk\";host=evil.example;proto=https;;=",
        ),
        ("X-Request-Id", "a\tb <script> {}"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("If-None-Match", "\"\"\"\""),
        ("Range", "bytes=-9999999999999999999"),
        ("Expect", "nonsense"),
        ("Upgrade", "h2c"),
        ("User-Agent", "\u{1f980}"),
        ("Referer", "\\\\evil"),
        ("X-XSRF-Token", "....."),
    ] {
        for request in [
            Request::get(LOGIN),
            Request::new("POST", LOGOUT),
            Request::get("/nowhere"),
        ] {
            let request = request.header(name, value);
            target.survives(&format!("{name}: {value}"), &request.bytes(port));
        }
    }
    target.finish(60);
}

#[test]
fn hostile_requests_that_never_finish_do_not_block_others() {
    let mut target = Target::start("hostile-slow");
    let port = target.server.port;
    let patience = Duration::from_secs(20);
    // Many connections that never finish their headers or their bodies.
    let mut crowd = Vec::new();
    for start in [
        "",
        "G",
        "GET /api/accounts/login HTTP/1.1\r\n",
        "POST /api/accounts/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ] {
        for _ in 0..30 {
            let mut stream = connect(port, patience).expect("a connection");
            stream.write_all(start.as_bytes()).expect("a write");
            crowd.push(stream);
        }
    }
    // Other clients are served meanwhile.
    target.survives("beside the crowd", &Request::get(LOGIN).bytes(port));
    // A truncated body is refused or the connection closed; it is never treated as complete.
    for body in [
        "{\"email\": \"ana@example.com\", \"password\": \"battery staple\"}",
        "{",
        "",
    ] {
        let mut stream = connect(port, patience).expect("a connection");
        let head = format!(
            "POST {LOGIN} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).expect("a write");
        stream.shutdown(Shutdown::Write).expect("a half-close");
        let answer = read_answer(&mut stream).unwrap_or_default();
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    // A request that arrives byte by byte is still answered.
    let mut stream = connect(port, patience).expect("a connection");
    for byte in Request::get(LOGIN).bytes(port) {
        stream.write_all(&[byte]).expect("a write");
    }
    assert!(
        read_answer(&mut stream)
            .expect("an answer")
            .starts_with(b"HTTP/1.1 200")
    );
    drop(crowd);
    target.finish(1);
}

#[test]
fn hostile_requests_that_are_smuggled_are_not_answered() {
    let mut target = Target::start("hostile-smuggled");
    let port = target.server.port;
    // Conflicting framing gets at most one answer, and never the hidden request's.
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    ] {
        let mut stream = connect(port, Duration::from_secs(3)).expect("a connection");
        let bytes = format!(
            "POST {LOGIN} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{framing}GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(bytes.as_bytes()).expect("a write");
        let mut all = Vec::new();
        while let Ok(part) = read_answer(&mut stream) {
            if part.is_empty() {
                break;
            }
            all.extend(part);
        }
        let text = String::from_utf8_lossy(&all).into_owned();
        assert!(
            text.starts_with("HTTP/1.1 4") || text.is_empty(),
            "{framing:?}: {text}"
        );
        let disagree = framing.contains("Content-Length");
        assert!(
            !(disagree && text.contains("HTTP/1.1 200")),
            "{framing:?}: the hidden request was answered: {text}"
        );
    }
    target.survives("afterwards", &Request::get(LOGIN).bytes(port));
    target.finish(1);
}
