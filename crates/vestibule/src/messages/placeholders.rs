//! The placeholders in a sentence: `%(name)s`, as in gettext and Python.

/// Fills the placeholders of a sentence. A placeholder without a value is kept; placeholders inside
/// a value are not filled.
pub(crate) fn fill<V: AsRef<str>>(text: &str, value: impl Fn(&str) -> Option<V>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("%(") {
        filled.push_str(before);
        let place = behind.split_once(')').and_then(|(name, rest)| {
            // The conversion: `s` or `d`.
            let rest = rest.strip_prefix(['s', 'd'])?;
            Some((value(name)?, rest))
        });
        if let Some((value, after)) = place {
            filled.push_str(value.as_ref());
            rest = after;
        } else {
            filled.push_str("%(");
            rest = behind;
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once_and_unknown_ones_are_kept() {
        let value = |name: &str| match name {
            "within" => Some("2 days"),
            "email" => Some("%(within)s@example.com"),
            _ => None,
        };
        assert_eq!(
            fill("%(within)s, %(email)s, %(other)s, %(, 100%", value),
            "2 days, %(within)s@example.com, %(other)s, %(, 100%"
        );
    }
}
