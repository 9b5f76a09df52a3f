//! A reader for DER, for the structures inside certificate extensions.

/// A tagged value.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    tag: Tag,
    pub(super) content: &'a [u8],
}

/// A tag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Integer,
    BitString,
    OctetString,
    Enumerated,
    Sequence,
    Set,
    /// A constructed, context-specific tag.
    Context(u32),
    Other,
}

impl<'a> Element<'a> {
    /// Reads one element, and nothing after it.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        match Self::parse_prefix(bytes)? {
            (element, []) => Some(element),
            _ => None,
        }
    }

    fn parse_prefix(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (tag, rest) = parse_tag(bytes)?;
        let (length, rest) = parse_length(rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        Some((Self { tag, content }, rest))
    }

    /// The content of an element with this tag.
    pub(super) fn expect(self, tag: Tag) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }

    /// The elements of a sequence, a set or an explicit tag.
    pub(super) fn children(self, tag: Tag) -> Option<Vec<Self>> {
        let mut rest = self.expect(tag)?;
        let mut children = Vec::new();
        while !rest.is_empty() {
            let (child, after) = Self::parse_prefix(rest)?;
            children.push(child);
            rest = after;
        }
        Some(children)
    }

    pub(super) fn has_tag(self, tag: Tag) -> bool {
        self.tag == tag
    }
}

fn parse_tag(bytes: &[u8]) -> Option<(Tag, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    let mut number = u32::from(first & 0x1f);
    if number == 0x1f {
        number = 0;
        loop {
            let (&byte, after) = rest.split_first()?;
            rest = after;
            if (number == 0 && byte == 0x80) || number > 0xffff {
                return None;
            }
            number = number << 7 | u32::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        if number < 0x1f {
            return None;
        }
    }
    let tag = match (first & 0xe0, number) {
        (0x00, 2) => Tag::Integer,
        (0x00, 3) => Tag::BitString,
        (0x00, 4) => Tag::OctetString,
        (0x00, 10) => Tag::Enumerated,
        (0x20, 16) => Tag::Sequence,
        (0x20, 17) => Tag::Set,
        (0xa0, number) => Tag::Context(number),
        _ => Tag::Other,
    };
    Some((tag, rest))
}

/// A length, in its shortest form.
fn parse_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let width = usize::from(first & 0x7f);
    if !(1..=3).contains(&width) {
        return None;
    }
    let (digits, rest) = rest.split_at_checked(width)?;
    let length = digits
        .iter()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    let shortest = digits[0] != 0 && length >= 0x80;
    shortest.then_some((length, rest))
}
