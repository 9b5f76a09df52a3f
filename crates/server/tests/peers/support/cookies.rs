//! Cookies as a browser would keep them, and what is written inside ours.

use std::collections::BTreeMap;
use std::io::Read;

use super::compare::hide_fresh;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// One `Set-Cookie` header: the attributes lower-cased, their values as sent.
#[derive(Clone, Debug)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl SetCookie {
    pub(crate) fn parse(header: &str) -> Self {
        let mut parts = header.split(';').map(str::trim);
        let (name, value) = parts
            .next()
            .and_then(|pair| pair.split_once('='))
            .unwrap_or_default();
        let attributes = parts
            .map(|part| {
                let (key, value) = part.split_once('=').unwrap_or((part, ""));
                (key.to_lowercase(), value.to_owned())
            })
            .collect();
        Self {
            name: name.into(),
            value: value.into(),
            attributes,
        }
    }

    /// A cookie that tells the browser to forget it.
    pub(crate) fn clears(&self) -> bool {
        self.attributes.get("max-age").is_some_and(|age| age == "0")
            || self
                .attributes
                .get("expires")
                .is_some_and(|date| date.contains("1970"))
    }
}

/// The cookies of one browser at one server. Paths and domains are not enforced: every
/// test decides itself what it sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(BTreeMap<String, String>);

impl Jar {
    pub(crate) fn take(&mut self, cookies: &[SetCookie]) {
        for cookie in cookies {
            if cookie.clears() {
                self.0.remove(&cookie.name);
            } else {
                self.0.insert(cookie.name.clone(), cookie.value.clone());
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.into(), value.into());
    }

    pub(crate) fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The `Cookie` header, or nothing to send.
    pub(crate) fn header(&self) -> Option<String> {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// What a signed cookie or token carries, signature unchecked: base64url of JSON, zlib
/// behind a leading dot (itsdangerous 2.2, `URLSafeSerializerMixin`).
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

/// A cookie's value with all that may differ between two honest servers taken out.
///
/// The session keeps its keys and values, except the random CSRF secret and the moment of
/// the sign-in; a signed CSRF token keeps only its shape; anything else is kept as it is.
pub(crate) fn comparable(cookie: &SetCookie) -> Value {
    if cookie.clears() {
        return json!({"cleared": cookie.value});
    }
    match payload(&cookie.value) {
        Some(Value::Object(mut session)) => {
            // What we keep beside what the reference does.
            session.retain(|key, _| !key.starts_with("vestibule_"));
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

/// The session's CSRF value, whatever its key is called: a SHA-1 in hexadecimal.
fn is_secret(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
