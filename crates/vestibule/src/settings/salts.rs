//! The salts of signatures. A salt stands for the purpose of a signature: two purposes with the
//! same salt would accept each other's tokens.

use secrecy::ExposeSecret as _;

use super::SecretSettings;
use super::load::Problem;
use super::reader::Reader;

/// All settings that are the salt of one purpose, including those of features that are not served
/// yet.
const PURPOSES: [&str; 10] = [
    "SECURITY_CONFIRM_SALT",
    "SECURITY_RESET_SALT",
    "SECURITY_LOGIN_SALT",
    "SECURITY_CHANGE_EMAIL_SALT",
    "SECURITY_REMEMBER_SALT",
    "SECURITY_REFRESH_TOKEN_SALT",
    "SECURITY_US_SETUP_SALT",
    "SECURITY_TWO_FACTOR_SETUP_SALT",
    "SECURITY_TWO_FACTOR_VALIDITY_SALT",
    "SECURITY_WAN_SALT",
];

/// The salts that no setting changes: Flask's for sessions and Flask-WTF's for CSRF tokens.
const FIXED: [(&str, &str); 2] = [
    ("cookie-session", "session cookies"),
    ("wtf-csrf-token", "CSRF tokens"),
];

/// Refuses two purposes with the same salt.
pub(super) fn check(reader: &mut Reader<'_>) {
    const FIX: &str = "remove it, or set it to a value that no other salt has";
    let salts = PURPOSES.map(|key| (key, reader.text(key), reader.is_set(key)));
    for (at, (key, salt, is_set)) in salts.iter().enumerate() {
        if salt.is_empty() {
            reader.problem(
                key,
                "is empty: the salt keeps tokens of one purpose from being accepted for another",
                FIX,
            );
            continue;
        }
        if let Some((_, whose)) = FIXED.iter().find(|(fixed, _)| fixed == salt) {
            reader.problem(
                key,
                format!("is the salt of {whose}: one would be accepted as the other"),
                FIX,
            );
        }
        let same = |other: &&(&str, String, bool)| other.1 == *salt;
        let Some((other, _, other_is_set)) = salts[..at].iter().find(same) else {
            continue;
        };
        // The setting to change is the one that is set.
        let (changed, kept, kept_is_set) = if *is_set {
            (key, other, *other_is_set)
        } else {
            (other, key, *is_set)
        };
        let default = if kept_is_set { "" } else { "the default of " };
        reader.problem(
            changed,
            format!(
                "is the same as {default}{kept}: data signed for one purpose would be accepted for the other"
            ),
            FIX,
        );
    }
}

/// Warns if a secret is also used as a salt, because salts are not secret.
pub(super) fn advise(reader: &Reader<'_>, secrets: &SecretSettings) -> Option<Problem> {
    let secret = secrets.password_salt.as_ref()?.expose_secret();
    let shared = PURPOSES.iter().find(|key| reader.text(key) == secret)?;
    Some(Problem::new(
        "SECURITY_PASSWORD_SALT",
        format!("is the same as {shared}, which is not secret: `config check` shows it"),
        format!(
            "change or remove {shared}; do not change SECURITY_PASSWORD_SALT, because existing passwords depend on it"
        ),
    ))
}
