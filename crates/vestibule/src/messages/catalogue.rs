//! Translations of the messages: gettext's PO files, compiled in.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::po;

pub(crate) use super::locale::Locale;

/// The PO files by language.
const FILES: [(&str, &str); 3] = [
    ("de", include_str!("catalogues/de.po")),
    ("fr", include_str!("catalogues/fr.po")),
    ("es", include_str!("catalogues/es.po")),
];

type Sentences = HashMap<String, String>;

/// Parsed once, at the first use.
static BUILT_IN: LazyLock<Vec<(&str, Sentences)>> = LazyLock::new(|| {
    FILES
        .into_iter()
        // A test parses all files, so none is skipped in a release.
        .filter_map(|(tag, file)| Some((tag, po::read(file).ok()?.into_iter().collect())))
        .collect()
});

/// The translations of all messages.
#[derive(Clone, Copy)]
pub(crate) struct Catalogues {
    languages: &'static [(&'static str, Sentences)],
}

impl Catalogues {
    /// The catalogues that are compiled in.
    pub(crate) fn built_in() -> Self {
        Self {
            languages: &BUILT_IN,
        }
    }

    /// The sentence in the reader's language, or in English if it has no translation.
    pub(crate) fn translate<'a>(&'a self, locale: Locale, english: &'a str) -> &'a str {
        self.languages
            .iter()
            .find(|(tag, _)| *tag == locale.tag())
            .and_then(|(_, sentences)| sentences.get(english))
            .map_or(english, String::as_str)
    }
}

impl Default for Catalogues {
    fn default() -> Self {
        Self::built_in()
    }
}

impl std::fmt::Debug for Catalogues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogues").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::mail::render::built_in;
    use crate::messages::{Message, method, period};
    use crate::settings::keys;

    /// All sentences that users may read, in English.
    fn english() -> BTreeSet<String> {
        let messages = Message::ALL.iter().map(|message| message.default_text());
        let subjects = keys::all()
            .filter(|key| key.name.contains("SUBJECT"))
            .map(|key| key.default.trim_matches('"'));
        let mails = built_in::TEMPLATES.iter().flat_map(|(name, source)| {
            let calls = source.split("_(").skip(1);
            calls.map(move |call| {
                let text = call
                    .strip_prefix('"')
                    .and_then(|rest| rest.split('"').next());
                text.unwrap_or_else(|| panic!("{name}: write _(\"...\")"))
            })
        });
        messages
            .chain(period::SENTENCES)
            .chain(method::sentences())
            .chain(subjects)
            .chain(mails)
            .map(str::to_owned)
            .collect()
    }

    /// The placeholders of a sentence.
    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split("%(")
            .skip(1)
            .map(|rest| rest.split_once(")s").unwrap_or_else(|| panic!("{text}")).0)
            .collect()
    }

    #[test]
    fn catalogues_translate_exactly_the_sentences_in_use() {
        let english = english();
        for (tag, file) in FILES {
            let sentences = po::read(file).unwrap_or_else(|error| panic!("{tag}: {error}"));
            let mut known = BTreeSet::new();
            for (sentence, translation) in sentences {
                assert_eq!(
                    placeholders(&sentence),
                    placeholders(&translation),
                    "{tag}: {sentence}"
                );
                assert!(
                    !translation.contains(['<', '>', '&', '\n']),
                    "{translation}"
                );
                assert_eq!(translation.trim(), translation, "{tag}");
                assert!(known.insert(sentence.clone()), "{tag}: twice: {sentence}");
            }
            let missing: Vec<_> = english.difference(&known).collect();
            let left_over: Vec<_> = known.difference(&english).collect();
            assert!(missing.is_empty(), "{tag} lacks {missing:#?}");
            assert!(left_over.is_empty(), "{tag} has unused {left_over:#?}");
        }
    }

    #[test]
    fn every_language_has_its_catalogue() {
        let catalogues = Catalogues::built_in();
        let mut said = BTreeSet::new();
        for locale in Locale::all() {
            said.insert(catalogues.translate(locale, "Enter a password.").to_owned());
            assert_eq!(catalogues.translate(locale, "Not ours."), "Not ours.");
        }
        assert_eq!(said.len(), Locale::all().count(), "{said:?}");
        assert_eq!(
            catalogues.translate(Locale::ENGLISH, "Enter a password."),
            "Enter a password."
        );
    }

    /// GSM 03.38, section 6.2.1: the letters that an SMS of 160 characters may contain.
    fn is_gsm(character: char) -> bool {
        let beyond_ascii = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";
        let extended = "`[]{}\\|~^";
        character.is_ascii_graphic() && !extended.contains(character)
            || [' ', '\n'].contains(&character)
            || beyond_ascii.contains(character)
    }

    #[test]
    fn text_message_with_a_code_fits_into_one_sms() {
        let catalogues = Catalogues::built_in();
        let english = Message::UseCode.default_text();
        for locale in Locale::all() {
            let said = Message::UseCode
                .with("code", "12345678")
                .fill(catalogues.translate(locale, english));
            assert!(said.contains("12345678"), "{said}");
            assert!(said.chars().all(is_gsm), "{}: {said}", locale.tag());
            // The rest is for the origin-bound last line, `@host #code`.
            assert!(said.len() <= 60, "{}: {said}", locale.tag());
        }
    }

    #[test]
    fn durations_are_written_in_every_language() {
        let catalogues = Catalogues::built_in();
        for (tag, expected) in [
            ("en", "1 hour and 30 minutes"),
            ("de", "1 Stunde und 30 Minuten"),
            ("fr", "1 heure et 30 minutes"),
            ("es", "1 hora y 30 minutos"),
        ] {
            let locale = Locale::negotiate(Some(tag));
            let length = std::time::Duration::from_secs(5400);
            let said = period::in_words(length, |word| catalogues.translate(locale, word));
            assert_eq!(said, expected);
        }
    }
}
