//! Numbers in stored hashes.

/// Parses a decimal number without sign, space or leading zeros, so that each has one spelling.
pub(super) fn decimal(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    (plain && !padded).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("4294967295"), Some(u32::MAX));
        for text in [
            "",
            "+1",
            "-1",
            "01",
            " 1",
            "1 ",
            "1_0",
            "4294967296",
            "\u{661}",
        ] {
            assert_eq!(decimal(text), None, "{text:?}");
        }
    }
}
