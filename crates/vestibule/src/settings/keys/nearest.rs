//! The known name that a misspelt one may stand for.
//!
//! People misspell a word, leave one out, add one, or swap two, as in `SECURITY_RESET_WITHIN` or
//! `SECURITY_PASSWORD_MIN_LENGTH`. Names are therefore compared letter by letter and word by word,
//! and the better score counts.

use strsim::normalized_damerau_levenshtein;

use super::{all, messages};
use crate::messages::Message;

/// The prefix that people leave out.
const PREFIX: &str = "SECURITY_";

/// The prefix of the names that replace messages.
const MESSAGE: &str = "SECURITY_MSG_";

/// The minimum similarity for a suggestion.
const LIKE: f64 = 0.58;

/// The factor for names whose last words differ: the last word says what kind of setting it is
/// (`URL`, `WITHIN`, `VIEW`).
const OTHER_KIND: f64 = 0.85;

/// The known name that is most similar to this one, if any is similar enough.
#[must_use]
pub fn nearest(name: &str) -> Option<String> {
    let name = name.to_ascii_uppercase();
    let candidates: Vec<String> = if name.starts_with(MESSAGE) {
        messages::CODES
            .iter()
            .copied()
            .chain(Message::ALL.iter().map(|message| message.code()))
            .map(|code| format!("{MESSAGE}{code}"))
            .collect()
    } else {
        all().map(|key| key.name.to_owned()).collect()
    };
    candidates
        .into_iter()
        .map(|candidate| (likeness(&name, &candidate), candidate))
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .filter(|(likeness, _)| *likeness > LIKE)
        .map(|(_, candidate)| candidate)
}

fn likeness(name: &str, candidate: &str) -> f64 {
    let whole = normalized_damerau_levenshtein(name, candidate);
    let (ours, theirs) = (name.strip_prefix(PREFIX), candidate.strip_prefix(PREFIX));
    match (ours, theirs) {
        (Some(_), Some(_)) | (None, None) => {
            without_prefix(ours.unwrap_or(name), theirs.unwrap_or(candidate))
        }
        // A name without its prefix has to match except for a small typo.
        (None, Some(rest)) => {
            let rest = normalized_damerau_levenshtein(name, rest);
            if rest > 0.85 { rest } else { whole }
        }
        (Some(_), None) => whole,
    }
}

fn without_prefix(name: &str, candidate: &str) -> f64 {
    let (ours, theirs): (Vec<&str>, Vec<&str>) =
        (name.split('_').collect(), candidate.split('_').collect());
    let same_kind = match (ours.last(), theirs.last()) {
        (Some(one), Some(other)) => same_word(one, other) > 0.0,
        _ => false,
    };
    let kind = if same_kind { 1.0 } else { OTHER_KIND };
    let letters = normalized_damerau_levenshtein(name, candidate);
    let letters = if ours.len() == 1 {
        letters
    } else {
        letters * kind
    };
    // If two scores are equal, the letter-by-letter match wins.
    letters.max(common_words(&ours, &theirs) * kind * 0.98)
}

/// How much of both names consists of words that they share, in any order.
fn common_words(ours: &[&str], theirs: &[&str]) -> f64 {
    let mut left = theirs.to_vec();
    let (mut of_ours, mut of_theirs) = (0.0, 0.0);
    for word in ours {
        let best = left
            .iter()
            .enumerate()
            .map(|(at, other)| (same_word(word, other), at))
            .max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)));
        if let Some((likeness, at)) = best
            && likeness > 0.0
        {
            of_ours += likeness * length(word);
            of_theirs += likeness * length(left.remove(at));
        }
    }
    let whole = |words: &[&str]| words.iter().map(|word| length(word)).sum::<f64>().max(1.0);
    (of_ours / whole(ours)).midpoint(of_theirs / whole(theirs))
}

/// How similar two words are: equal, misspelt, or of one stem (`REGISTER`, `REGISTRATION`). All
/// others are not similar at all.
fn same_word(one: &str, other: &str) -> f64 {
    let common = one
        .bytes()
        .zip(other.bytes())
        .take_while(|(one, other)| one == other)
        .count();
    let is_stem = common >= 4 && common + 2 >= one.len().min(other.len());
    let stem = if is_stem { 0.8 } else { 0.0 };
    let likeness = normalized_damerau_levenshtein(one, other).max(stem);
    if likeness >= 0.7 { likeness } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "a word of a name is short")]
