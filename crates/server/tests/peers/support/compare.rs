//! Compares two answers without what may differ between two correct servers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::cookies;
use super::http::Response;
use super::jar::{SetCookie, set_cookies};
use super::known::Aspect;
use super::masks::hide_secrets;
use super::python::{Python, fits};
use vestibule::Message;

/// The cookie that the reference does not have.
const OUR_COOKIE: &str = "vestibule_device";

/// How far apart two expiry dates may be, in seconds: the two requests are not sent at the same
/// time.
const TOLERANCE: i64 = 5;

/// Every aspect in which the two answers differ, with a description.
pub(crate) fn differences(ours: &Response, theirs: &Response) -> Vec<(Aspect, String)> {
    let mut found = Vec::new();
    let mut check = |aspect, our: String, their: String| {
        if our != their {
            found.push((aspect, format!("ours {our}\n      reference {their}")));
        }
    };
    check(
        Aspect::Status,
        ours.status.to_string(),
        theirs.status.to_string(),
    );
    // Our redirects have no body; the reference's have a page.
    let redirects = ours.status == 302 && theirs.status == 302;
    if !redirects {
        check(
            Aspect::Body,
            our_body(ours).to_string(),
            their_body(theirs).to_string(),
        );
    }
    check(
        Aspect::Location,
        format!("{:?}", location(ours, our_code)),
        format!("{:?}", location(theirs, code_of)),
    );
    let challenge = |answer: &Response| format!("{:?}", answer.all("www-authenticate"));
    check(Aspect::WwwAuthenticate, challenge(ours), challenge(theirs));
    for (aspect, name) in [
        (Aspect::Vary, "vary"),
        (Aspect::CacheControl, "cache-control"),
        (Aspect::Allow, "allow"),
    ] {
        check(
            aspect,
            format!("{:?}", members(ours, name)),
            format!("{:?}", members(theirs, name)),
        );
    }
    let media_type = |answer: &Response| {
        answer
            .first("content-type")
            .and_then(|value| value.split(';').next())
            .map(str::to_owned)
    };
    if !redirects {
        check(
            Aspect::ContentType,
            format!("{:?}", media_type(ours)),
            format!("{:?}", media_type(theirs)),
        );
    }
    check(
        Aspect::Cors,
        format!("{:?}", cors(ours)),
        format!("{:?}", cors(theirs)),
    );
    found.extend(
        cookie_differences(ours, theirs)
            .into_iter()
            .map(|text| (Aspect::Cookies, text)),
    );
    found
}

/// What is wrong with an answer of ours on its own: every body must be an envelope.
pub(crate) fn envelope_fault(answer: &Response) -> Option<String> {
    if answer.body.is_empty() {
        return None;
    }
    let Some(body) = answer.json() else {
        return Some(format!(
            "not JSON: {}",
            String::from_utf8_lossy(&answer.body)
        ));
    };
    let right = body["meta"]["code"] == json!(answer.status)
        && body["response"].is_object()
        && body.as_object().is_some_and(|all| all.len() == 2);
    (!right).then(|| format!("not the envelope: {body}"))
}

/// Our body with its texts replaced by their codes, and without our additions.
fn our_body(answer: &Response) -> Value {
    let Some(mut body) = answer.json() else {
        return shapeless(answer);
    };
    if let Some(response) = body.get_mut("response").and_then(Value::as_object_mut) {
        response.remove("explanation");
        response.remove("tf_authr_qrcode");
        response.remove("authr_qrcode");
        if let Some(codes) = response.remove("error_codes") {
            replace(response, "errors", codes);
        }
        if let Some(codes) = response.remove("field_error_codes") {
            replace(response, "field_errors", codes);
        }
        for member in ["errors", "field_errors"] {
            if let Some(codes) = response.get_mut(member) {
                each_text(codes, &as_told_apart);
            }
        }
        hide_secrets(response);
    }
    body
}

/// Replaces the texts with the codes if both have the same shape; otherwise keeps both, which then
/// differ from the reference's body.
fn replace(response: &mut Map<String, Value>, member: &str, codes: Value) {
    let texts = response.remove(member).unwrap_or_default();
    let value = if parallel(&texts, &codes) {
        codes
    } else {
        json!({"texts": texts, "codes": codes})
    };
    response.insert(member.into(), value);
}

