//! Malformed bodies, and how they are explained.

use http::Method;

use crate::support::{ANA, Answer, PASSWORD, TestApp};

const LOGIN: &str = "/api/accounts/login";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

async fn post(app: &TestApp, media_type: &str, body: &[u8]) -> Answer {
    let mut browser = app.browser();
    browser
        .send(Method::POST, LOGIN, Some(media_type), body.to_vec())
        .await
}

#[tokio::test]
async fn every_malformed_body_is_explained() {
    let app = TestApp::with("DEBUG = true").await;
    let deep = format!("{{\"a\": {}", "[".repeat(2000));
    let utf16: Vec<u8> = "{\"email\": 1}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases: [(&str, &[u8], &str, &str); 15] = [
        (
            JSON,
            b"{\n  \"hunter2\": x}",
            "line 2 column 14",
            "JSON.stringify",
        ),
        (
            JSON,
            b"{\"password\": \"hunter2",
            "line 1 column 21",
            "JSON.stringify",
        ),
        (
            JSON,
            b"{'password': 'hunter2'}",
            "line 1 column 2",
            "JSON.stringify",
        ),
        (
            JSON,
            b"{\"password\": \"hun\0ter2\"}",
            "control character",
            "JSON.stringify",
        ),
        (
            JSON,
            b"{\"password\": \"\\ud800hunter2\"}",
            "not JSON",
            "JSON.stringify",
        ),
        (
            JSON,
            b"{\"password\": 1} {\"hunter2\": 2}",
            "trailing characters",
            "JSON.stringify",
        ),
        (JSON, deep.as_bytes(), "recursion limit", "JSON.stringify"),
        (
            JSON,
            b"{\"hunter2\": \"\xff\"}",
            "invalid UTF-8 at byte 14",
            "UTF-8",
        ),
        (JSON, &utf16, "UTF-16", "UTF-8"),
        (JSON, b"\xff\xfe{\0}\0", "UTF-16", "UTF-8"),
        (JSON, b"[\"hunter2\"]", "not an object", "one JSON object"),
        (JSON, b"\"hunter2\"", "not an object", "one JSON object"),
        (JSON, b"null", "not an object", "one JSON object"),
        (
            JSON,
            b"{\"hunter2\": 1, \"hunter2\": 2}",
            "repeated, at line 1 column",
            "once",
        ),
        (FORM, b"password=hunter2%ff", "not UTF-8", "percent-encode"),
    ];
    for (media_type, body, saw, fix) in cases {
        let answer = post(&app, media_type, body).await;
        let case = format!("{}: {answer:?}", String::from_utf8_lossy(body));
        assert_eq!(answer.verdict(), (400, "MALFORMED_BODY".into()), "{case}");
        let explanation = &answer.response()["explanation"];
        assert_eq!(explanation["check"], "body", "{case}");
        assert!(explanation["saw"].as_str().unwrap().contains(saw), "{case}");
        assert!(explanation["fix"].as_str().unwrap().contains(fix), "{case}");
        assert!(!explanation.to_string().contains("hunter2"), "{case}");
    }
    let app = TestApp::with("DEBUG = false").await;
    let answer = post(&app, JSON, b"{").await;
    assert!(answer.response().get("explanation").is_none(), "{answer:?}");
}

#[tokio::test]
async fn a_byte_order_mark_is_ignored() {
    let app = TestApp::new().await;
    let body = format!("\u{feff}{{\"email\": \"{ANA}\", \"password\": \"{PASSWORD}\"}}");
    let answer = post(&app, JSON, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // Only the first one is a byte order mark; a second one is text.
    let answer = post(&app, JSON, format!("\u{feff}{body}").as_bytes()).await;
    assert_eq!(answer.verdict(), (400, "MALFORMED_BODY".into()));
}

#[tokio::test]
async fn attack_decompression_bomb_a_compressed_body_is_refused_and_explained() {
    let app = TestApp::with("DEBUG = true").await;
    let body = format!("{{\"email\": \"{ANA}\", \"password\": \"{PASSWORD}\"}}");
    for encoding in ["gzip", "identity, br", "nonsense"] {
        let mut browser = app.browser().header("content-encoding", encoding);
        for body in [
            b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec(),
            body.clone().into_bytes(),
        ] {
            let answer = browser.send(Method::POST, LOGIN, Some(JSON), body).await;
            let code = "UNSUPPORTED_MEDIA_TYPE".to_owned();
            assert_eq!(answer.verdict(), (415, code), "{encoding}: {answer:?}");
            assert_eq!(answer.headers["accept-encoding"], "identity");
            let explanation = &answer.response()["explanation"];
            assert_eq!(explanation["check"], "content_encoding");
            assert!(
                explanation["fix"]
                    .as_str()
                    .unwrap()
                    .contains("uncompressed")
            );
        }
    }
    let mut browser = app.browser().header("content-encoding", "identity");
    let answer = browser
        .send(Method::POST, LOGIN, Some(JSON), body.into_bytes())
        .await;
    assert_ne!(answer.status, 415, "{answer:?}");
}
