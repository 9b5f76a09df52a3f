//! Sign-in methods and second factors in words.

/// The methods by the reference's names, and their words.
const METHODS: [(&str, &str); 5] = [
    ("authenticator", "an authenticator app"),
    ("email", "a code by email"),
    ("password", "a password"),
    ("sms", "a code by SMS"),
    ("webauthn", "a passkey"),
];

/// All sentences that need a translation.
#[cfg(test)]
pub(crate) fn sentences() -> impl Iterator<Item = &'static str> {
    METHODS.into_iter().map(|(_, words)| words)
}

/// The words for a method: "an authenticator app" for `authenticator`. A name that is not the
/// reference's is returned as it is.
pub(crate) fn in_words<'a>(name: &'a str, translate: impl Fn(&'static str) -> &'a str) -> &'a str {
    METHODS
        .into_iter()
        .find(|(known, _)| *known == name)
        .map_or(name, |(_, words)| translate(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_methods_have_words_and_other_names_are_kept() {
        let german = |words: &'static str| match words {
            "a code by SMS" => "ein Code per SMS",
            other => panic!("{other}"),
        };
        assert_eq!(in_words("sms", german), "ein Code per SMS");
        assert_eq!(in_words("carrier pigeon", german), "carrier pigeon");
        assert_eq!(in_words("", german), "");
    }
}
