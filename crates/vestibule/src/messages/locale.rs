//! The language of a reader.

/// The supported languages; the first is the one that the others are translated from.
const LANGUAGES: [&str; 4] = ["en", "de", "fr", "es"];

/// The longest `Accept-Language` header that is parsed. Browsers send less than a tenth of it.
const LONGEST_HEADER: usize = 1024;

/// A supported language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Locale(&'static str);

impl Locale {
    /// The default language.
    pub(crate) const ENGLISH: Self = Self(LANGUAGES[0]);

    /// All languages.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        LANGUAGES.into_iter().map(Self)
    }

    /// The supported language that an `Accept-Language` header prefers (RFC 9110, section 12.5.4).
    /// A region is ignored: `de-AT` is German.
    pub(crate) fn negotiate(header: Option<&str>) -> Self {
        let Some(header) = header.filter(|header| header.len() <= LONGEST_HEADER) else {
            return Self::ENGLISH;
        };
        let ranges: Vec<(&str, u16)> = header.split(',').filter_map(range).collect();
        let wish = |wanted: &str| {
            let matching = ranges.iter().enumerate();
            matching
                .filter(|(_, (language, _))| language.eq_ignore_ascii_case(wanted))
                .map(|(place, (_, quality))| (*quality, std::cmp::Reverse(place)))
                .max()
        };
        let any = wish("*");
        Self::all()
            .filter_map(|locale| {
                let wish = wish(locale.0).or(any)?;
                (wish.0 > 0).then_some((wish, locale))
            })
            // The first of equally preferred languages wins.
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .map_or(Self::ENGLISH, |(_, locale)| locale)
    }

    /// The language tag, such as `en` or `de`, for `lang` in HTML.
    pub(crate) fn tag(self) -> &'static str {
        self.0
    }
}

/// The language of `de-AT;q=0.8`, and its quality in thousandths.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let language = parts.next()?.split('-').next()?;
    let quality = match parts.next() {
        None => 1000,
        Some(weight) => thousandths(
            weight
                .strip_prefix(['q', 'Q'])?
                .trim_start()
                .strip_prefix('=')?
                .trim_start(),
        )?,
    };
    (!language.is_empty() && parts.next().is_none()).then_some((language, quality))
}

/// Parses a quality from 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_chosen() {
        for (header, expected) in [
            ("de", "de"),
            ("de-AT", "de"),
            ("DE-at", "de"),
            ("zh-Hant-TW, es-419;q=0.5", "es"),
            ("fr-CA, fr;q=0.9, en;q=0.8", "fr"),
            ("en;q=0.8, fr-CH;q=0.9", "fr"),
            ("en-GB, de;q=0.9", "en"),
            ("es, de", "es"),
            ("de, es", "de"),
            ("de ; q=0.2 , es ; Q = 0.3", "es"),
            ("nl, pt;q=0.9", "en"),
            ("nl, de;q=0.001", "de"),
            ("de;q=1.000, fr;q=0.999", "de"),
            ("*", "en"),
            ("nl, *;q=0.5", "en"),
            ("de;q=0.5, *", "en"),
            ("de, *;q=0.5", "de"),
            ("en;q=0, *;q=0.5", "de"),
            ("de;q=0", "en"),
            ("de;q=0, fr;q=0.0", "en"),
            ("*;q=0", "en"),
        ] {
            assert_eq!(Locale::negotiate(Some(header)).tag(), expected, "{header}");
        }
        assert_eq!(Locale::negotiate(None), Locale::ENGLISH);
    }

    #[test]
    fn an_invalid_accept_language_header_selects_english() {
        for header in [
            "",
            ",",
            ";",
            ";;",
            "-",
            "de;",
            "de;q",
            "de;q=",
            "de;q=2",
            "de;q=-1",
            "de;q=0.1234",
            "de;q=1.1",
            "de;q=.5",
            "de;q=+1",
            "de;q=0.+1",
            "de;q=1;q=1",
            "de;level=1",
            "d e",
            "deutsch",
            "\u{e9}",
            "../de",
            "de_DE",
        ] {
            assert_eq!(Locale::negotiate(Some(header)), Locale::ENGLISH, "{header}");
        }
        let long = format!("de{}", ",x".repeat(LONGEST_HEADER));
        assert_eq!(Locale::negotiate(Some(&long)), Locale::ENGLISH);
    }
}
