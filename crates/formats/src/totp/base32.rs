//! Base32 (RFC 4648) without padding, read as leniently as passlib reads it.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Encodes in upper case, without padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity((bytes.len() * 8).div_ceil(5));
    for group in bytes.chunks(5) {
        let mut whole = [0; 8];
        whole[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(whole);
        for digit in 0..(group.len() * 8).div_ceil(5) {
            let value = bits >> (35 - 5 * digit) & 31;
            text.extend(usize::try_from(value).map(|at| char::from(ALPHABET[at])));
        }
    }
    text
}

/// Decodes either case, with or without padding. The digits 8 and 0 count as the letters B and O,
/// which they are mistaken for. Unused bits are ignored.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.trim_end_matches('=');
    // The padding never exceeds what completes the last group.
    if text.len().div_ceil(8) != digits.len().div_ceil(8) {
        return None;
    }
    let values: Zeroizing<Vec<u8>> = Zeroizing::new(
        digits
            .bytes()
            .map(|digit| match digit.to_ascii_uppercase() {
                letter @ b'A'..=b'Z' => Some(letter - b'A'),
                digit @ b'2'..=b'7' => Some(digit - b'2' + 26),
                b'8' => Some(1),
                b'0' => Some(14),
                _ => None,
            })
            .collect::<Option<_>>()?,
    );
    // Three of the eight lengths cannot result from whole bytes.
    if matches!(values.len() % 8, 1 | 3 | 6) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(values.len() * 5 / 8));
    let (mut bits, mut held) = (0_u32, 0_u32);
    for value in values.iter() {
        bits = bits << 5 | u32::from(*value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.extend(u8::try_from(bits >> held));
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<Vec<u8>> {
        decode(text).map(|bytes| bytes.to_vec())
    }

    /// RFC 4648, section 10.
    #[test]
    fn the_vectors_of_the_rfc_encode_and_decode() {
        for (text, base32) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(encode(text.as_bytes()), base32);
            assert_eq!(decoded(base32), Some(text.as_bytes().to_vec()), "{base32}");
            let lower = base32.to_lowercase();
            assert_eq!(decoded(&lower), Some(text.as_bytes().to_vec()), "{lower}");
        }
    }

    #[test]
    fn typing_errors_and_padding_are_forgiven_as_by_passlib() {
        assert_eq!(decoded("80808080"), decoded("BOBOBOBO"));
        assert!(decoded("80808080").is_some());
        for text in ["MY======", "MY=", "mz", "MZ"] {
            assert_eq!(decoded(text), Some(b"f".to_vec()), "{text}");
        }
        for none in [
            "1",
            "M",
            "MZX",
            "MZXW6Y",
            "MY-",
            "M Y",
            "MY=======",
            "=",
            "M=Y",
            "\u{e9}",
        ] {
            assert_eq!(decoded(none), None, "{none}");
        }
    }
}
