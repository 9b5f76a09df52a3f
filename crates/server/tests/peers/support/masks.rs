//! Hiding what may differ between two correct servers in a body: random values, times, and secrets
//! sealed with a fresh salt.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::cookies;

/// Hides a random identifier that was generated during the test. The test users' own identifiers
/// contain eight zeros and stay visible.
pub(crate) fn hide_fresh(text: &str) -> String {
    let drawn = text.len() == 32
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !text.contains("00000000");
    if drawn {
        "<drawn>".to_owned()
    } else {
        text.to_owned()
    }
}

/// Reduces tokens, keys and recovery codes in the member `response` to their shapes.
pub(crate) fn hide_secrets(response: &mut Map<String, Value>) {
    if let Some(Value::String(token)) = response.get_mut("csrf_token") {
        *token = match cookies::payload(token) {
            Some(Value::String(secret)) => format!("<signed, {} characters>", secret.len()),
            _ => format!("<not a CSRF token: {token}>"),
        };
    }
    hide_factor(response);
    hide_passkeys(response);
    let Some(user) = response.get_mut("user").and_then(Value::as_object_mut) else {
        return;
    };
    for (member, kept) in [
        ("authentication_token", &["ver", "uid", "exp"][..]),
        ("refresh_token", &["ver", "uid", "name", "gen"][..]),
    ] {
        if let Some(token) = user.get_mut(member) {
            *token = shape_of(token, kept);
        }
    }
}

/// What the replies to set-ups contain: state tokens, keys and recovery codes.
fn hide_factor(response: &mut Map<String, Value>) {
    hide_enrolment(response, "tf_state_token", "tf_authr_");
    hide_enrolment(response, "state", "authr_");
    for member in ["active_methods", "code_methods", "setup_methods"] {
        // The reference lists them in any order.
        if let Some(Value::Array(methods)) = response.get_mut(member) {
            methods.sort_by_key(Value::to_string);
        }
    }
    if let Some(Value::Array(codes)) = response.get_mut("recovery_codes") {
        for code in codes {
            *code = code
                .as_str()
                .map_or_else(|| json!("<not a text>"), |code| json!(recovery_code(code)));
        }
    }
}

/// What the replies of passkeys contain: state tokens, challenges, credential IDs and user handles.
fn hide_passkeys(response: &mut Map<String, Value>) {
    let mut challenge = None;
    if let Some(token @ Value::String(_)) = response.get_mut("wan_state") {
        *token = match token.as_str().and_then(cookies::payload) {
            Some(Value::Object(mut state)) => {
                state.retain(|key, _| !key.starts_with("vestibule_"));
                challenge = state
                    .get("challenge")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                if let Some(text) = state.get_mut("challenge") {
                    hide_text(text);
                }
                Value::Object(state)
            }
            _ => json!(format!("<not a token: {token}>")),
        };
    }
    if let Some(Value::Object(options)) = response.get_mut("credential_options") {
        // The challenge is the base64url of the text in the token.
        if let Some(Value::String(text)) = options.get_mut("challenge") {
            let own = challenge.map(|text| URL_SAFE_NO_PAD.encode(text));
            if own.as_ref() == Some(text) {
                *text = "<that of the token>".into();
            }
        }
        if let Some(Value::Object(user)) = options.get_mut("user") {
            user.entry("id").and_modify(hide_text);
        }
        for member in ["allowCredentials", "excludeCredentials"] {
            let listed = options.get_mut(member).and_then(Value::as_array_mut);
            for one in listed.into_iter().flatten() {
                hide_text(&mut one["id"]);
            }
        }
    }
    // The reference asks for no order, and PostgreSQL moves changed rows to the end.
    if let Some(Value::Array(all)) = response.get_mut("registered_credentials") {
        all.sort_by_key(|one| one["name"].to_string());
    }
    let registered = response.get_mut("registered_credentials");
    for one in registered
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        hide_text(&mut one["credential_id"]);
        if let Value::String(moment) = &mut one["lastuse"] {
            *moment = moment
                .chars()
                .map(|c| if c.is_ascii_digit() { '9' } else { c })
                .collect();
        }
    }
}

/// Replaces a text by its length.
fn hide_text(value: &mut Value) {
    if let Value::String(text) = value {
        *text = format!("<{} characters>", text.len());
    }
}

/// What the reply to the set-up of a method contains: the state token and the key.
fn hide_enrolment(response: &mut Map<String, Value>, state: &str, prefix: &str) {
    if let Some(token @ Value::String(_)) = response.get_mut(state) {
        *token = match token.as_str().and_then(cookies::payload) {
            Some(Value::Object(mut state)) => {
                state.retain(|key, _| !key.starts_with("vestibule_"));
                if let Some(Value::String(secret)) = state.get_mut("totp_secret") {
                    *secret = sealed_key(secret);
                }
                Value::Object(state)
            }
            _ => json!(format!("<not a token: {token}>")),
        };
    }
    let named = |name: &str| format!("{prefix}{name}");
    let key = response.get(&named("b32key")).and_then(Value::as_str);
    let key = key.unwrap_or("<no key>").to_owned();
    for member in ["b32key", "uri"] {
        if let Some(Value::String(text)) = response.get_mut(&named(member)) {
            *text = text.replace(&key, &format!("<{} characters>", key.len()));
        }
    }
    if let Some(Value::String(text)) = response.get_mut(&named("key")) {
        *text = if text.replace('-', "") == key {
            text.chars()
                .map(|c| if c == '-' { c } else { 'x' })
                .collect()
        } else {
            format!("<not the key: {text}>")
        };
    }
}

/// A recovery code without its digits, or the kind of an encrypted one.
pub(crate) fn recovery_code(code: &str) -> String {
    if code.starts_with("gAAAAA") {
        return format!("<sealed, {} characters>", code.len());
    }
    let hide = |c: char| match c {
        '0'..='9' | 'a'..='f' => 'x',
        other => other,
    };
    code.chars().map(hide).collect()
}

/// A stored key with its names, but without its values; a version is kept.
pub(crate) fn sealed_key(text: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else {
        return text.to_owned();
    };
    if let Some(Value::Object(sealed)) = value.get_mut("enckey") {
        for name in ["k", "s"] {
            if let Some(Value::String(secret)) = sealed.get_mut(name) {
                *secret = format!("<{} characters>", secret.len());
            }
        }
    }
    value.to_string()
}

/// The shape of a signed object: some members with their values, the others with their kind only.
fn shape_of(token: &Value, kept: &[&str]) -> Value {
    let Some(Value::Object(mut said)) = token.as_str().and_then(cookies::payload) else {
        return json!(format!("<not a token: {token}>"));
    };
    for (name, value) in &mut said {
        match &value {
            Value::String(text) if kept.contains(&name.as_str()) => {
                *value = json!(hide_fresh(text));
            }
            _ if kept.contains(&name.as_str()) => {}
            Value::Number(_) => *value = json!("<seconds>"),
            Value::String(text) => *value = json!(format!("<{} characters>", text.len())),
            _ => {}
        }
    }
    Value::Object(said)
}
