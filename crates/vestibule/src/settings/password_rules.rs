//! Settings of the rules for new passwords.

use toml::Value;

use super::http_origin::HttpOrigin;
use super::reader::Reader;

/// Settings of the breached-password check: `SECURITY_PASSWORD_CHECK_BREACHED` and related settings.
#[derive(Debug, Clone)]
pub struct BreachedSettings {
    /// Whether a password is refused if the lookup fails.
    pub strict: bool,
    /// The number of finds from which a password is refused.
    pub count: u64,
    /// The server that is queried.
    pub origin: HttpOrigin,
}

/// The minimum zxcvbn score; `None` if the score is not checked.
pub(super) fn complexity(reader: &mut Reader<'_>) -> Option<u8> {
    // Other values of this setting are reported by the check of allowed words.
    reader.optional_text("SECURITY_PASSWORD_COMPLEXITY_CHECKER")?;
    let score = reader.whole("SECURITY_ZXCVBN_MINIMUM_SCORE");
    Some(
        score
            .and_then(|score| u8::try_from(score).ok())
            .unwrap_or(3),
    )
}

pub(super) fn breached(reader: &mut Reader<'_>) -> Option<BreachedSettings> {
    const KEY: &str = "SECURITY_PASSWORD_CHECK_BREACHED";
    let origin = origin(reader);
    let strict = match reader.any(KEY)? {
        Value::Boolean(false) => return None,
        Value::String(word) => word.eq_ignore_ascii_case("strict"),
        other => {
            reader.problem(
                KEY,
                format!("{other} is not a known value"),
                "write \"strict\", \"best-effort\" or false",
            );
            return None;
        }
    };
    if cfg!(not(feature = "breached")) {
        reader.problem(
            KEY,
            "is set, but this program was built without this check",
            "build the program with the feature breached, or remove the setting",
        );
    }
    let count = reader.whole("SECURITY_PASSWORD_BREACHED_COUNT");
    Some(BreachedSettings {
        strict,
        count: count
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(1),
        origin: origin?,
    })
}

fn origin(reader: &mut Reader<'_>) -> Option<HttpOrigin> {
    const KEY: &str = "SECURITY_PASSWORD_BREACHED_ORIGIN";
    let text = reader.text(KEY);
    let origin = HttpOrigin::parse(&text);
    match &origin {
        None => reader.problem(
            KEY,
            format!("{text:?} is not an origin"),
            "write an origin such as \"https://api.pwnedpasswords.com\", without a path",
        ),
        Some(origin) if !origin.is_protected() => reader.problem(
            KEY,
            "is plain HTTP: an attacker on the network can read part of each password's hash",
            "use https://",
        ),
        Some(_) => {}
    }
    origin
}
