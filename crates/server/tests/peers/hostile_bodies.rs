//! Hostile bodies: every endpoint answers them with a 4xx in the envelope.

use crate::support::hostile::{Refusal, Target};
use crate::support::http::Request;
use crate::support::requests::{LOGIN, LOGOUT};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Bodies that cannot be parsed as their media type.
fn unreadable() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let deep = |open: &str, count: usize| open.repeat(count).into_bytes();
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("not JSON", JSON, text("email=ana")),
        (
            "cut off",
            JSON,
            text(r#"{"email": "ana@example.com", "password": "#),
        ),
        ("an array", JSON, text(r#"[{"email": "ana@example.com"}]"#)),
        ("a string", JSON, text(r#""ana@example.com""#)),
        ("a number", JSON, text("7")),
        ("true", JSON, text("true")),
        ("null", JSON, text("null")),
        ("only a space", JSON, text(" ")),
        ("deep arrays", JSON, deep("[", 30_000)),
        ("deep objects", JSON, deep(r#"{"a":"#, 10_000)),
        (
            "deep inside",
            JSON,
            text(&format!(
                r#"{{"email": {}{}}}"#,
                "[".repeat(20_000),
                "]".repeat(20_000)
            )),
        ),
        (
            "repeated members",
            JSON,
            text(r#"{"email": "a@example.com", "email": "b@example.com", "password": "x"}"#),
        ),
        (
            "repeated, one of them escaped",
            JSON,
            text(r#"{"password": "x", "\u0070assword": "y", "email": "a@example.com"}"#),
        ),
        (
            "lone surrogate",
            JSON,
            text(r#"{"email": "ana@example.com", "password": "\ud800"}"#),
        ),
        (
            "lone surrogate, low",
            JSON,
            text(r#"{"email": "\udc00@example.com", "password": "x"}"#),
        ),
        (
            "surrogate in a name",
            JSON,
            text(r#"{"\ud800": 1, "email": "a@example.com", "password": "x"}"#),
        ),
        (
            "invalid UTF-8",
            JSON,
            b"{\"email\": \"a\xff@example.com\", \"password\": \"x\"}".to_vec(),
        ),
        (
            "overlong UTF-8",
            JSON,
            b"{\"email\": \"a\xc0\xaf@example.com\", \"password\": \"x\"}".to_vec(),
        ),
        (
            "CESU surrogates",
            JSON,
            b"{\"email\": \"a\xed\xa0\x80\", \"password\": \"x\"}".to_vec(),
        ),
        (
            "a raw NUL",
            JSON,
            b"{\"email\": \"a\0@example.com\", \"password\": \"x\"}".to_vec(),
        ),
        ("NULs only", JSON, vec![0; 64]),
        (
            "UTF-16",
            JSON,
            "{\"email\": 1}"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        ),
        (
            "trailing text",
            JSON,
            text(r#"{"email": "a@example.com", "password": "x"} and more"#),
        ),
        (
            "two objects",
            JSON,
            text(r#"{"email": "a@example.com"}{"password": "x"}"#),
        ),
        (
            "a comment",
            JSON,
            text(r#"{"email": "a@example.com", /* */ "password": "x"}"#),
        ),
        (
            "trailing comma",
            JSON,
            text(r#"{"email": "a@example.com", "password": "x",}"#),
        ),
        ("single quotes", JSON, text("{'email': 'a@example.com'}")),
        ("NaN", JSON, text(r#"{"email": NaN, "password": "x"}"#)),
        (
            "Infinity",
            JSON,
            text(r#"{"email": -Infinity, "password": "x"}"#),
        ),
        (
            "number with leading zero",
            JSON,
            text(r#"{"email": 007, "password": "x"}"#),
        ),
        ("name that is not a string", JSON, text(r#"{1: 2}"#)),
        (
            "bad escape",
            JSON,
            text(r#"{"email": "\x41", "password": "x"}"#),
        ),
        (
            "control character",
            JSON,
            b"{\"email\": \"a\x01b\", \"password\": \"x\"}".to_vec(),
        ),
        (
            "too large",
            JSON,
            text(&format!(r#"{{"password": "{}"}}"#, "x".repeat(70_000))),
        ),
        (
            "much too large",
            JSON,
            text(&format!(r#"{{"password": "{}"}}"#, "x".repeat(3_000_000))),
        ),
        (
            "form, too large",
            FORM,
            text(&format!("email=a&password={}", "x".repeat(70_000))),
        ),
        ("form, invalid UTF-8", FORM, text("email=%ff%fe&password=x")),
    ]
}

/// Bodies that can be parsed but are not a valid sign-in.
fn unfit() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let members: String = (0..3000)
        .map(|number| format!(r#""m{number}": {number}, "#))
        .collect();
    vec![
        ("empty", JSON, Vec::new()),
        (
            "an escaped NUL",
            JSON,
            text(r#"{"email": "ana@example.com\u0000", "password": "x\u0000"}"#),
        ),
        (
            "form, NUL",
            FORM,
            text("email=ana%00@example.com&password=x"),
        ),
        ("empty object", JSON, text("{}")),
        (
            "huge number",
            JSON,
            text(r#"{"email": 1e999999, "password": "x"}"#),
        ),
        (
            "many digits",
            JSON,
            text(&format!(
                r#"{{"email": {}, "password": "x"}}"#,
                "9".repeat(5000)
            )),
        ),
        (
            "many members",
            JSON,
            text(&format!(
                r#"{{{members} "email": "a@example.com", "password": "x"}}"#
            )),
        ),
        (
            "long name",
            JSON,
            text(&format!(
                r#"{{"{}": 1, "email": "a@example.com", "password": "x"}}"#,
                "n".repeat(50_000)
            )),
        ),
        (
            "email a list",
            JSON,
            text(r#"{"email": ["ana@example.com"], "password": "battery staple"}"#),
        ),
        (
            "email an object",
            JSON,
            text(r#"{"email": {"$ne": null}, "password": {"$ne": null}}"#),
        ),
        (
            "password a list",
            JSON,
            text(r#"{"email": "ana@example.com", "password": ["battery staple"]}"#),
        ),
        (
            "remember an object",
            JSON,
            text(r#"{"email": "ana@example.com", "password": "x", "remember": {"a": 1}}"#),
        ),
        (
            "next a number",
            JSON,
            text(r#"{"email": "ana@example.com", "password": "battery staple", "next": 7}"#),
        ),
        (
            "next a list",
            JSON,
            text(r#"{"email": "ana@example.com", "password": "battery staple", "next": ["/"]}"#),
        ),
        (
            "injection",
            JSON,
            text(r#"{"email": "' OR 1=1 --@example.com", "password": "' OR 1=1 --"}"#),
        ),
        (
            "wildcard",
            JSON,
            text(r#"{"email": "%@example.com", "password": "battery staple"}"#),
        ),
        (
            "long email",
            JSON,
            text(&format!(
                r#"{{"email": "{}@example.com", "password": "x"}}"#,
                "a".repeat(20_000)
            )),
        ),
        (
            "long domain",
            JSON,
            text(&format!(
                r#"{{"email": "a@{}com", "password": "x"}}"#,
                "a.".repeat(20_000)
            )),
        ),
        (
            "long password",
            JSON,
            text(&format!(
                r#"{{"email": "ana@example.com", "password": "{}"}}"#,
                "x".repeat(50_000)
            )),
        ),
        (
            "combining marks",
            JSON,
            text(&format!(
                r#"{{"email": "ana@example.com", "password": "{}"}}"#,
                "e\u{301}".repeat(10_000)
            )),
        ),
        (
            "expanding text",
            JSON,
            text(&format!(
                r#"{{"email": "ana@example.com", "password": "{}"}}"#,
                "\u{fdfa}".repeat(10_000)
            )),
        ),
        (
            "bidirectional marks",
            JSON,
            text("{\"email\": \"\u{202e}moc.elpmaxe@ana\", \"password\": \"x\"}"),
        ),
        (
            "line breaks in the address",
            JSON,
            text(r#"{"email": "ana@example.com\r\nBcc: bo@example.com", "password": "x"}"#),
        ),
        (
            "BOM, wrong password",
            JSON,
            text("\u{feff}{\"email\": \"ana@example.com\", \"password\": \"x\"}"),
        ),
        ("form, bad percent", FORM, text("email=%zz&password=%")),
        (
            "form, thousands of fields",
            FORM,
            text(&"a=1&".repeat(10_000)),
        ),
        (
            "form, brackets",
            FORM,
            text("email[]=ana@example.com&password[$ne]=x"),
        ),
        (
            "plain text",
            "text/plain",
            text(r#"{"email": "ana@example.com", "password": "battery staple"}"#),
        ),
        (
            "unknown media type",
            "nonsense",
            text(r#"{"email": "ana@example.com", "password": "battery staple"}"#),
        ),
        (
            "XML",
            "application/xml",
            text("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>"),
        ),
        (
            "multipart without a boundary",
            "multipart/form-data",
            text("--b\r\n\r\nx\r\n--b--"),
        ),
        (
            "multipart unfinished",
            "multipart/form-data; boundary=b",
            text("--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n"),
        ),
        (
            "multipart, many parts",
            "multipart/form-data; boundary=b",
            text(&"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n".repeat(900)),
        ),
        (
            "unknown charset",
            "application/json; charset=ebcdic",
            b"\xff\xfe".to_vec(),
        ),
    ]
}

#[test]
fn hostile_bodies_are_refused_at_every_endpoint() {
    let mut target = Target::start("hostile-bodies");
    let port = target.server.port;
    for path in [
        LOGIN,
        LOGOUT,
        "/healthz",
        "/readyz",
        "/nowhere",
        "/api/accounts/nowhere",
    ] {
        for (name, media_type, body) in unreadable() {
            let request = Request::new("POST", path).body(media_type, body);
            target.refuses(
                &format!("POST {path}: {name}"),
                &request.bytes(port),
                Refusal::Envelope,
            );
        }
    }
    target.finish(60);
}

#[test]
fn hostile_bodies_that_are_unfit_for_a_sign_in_are_refused() {
    let mut target = Target::start("hostile-fields");
    let port = target.server.port;
    for (name, media_type, body) in unfit() {
        let request = Request::new("POST", LOGIN).body(media_type, body);
        target.refuses(name, &request.bytes(port), Refusal::Envelope);
    }
    target.finish(30);
}

#[test]
fn hostile_bodies_with_a_content_encoding_are_refused() {
    // The server refuses every Content-Encoding and never decompresses a body.
    let mut target = Target::start("hostile-packed");
    let port = target.server.port;
    for encoding in ["gzip", "deflate", "br", "zstd", "nonsense"] {
        let request = Request::new("POST", LOGIN)
            .body(JSON, b"\x1f\x8b\x08\0\0\0\0\0\0\xff\xab\xae\x05\0".to_vec())
            .header("Content-Encoding", encoding);
        target.refuses(encoding, &request.bytes(port), Refusal::Envelope);
    }
    target.finish(5);
}