fn length(word: &str) -> f64 {
    word.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_recognised() {
        for (written, meant) in [
            ("SECURITY_REGISTRABLE", "SECURITY_REGISTERABLE"),
            ("SESION_COOKIE_NAME", "SESSION_COOKIE_NAME"),
            ("SECURITY_TOKEN_MAXAGE", "SECURITY_TOKEN_MAX_AGE"),
            ("TRACKABLE", "SECURITY_TRACKABLE"),
            ("security_url_prefix", "SECURITY_URL_PREFIX"),
            (
                "SECURITY_MSG_INVALID_PASWORD",
                "SECURITY_MSG_INVALID_PASSWORD",
            ),
            (
                "SECURITY_MSG_CSRF_TOKEN_MISING",
                "SECURITY_MSG_CSRF_TOKEN_MISSING",
            ),
        ] {
            assert_eq!(nearest(written).as_deref(), Some(meant), "{written}");
        }
        assert_eq!(nearest("ZZZ"), None);
    }

    #[test]
    fn missing_added_and_swapped_words_are_recognised() {
        for (written, meant) in [
            ("SECURITY_RESET_WITHIN", "SECURITY_RESET_PASSWORD_WITHIN"),
            ("SECURITY_CONFIRM_WITHIN", "SECURITY_CONFIRM_EMAIL_WITHIN"),
            (
                "SECURITY_EMAIL_CONFIRM_WITHIN",
                "SECURITY_CONFIRM_EMAIL_WITHIN",
            ),
            (
                "SECURITY_PASSWORD_RESET_WITHIN",
                "SECURITY_RESET_PASSWORD_WITHIN",
            ),
            (
                "SECURITY_PASSWORD_MIN_LENGTH",
                "SECURITY_PASSWORD_LENGTH_MIN",
            ),
            (
                "SECURITY_MIN_PASSWORD_LENGTH",
                "SECURITY_PASSWORD_LENGTH_MIN",
            ),
            (
                "SECURITY_USERNAME_LENGTH_MIN",
                "SECURITY_USERNAME_MIN_LENGTH",
            ),
            ("SECURITY_REGISTRATION_URL", "SECURITY_REGISTER_URL"),
            ("SECURITY_RECOVERY", "SECURITY_RECOVERABLE"),
            ("SECURITY_SENDER_EMAIL", "SECURITY_EMAIL_SENDER"),
            ("SECURITY_MAIL_SENDER", "SECURITY_EMAIL_SENDER"),
            (
                "SECURITY_TWO_FACTOR_METHODS",
                "SECURITY_TWO_FACTOR_ENABLED_METHODS",
            ),
            (
                "SECURITY_TWOFACTOR_REQUIRED",
                "SECURITY_TWO_FACTOR_REQUIRED",
            ),
            ("SECURITY_US_METHODS", "SECURITY_US_ENABLED_METHODS"),
            (
                "SECURITY_TOKEN_HEADER",
                "SECURITY_TOKEN_AUTHENTICATION_HEADER",
            ),
            (
                "SECURITY_CSRF_COOKIE_REFRESH",
                "SECURITY_CSRF_COOKIE_REFRESH_EACH_REQUEST",
            ),
            (
                "SECURITY_CSRF_IGNORE_UNAUTH",
                "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS",
            ),
            (
                "SECURITY_POST_CONFIRMATION_VIEW",
                "SECURITY_POST_CONFIRM_VIEW",
            ),
            ("SECURITY_RESET_PASSWORD_URL", "SECURITY_RESET_URL"),
            ("SECURITY_CHANGE_PASSWORD_URL", "SECURITY_CHANGE_URL"),
            (
                "SECURITY_PASSWORD_HASH_SCHEMES",
                "SECURITY_PASSWORD_SCHEMES",
            ),
            ("SESSION_COOKIE_SAME_SITE", "SESSION_COOKIE_SAMESITE"),
            ("SESSION_LIFETIME", "PERMANENT_SESSION_LIFETIME"),
            ("SQLALCHEMY_DATABASE_URL", "SQLALCHEMY_DATABASE_URI"),
            ("MAIL_USE_STARTTLS", "MAIL_USE_TLS"),
            ("TRUSTED_PROXY", "TRUSTED_PROXIES"),
            ("CORS_ALLOWED_ORIGINS", "CORS_ORIGINS"),
            (
                "SECURITY_EMAIL_SUBJECT_RESET",
                "SECURITY_EMAIL_SUBJECT_PASSWORD_RESET",
            ),
            (
                "SECURITY_FRESHNESS_GRACE",
                "SECURITY_FRESHNESS_GRACE_PERIOD",
            ),
            ("SECURITY_REDIRECT_URL_HOST", "SECURITY_REDIRECT_HOST"),
            ("SECURITY_LOGIN_LINK_WITHIN", "SECURITY_LOGIN_WITHIN"),
            (
                "SECURITY_RESET_PASWORD_WITHIN",
                "SECURITY_RESET_PASSWORD_WITHIN",
            ),
        ] {
            assert_eq!(nearest(written).as_deref(), Some(meant), "{written}");
        }
        for other in [
            "CACHE_TYPE",
            "SESSION_TYPE",
            "SECURITY_NO_SUCH",
            "REDIS_URL",
            "CELERY_BROKER_URL",
            "UPLOAD_FOLDER",
            "BABEL_DEFAULT_LOCALE",
            "MAIL_FROM",
        ] {
            assert_eq!(nearest(other), None, "{other}");
        }
    }
}
