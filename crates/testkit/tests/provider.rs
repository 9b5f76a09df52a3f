//! The provider does what a correct one does, and every deviation deviates.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vestibule_testkit::keys::Algorithm;
use vestibule_testkit::provider::{Endpoint, Fault, Provider, Signing};

const BACK: &str = "http://localhost/back";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The status, the head and the body of a reply.
fn ask(provider: &Provider, request: &str) -> (u16, String, String) {
    let address = provider.issuer().replace("http://", "");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    let reply = String::from_utf8(reply).expect("text");
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_default();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.unwrap_or(0), head.to_owned(), body.to_owned())
}

fn get(provider: &Provider, path: &str) -> (u16, Value) {
    let (status, _, body) = ask(provider, &format!("GET {path} HTTP/1.1\r\n\r\n"));
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn get_with(provider: &Provider, path: &str, token: &str) -> (u16, Value) {
    let request = format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n");
    let (status, _, body) = ask(provider, &request);
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn redeem(provider: &Provider, pairs: &[(&str, &str)]) -> (u16, Value) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let form = form.extend_pairs(pairs).finish();
    let request = format!(
        "POST /token HTTP/1.1\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let (status, _, body) = ask(provider, &request);
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn authorization() -> String {
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
    format!(
        "/authorize?response_type=code&client_id=vestibule&scope=openid+email&state=S&nonce=N\
         &redirect_uri=http%3A%2F%2Flocalhost%2Fback&code_challenge_method=S256\
         &code_challenge={challenge}"
    )
}

fn code(provider: &Provider) -> String {
    let approval = provider.approve(&provider.url(&authorization()));
    approval.param("code").expect("a code").to_owned()
}

fn right(code: &str) -> [(&str, &str); 6] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
        ("client_id", "vestibule"),
        ("client_secret", "the client's secret"),
    ]
}

fn tokens(provider: &Provider) -> Value {
    let (status, body) = redeem(provider, &right(&code(provider)));
    assert_eq!(status, 200, "{body}");
    body
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a part");
    let part = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&part).expect("JSON")
}

/// Whether the JWKS contain the key that signed the token.
fn verifies(provider: &Provider, token: &str) -> bool {
    let (input, signature) = token.rsplit_once('.').expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let (_, jwks) = get(provider, "/jwks");
    let keys = jwks["keys"].as_array().expect("keys");
    let kid = &part(token, 0)["kid"];
    let Some(key) = keys.iter().find(|key| key["kid"] == *kid) else {
        return false;
    };
    let number = |name: &str| {
        let text = key[name].as_str().expect("a number");
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    };
    if key["kty"] == "RSA" {
        let (n, e) = (number("n"), number("e"));
        let key = PublicKeyComponents { n, e };
        let verified = key.verify(&RSA_PKCS1_2048_8192_SHA256, input.as_bytes(), &signature);
        return verified.is_ok();
    }
    let point = [vec![4], number("x"), number("y")].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(input.as_bytes(), &signature).is_ok()
}

#[test]
fn a_sign_in_yields_tokens_and_claims() {
    let provider = Provider::start();
    let (_, document) = get(&provider, "/.well-known/openid-configuration");
    assert_eq!(document["issuer"], provider.issuer());
    assert_eq!(document["token_endpoint"], provider.url("/token"));
    let (status, head, _) = ask(
        &provider,
        &format!("GET {} HTTP/1.1\r\n\r\n", authorization()),
    );
    assert_eq!(status, 302);
    assert!(
        head.contains("Location: http://localhost/back?code="),
        "{head}"
    );
    assert!(head.contains("&state=S"), "{head}");
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        provider.set(|it| it.signing = Signing::Right(algorithm));
        let tokens = tokens(&provider);
        let token = tokens["id_token"].as_str().expect("an ID token");
        assert!(verifies(&provider, token), "{algorithm:?}");
        let claims = part(token, 1);
        assert_eq!(claims["nonce"], "N");
        assert_eq!(claims["aud"], "vestibule");
        assert_eq!(claims["email"], "ana@example.com");
        let access = tokens["access_token"].as_str().expect("an access token");
        assert_eq!(
            get_with(&provider, "/userinfo", access).1["sub"],
            claims["sub"]
        );
        assert_eq!(
            get_with(&provider, "/user/emails", access).1[0]["verified"],
            true
        );
    }
    assert_eq!(get_with(&provider, "/userinfo", "wrong").0, 401);
    let received = provider.received(Endpoint::Token);
    assert_eq!(received.len(), 2);
    assert_eq!(
        received[0].field("code_verifier").as_deref(),
        Some(VERIFIER)
    );
}

#[test]
fn codes_are_bound_to_client_redirect_and_verifier_and_work_once() {
    let provider = Provider::start();
    for (index, other, error) in [
        (1, "unknown", "invalid_grant"),
        (2, "http://localhost/other", "invalid_grant"),
        (3, "another-verifier", "invalid_grant"),
        (4, "another-client", "invalid_client"),
        (5, "another secret", "invalid_client"),
    ] {
        let code = code(&provider);
        let mut form = right(&code);
        form[index].1 = other;
        assert_eq!(redeem(&provider, &form).1["error"], error, "{index}");
    }
    let code = code(&provider);
    assert_eq!(redeem(&provider, &right(&code)).0, 200);
    assert_eq!(redeem(&provider, &right(&code)).1["error"], "invalid_grant");
    provider.set(|it| it.codes_work_once = false);
    assert_eq!(redeem(&provider, &right(&code)).0, 200);
}

