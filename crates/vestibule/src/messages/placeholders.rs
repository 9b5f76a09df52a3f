//! The places in a sentence: `%(name)s`, as gettext and Python write them.

/// The sentence with its places filled. A place that nothing is known for stays; what stands in
/// a value is not looked at again.
pub(crate) fn fill<V: AsRef<str>>(text: &str, value: impl Fn(&str) -> Option<V>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("%(") {
        filled.push_str(before);
        let place = behind.split_once(')').and_then(|(name, rest)| {
            // How it is written: an s, a d.
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
    fn places_are_filled_once_and_others_stay() {
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
