//! Decoding and comparing the values of cookies.

use std::io::Read;

use super::jar::SetCookie;
use super::masks::{hide_fresh, sealed_key};
use super::python::Python;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The payload of a signed cookie or token, without a check of its signature.
///
/// The format is base64url of JSON, compressed with zlib after a leading dot (itsdangerous 2.2,
/// `URLSafeSerializerMixin`).
pub(crate) fn payload(signed: &str) -> Option<Value> {
    let (packed, rest) = match signed.strip_prefix('.') {
        Some(rest) => (true, rest),
        None => (false, signed),
    };
    let bytes = URL_SAFE_NO_PAD.decode(rest.split('.').next()?).ok()?;
    let text = if packed {
        let mut text = Vec::new();
        flate2::read::ZlibDecoder::new(&bytes[..])
            .read_to_end(&mut text)
            .ok()?;
        text
    } else {
        bytes
    };
    serde_json::from_slice(&text).ok()
}

/// A session signed again, with a proof of identity that is this many seconds older.
///
/// # Panics
///
/// If it is not a session of a signed-in user.
pub(crate) fn older(session: &str, seconds: f64, secret: &str) -> String {
    let Some(Value::Object(mut session)) = payload(session) else {
        panic!("not a session: {session:?}");
    };
    let proven = session["fs_paa"].as_f64().expect("a time");
    session.insert("fs_paa".into(), json!(proven - seconds));
    session.remove("fs_gexp");
    Python::get().sign("session", secret, &Value::Object(session), 0)
}

/// A cookie's value without what may differ between two correct servers.
///
/// A session keeps its keys and values, except random values and times. A signed CSRF token keeps
/// only its shape. Any other value is kept as it is.
pub(crate) fn comparable(cookie: &SetCookie) -> Value {
    if cookie.clears() {
        return json!({"cleared": cookie.value});
    }
    match payload(&cookie.value) {
        Some(Value::Object(mut session)) => {
            // Keys that only vestibule stores, and the reference's flows of social sign-in.
            session.retain(|key, _| {
                !key.starts_with("vestibule_")
                    && !key.starts_with("_state_")
                    && key != "fs_oauth_next"
            });
            for (key, value) in &mut session {
                match &value {
                    Value::String(text) if is_secret(text) => *value = json!("<40 random digits>"),
                    Value::Number(_)
                        if matches!(
                            key.as_str(),
                            "fs_paa" | "fs_gexp" | "expires_at" | "last_used_at"
                        ) =>
                    {
                        *value = json!("<seconds>");
                    }
                    Value::String(text) if key == "tf_totp_secret" => {
                        *value = json!(sealed_key(text));
                    }
                    Value::String(_) if key == "family" => *value = json!("<a family>"),
                    Value::String(text) => *value = json!(hide_fresh(text)),
                    _ => {}
                }
            }
            json!({"session": session})
        }
        Some(Value::String(secret)) => json!({"signed": format!("<{} characters>", secret.len())}),
        Some(other) => json!({"signed": other}),
        None => match cookie.value.split_once('|') {
            // A remember cookie: an identity and its digest.
            Some((identity, _)) if hide_fresh(identity) != identity => {
                json!({"plain": "<drawn>|<its digest>"})
            }
            _ => json!({"plain": cookie.value}),
        },
    }
}

/// Whether a text is a session's CSRF secret: a SHA-1 digest in hexadecimal. Its key is
/// configurable.
fn is_secret(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