#[test]
fn forged_id_tokens_do_not_verify() {
    let provider = Provider::start();
    for signing in [
        Signing::None,
        Signing::Hs256WithPublicKey,
        Signing::Hs256WithClientSecret,
        Signing::UnknownKid,
        Signing::StolenKid,
        Signing::Tampered,
        Signing::EmbeddedKey,
    ] {
        provider.set(|it| it.signing = signing);
        let tokens = tokens(&provider);
        let token = tokens["id_token"].as_str().expect("an ID token");
        assert!(!verifies(&provider, token), "{signing:?}");
    }
    provider.set(|it| it.signing = Signing::Right(Algorithm::Rs256));
    let old = tokens(&provider)["id_token"].clone();
    provider.rotate_keys();
    assert!(!verifies(&provider, old.as_str().expect("a token")));
    let new = tokens(&provider)["id_token"].clone();
    assert!(verifies(&provider, new.as_str().expect("a token")));
}

#[test]
fn claims_and_documents_deviate_as_set() {
    let provider = Provider::start();
    provider.set(|it| {
        it.id_token = json!({"aud": ["a", "b"], "nonce": null, "iss": "https://evil.example"});
        it.userinfo = json!({"sub": "another"});
        it.discovery = json!({"jwks_uri": null, "issuer": "https://evil.example"});
        it.authorization = json!({"state": "swapped"});
        it.iss = Some("https://evil.example".into());
        it.expires_in = -10;
    });
    let tokens = tokens(&provider);
    let claims = part(tokens["id_token"].as_str().expect("an ID token"), 1);
    assert_eq!(claims["aud"], json!(["a", "b"]));
    assert_eq!(claims["iss"], "https://evil.example");
    assert!(claims.get("nonce").is_none());
    assert!(claims["exp"].as_i64() < claims["iat"].as_i64());
    let access = tokens["access_token"].as_str().expect("an access token");
    assert_eq!(get_with(&provider, "/userinfo", access).1["sub"], "another");
    let (_, document) = get(&provider, "/.well-known/openid-configuration");
    assert!(document.get("jwks_uri").is_none());
    let approval = provider.approve(&provider.url(&authorization()));
    assert_eq!(approval.param("state"), Some("swapped"));
    assert_eq!(approval.param("iss"), Some("https://evil.example"));
    provider.set(|it| it.authorization = json!({"code": null, "error": "access_denied"}));
    let approval = provider.approve(&provider.url(&authorization()));
    assert_eq!(
        approval.location(),
        format!("{BACK}?error=access_denied&iss=https%3A%2F%2Fevil.example&state=S")
    );
}

#[test]
fn response_mode_form_post_is_a_page_with_a_form() {
    let provider = Provider::start();
    let path = format!("{}&response_mode=form_post", authorization());
    let (status, _, page) = ask(&provider, &format!("GET {path} HTTP/1.1\r\n\r\n"));
    assert_eq!(status, 200);
    assert!(
        page.contains("<form method=\"post\" action=\"http://localhost/back\">"),
        "{page}"
    );
    assert!(page.contains("name=\"state\" value=\"S\""), "{page}");
}

#[test]
fn faults_happen() {
    let provider = Provider::start();
    let discovery = "GET /.well-known/openid-configuration HTTP/1.1\r\n\r\n";
    let whole = ask(&provider, discovery).2.len();
    let with = |fault: Fault| {
        provider.set(|it| {
            it.faults.insert(Endpoint::Discovery, fault);
        });
        let start = Instant::now();
        let reply = ask(&provider, discovery);
        (reply, start.elapsed())
    };
    let ((status, head, body), _) = with(Fault::Reply(503, "text/html", "<h1>Sorry</h1>".into()));
    assert_eq!((status, body.as_str()), (503, "<h1>Sorry</h1>"));
    assert!(head.contains("text/html"));
    let ((status, head, _), _) = with(Fault::Redirect("http://127.0.0.1:1/".into()));
    assert_eq!(status, 302);
    assert!(head.contains("Location: http://127.0.0.1:1/"));
    let ((_, _, body), time) = with(Fault::Slow(Duration::from_millis(200)));
    assert!(body.len() == whole && time >= Duration::from_millis(200));
    let ((_, _, body), time) = with(Fault::Dripping(Duration::from_micros(300)));
    assert!(body.len() == whole && time >= Duration::from_millis(200));
    let ((_, _, body), _) = with(Fault::Huge(3_000_000));
    assert_eq!(body.len(), whole + 3_000_000);
    let ((_, head, body), _) = with(Fault::Truncated);
    assert!(body.len() < whole && head.contains(&format!("Content-Length: {whole}")));
    assert_eq!(with(Fault::Closed).0.0, 0);
    assert_eq!(provider.received(Endpoint::Discovery).len(), 8);
}
