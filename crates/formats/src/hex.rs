//! Lower-case hexadecimal digits.

/// Encodes bytes as digits.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Decodes digits of either case; `None` for anything else.
#[must_use]
pub fn decode(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(value(*high)? << 4 | value(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_are_lower_case_and_padded() {
        assert_eq!(super::encode(&[0, 15, 0xab]), "000fab");
        assert_eq!(super::decode("000fAb"), Some(vec![0, 15, 0xab]));
        for none in ["0", "0g", "\u{e9}", "+1"] {
            assert_eq!(super::decode(none), None, "{none}");
        }
    }
}
