//! Writing CBOR (RFC 8949), as far as authenticators need it.

/// A value to write. Maps are written in the order given, so that a test can also write a map that
/// is not canonical.
#[derive(Clone, Debug)]
pub enum Cbor {
    /// An integer.
    Int(i64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
    /// An array.
    Array(Vec<Cbor>),
    /// A map.
    Map(Vec<(Cbor, Cbor)>),
    /// A boolean.
    Bool(bool),
    /// Bytes that are written as they are.
    Raw(Vec<u8>),
}

impl Cbor {
    /// A text string.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// The encoded value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => match u64::try_from(*value) {
                Ok(value) => head(out, 0, value),
                Err(_) => head(out, 1, value.unsigned_abs() - 1),
            },
            Self::Bytes(bytes) => {
                head(out, 2, bytes.len() as u64);
                out.extend(bytes);
            }
            Self::Text(text) => {
                head(out, 3, text.len() as u64);
                out.extend(text.bytes());
            }
            Self::Array(items) => {
                head(out, 4, items.len() as u64);
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(members) => {
                head(out, 5, members.len() as u64);
                for (key, value) in members {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
            Self::Raw(bytes) => out.extend(bytes),
        }
    }
}

/// The major type and the argument, in the shortest form.
fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    if let Ok(byte) = u8::try_from(argument) {
        if byte < 24 {
            out.push(major | byte);
        } else {
            out.extend([major | 24, byte]);
        }
    } else if let Ok(short) = u16::try_from(argument) {
        out.push(major | 25);
        out.extend(short.to_be_bytes());
    } else if let Ok(word) = u32::try_from(argument) {
        out.push(major | 26);
        out.extend(word.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend(argument.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::Cbor;

    /// RFC 8949, appendix A.
    #[test]
    fn examples_of_the_rfc_are_written() {
        let hex = |value: Cbor| {
            let bytes = value.encode();
            bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()
        };
        for (value, encoded) in [
            (0, "00"),
            (23, "17"),
            (24, "1818"),
            (100, "1864"),
            (1000, "1903e8"),
            (1_000_000, "1a000f4240"),
            (1_000_000_000_000, "1b000000e8d4a51000"),
            (-1, "20"),
            (-100, "3863"),
            (-1000, "3903e7"),
        ] {
            assert_eq!(hex(Cbor::Int(value)), encoded, "{value}");
        }
        assert_eq!(hex(Cbor::Bytes(vec![1, 2, 3, 4])), "4401020304");
        assert_eq!(hex(Cbor::text("ü")), "62c3bc");
        let list = Cbor::Array(vec![Cbor::Int(2), Cbor::Int(3)]);
        let members = vec![(Cbor::text("a"), Cbor::Bool(true)), (Cbor::text("b"), list)];
        assert_eq!(hex(Cbor::Map(members)), "a26161f56162820203");
    }
}