fn parallel(texts: &Value, codes: &Value) -> bool {
    match (texts, codes) {
        (Value::String(_), Value::String(_)) => true,
        (Value::Array(texts), Value::Array(codes)) => {
            texts.len() == codes.len()
                && texts
                    .iter()
                    .zip(codes)
                    .all(|(text, code)| parallel(text, code))
        }
        (Value::Object(texts), Value::Object(codes)) => {
            texts.len() == codes.len()
                && texts
                    .iter()
                    .all(|(field, text)| codes.get(field).is_some_and(|code| parallel(text, code)))
        }
        _ => false,
    }
}

/// The reference's body with its texts replaced by their codes.
fn their_body(answer: &Response) -> Value {
    let Some(mut body) = answer.json() else {
        return shapeless(answer);
    };
    if let Some(response) = body.get_mut("response").and_then(Value::as_object_mut) {
        for member in ["errors", "field_errors"] {
            if let Some(texts) = response.get_mut(member) {
                each_text(texts, &|text| as_told_apart(&code_of(text)));
            }
        }
        hide_secrets(response);
    }
    body
}

fn each_text(texts: &mut Value, change: &dyn Fn(&str) -> String) {
    match texts {
        Value::String(text) => *text = change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|item| each_text(item, change)),
        _ => {}
    }
}

/// Merges codes that the reference does not tell apart: its text is the same for every identity that
/// is taken, for every set-up that has expired, for every code that is wrong, and for every field
/// that is missing.
fn as_told_apart(code: &str) -> String {
    match code {
        "INVALID_CODE" | "TWO_FACTOR_INVALID_TOKEN" => "WRONG_CODE",
        "PASSCODE_NOT_PROVIDED" | "REFRESH_TOKEN_REQUIRED" => "REQUIRED",
        "EMAIL_ALREADY_ASSOCIATED"
        | "IDENTITY_ALREADY_ASSOCIATED"
        | "USERNAME_ALREADY_ASSOCIATED" => "ALREADY_ASSOCIATED",
        "TWO_FACTOR_SETUP_EXPIRED" | "US_SETUP_EXPIRED" => "SETUP_EXPIRED",
        other => other,
    }
    .to_owned()
}

/// The stable code of a text of the reference: its message name, or our code for the texts of
/// Flask-WTF and `WTForms`, which have no name.
fn code_of(text: &str) -> String {
    let named = match text {
        "The CSRF token is missing." => "CSRF_TOKEN_MISSING",
        "The CSRF session token is missing." => "CSRF_SESSION_TOKEN_MISSING",
        "The CSRF token has expired." => "CSRF_TOKEN_EXPIRED",
        "The CSRF token is invalid." => "CSRF_TOKEN_INVALID",
        "The CSRF tokens do not match." => "CSRF_TOKEN_MISMATCH",
        "The referrer header is missing." => "CSRF_REFERRER_MISSING",
        "The referrer does not match the host." => "CSRF_REFERRER_MISMATCH",
        "Not a valid choice." => "INVALID_INPUT",
        "This field is required." => "REFRESH_TOKEN_REQUIRED",
        // The placeholder in this text is a misspelt one: `%(length) characters`.
        text if text.starts_with("Value entered must be less than ") => "INVALID_INPUT_LENGTH",
        other => Python::get().code_of(other).unwrap_or(other),
    };
    named.to_owned()
}

/// The stable code of one of our texts.
fn our_code(text: &str) -> String {
    let named = |message: &&Message| fits(text, message.default_text());
    let message = Message::ALL.iter().find(named);
    message.map_or_else(|| text.to_owned(), |message| message.code().to_owned())
}

/// The `Location` of an answer. Texts in the query are replaced by their codes, and tokens are
/// hidden.
fn location(answer: &Response, code: fn(&str) -> String) -> Vec<String> {
    let targets = answer.all("location");
    targets
        .iter()
        .map(|target| {
            let (target, fragment) = target.split_once('#').unwrap_or((target, ""));
            let (view, query) = target.split_once('?').unwrap_or((target, ""));
            let to_provider = query.contains("client_id=");
            // As in JSON, ours adds the stable code beside the text.
            let pairs =
                form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "error_code");
            let pairs = pairs.map(|(name, value)| {
                let value = match &*name {
                    "error" | "info" | "success" => code(&value),
                    "token" => "<a token>".to_owned(),
                    "state" | "nonce" | "code_challenge" if to_provider => "<drawn>".to_owned(),
                    "redirect_uri" => without_port(&value),
                    _ => value.into_owned(),
                };
                format!("{name}={value}")
            });
            let mut pairs: Vec<String> = pairs.collect();
            if to_provider {
                pairs.sort();
            }
            // With `SECURITY_REDIRECT_HOST` the reference leaves the scheme to the browser.
            let view = view.strip_prefix("http:").unwrap_or(view);
            format!("{view}?{}#{fragment}", pairs.join("&"))
        })
        .collect()
}

