//! Durations in words.

use std::time::Duration;

/// The units in seconds; a month has 30 days and a year 365, as in the reference.
const UNITS: [(u64, &str, &str); 6] = [
    (31_536_000, "%(n)s year", "%(n)s years"),
    (2_592_000, "%(n)s month", "%(n)s months"),
    (86_400, "%(n)s day", "%(n)s days"),
    (3600, "%(n)s hour", "%(n)s hours"),
    (60, "%(n)s minute", "%(n)s minutes"),
    (1, "%(n)s second", "%(n)s seconds"),
];

/// All sentences that need a translation.
#[cfg(test)]
pub(crate) const SENTENCES: [&str; 13] = [
    "%(n)s year",
    "%(n)s years",
    "%(n)s month",
    "%(n)s months",
    "%(n)s day",
    "%(n)s days",
    "%(n)s hour",
    "%(n)s hours",
    "%(n)s minute",
    "%(n)s minutes",
    "%(n)s second",
    "%(n)s seconds",
    "%(first)s and %(second)s",
];

/// Writes a duration: "2 days", "1 hour and 30 minutes", "1 day, 2 hours, 3 minutes".
pub(crate) fn in_words<'a>(
    length: Duration,
    translate: impl Fn(&'static str) -> &'a str,
) -> String {
    let mut seconds = length.as_secs();
    let mut parts = Vec::new();
    for (size, one, many) in UNITS {
        let count = seconds / size;
        seconds %= size;
        if count > 0 {
            let form = translate(if count == 1 { one } else { many });
            parts.push(form.replace("%(n)s", &count.to_string()));
        }
    }
    match parts.as_slice() {
        [] => translate("%(n)s seconds").replace("%(n)s", "0"),
        [first, second] => translate("%(first)s and %(second)s")
            .replace("%(first)s", first)
            .replace("%(second)s", second),
        parts => parts.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_in_their_non_zero_units() {
        let said = |seconds| in_words(Duration::from_secs(seconds), |word| word);
        for (seconds, expected) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (172_800, "2 days"),
            (5400, "1 hour and 30 minutes"),
            (93_780, "1 day, 2 hours, 3 minutes"),
            (31_536_000 * 2 + 2_592_000, "2 years and 1 month"),
        ] {
            assert_eq!(said(seconds), expected);
        }
    }

    #[test]
    fn every_unit_is_listed_for_translation() {
        for (_, one, many) in UNITS {
            assert!(SENTENCES.contains(&one) && SENTENCES.contains(&many));
        }
    }
}