/// An address of a server under test without its port.
fn without_port(address: &str) -> String {
    let host = "//localhost:";
    let Some((before, after)) = address.split_once(host) else {
        return address.to_owned();
    };
    let path = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}//localhost{path}")
}

fn shapeless(answer: &Response) -> Value {
    if answer.body.is_empty() {
        json!("<nothing>")
    } else {
        json!("<not JSON>")
    }
}

/// A header's comma-separated members as a set, without `=True`.
fn members(answer: &Response, name: &str) -> BTreeSet<String> {
    answer
        .all(name)
        .iter()
        .flat_map(|value| value.split(','))
        .map(|member| {
            member
                .trim()
                .to_lowercase()
                .trim_end_matches("=true")
                .to_owned()
        })
        .filter(|member| !member.is_empty())
        .collect()
}

fn cors(answer: &Response) -> BTreeMap<&str, BTreeSet<String>> {
    answer
        .headers
        .iter()
        .filter(|(name, _)| name.starts_with("access-control-"))
        .map(|(name, _)| (name.as_str(), members(answer, name)))
        .collect()
}

fn cookie_differences(ours: &Response, theirs: &Response) -> Vec<String> {
    let (mut our, their) = (by_name(ours), by_name(theirs));
    let lines = ours.all("set-cookie").len();
    let additions = usize::from(our.remove(OUR_COOKIE).is_some());
    let mut found = Vec::new();
    let names: BTreeSet<&String> = our.keys().chain(their.keys()).collect();
    for name in names {
        match (our.get(name), their.get(name)) {
            (Some(our), Some(their)) => {
                let (shown_our, shown_their) = (shown(our), shown(their));
                if shown_our != shown_their {
                    found.push(format!(
                        "{name}: ours {shown_our}\n      reference {shown_their}"
                    ));
                }
                let lives = (lifetime(our, ours), lifetime(their, theirs));
                let alike = match lives {
                    (Some(our), Some(their)) => (our - their).abs() <= TOLERANCE,
                    (our, their) => our.is_none() && their.is_none(),
                };
                if !alike {
                    found.push(format!(
                        "{name} lives: ours {:?} s, reference {:?} s",
                        lives.0, lives.1
                    ));
                }
            }
            (our, their) => {
                let said = |side: Option<&SetCookie>| side.map_or_else(|| "not set".into(), shown);
                found.push(format!(
                    "{name}: ours {}\n      reference {}",
                    said(our),
                    said(their)
                ));
            }
        }
    }
    if our.len() + additions != lines {
        found.push(format!(
            "ours sets a cookie twice: {:?}",
            ours.all("set-cookie")
        ));
    }
    found
}

fn by_name(answer: &Response) -> BTreeMap<String, SetCookie> {
    set_cookies(answer)
        .into_iter()
        .map(|cookie| (cookie.name.clone(), cookie))
        .collect()
}

fn shown(cookie: &SetCookie) -> String {
    let mut attributes = cookie.attributes.clone();
    if !cookie.clears() {
        attributes.remove("expires");
    }
    format!("{} {attributes:?}", cookies::comparable(cookie))
}

/// Seconds from the answer's date to the cookie's expiry.
fn lifetime(cookie: &SetCookie, answer: &Response) -> Option<i64> {
    if cookie.clears() {
        return None;
    }
    Some(seconds(cookie.attributes.get("expires")?)? - seconds(answer.first("date")?)?)
}

/// An HTTP date (`Tue, 23 Nov 2027 17:37:29 GMT`) as seconds since 1970.
pub(crate) fn seconds(date: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let parts: Vec<&str> = date
        .split([' ', ':', '-'])
        .filter(|part| !part.is_empty())
        .collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = parts[..] else {
        return None;
    };
    let number = |text: &str| text.parse::<i64>().ok();
    let month = i64::try_from(MONTHS.find(month)? / 3 + 1).ok()?;
    // Days from a civil date, with years that begin in March.
    let (year, month) = if month > 2 {
        (number(year)?, month - 3)
    } else {
        (number(year)? - 1, month + 9)
    };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + number(day)?
            - 719_469;
    Some(((days * 24 + number(hour)?) * 60 + number(minute)?) * 60 + number(second)?)
}
