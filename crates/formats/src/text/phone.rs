//! Phone numbers: which are valid, and the form in which each is stored (E.164).
//!
//! Equal in effect to Python's `phonenumbers`, a port of Google's libphonenumber. It searches a
//! text for a number and reads it by the rules of a region, unless it begins with a country code.
//! The number must exist in the numbering plan of its country. An extension is dropped.

mod plan;

use std::sync::LazyLock;

use regex_lite::Regex;
use unicode_general_category::{GeneralCategory, get_general_category};

use plan::{Length, Plan, at_start};

/// The longest text that is searched for a number, in characters.
const MAX_CHARS: usize = 250;

/// The shortest and the longest national number, in digits.
const NATIONAL_MIN: usize = 2;
const NATIONAL_MAX: usize = 17;

/// The parts of a `tel:` URI around a number (RFC 3966).
const PREFIX: &str = "tel:";
const CONTEXT: &str = ";phone-context=";
const SUBADDRESS: &str = ";isub=";

/// The characters that may separate digits, as members of a character class.
const PUNCTUATION: &str = r"\-x\u{2010}-\u{2015}\u{2212}\u{30fc}\u{ff0d}-\u{ff0f} \u{a0}\u{ad}\u{200b}\u{2060}\u{3000}()\u{ff08}\u{ff09}\u{ff3b}\u{ff3d}.\[\]/~\u{2053}\u{223c}\u{ff5e}";

/// The ways to write an extension, in the output of [`plain`].
const EXTENSION: &str = r";ext=[0-9]{1,20}|[ \u{a0}\t,]*(?:e?xt(?:ensi(?:o\u{301}?|\u{f3}))?n?|\u{ff45}?\u{ff58}\u{ff54}\u{ff4e}?|\u{434}\u{43e}\u{431}|anexo)[:.\u{ff0e}]?[ \u{a0}\t,\-]*[0-9]{1,20}#?|[ \u{a0}\t,]*(?:[x\u{ff58}#\u{ff03}~\u{ff5e}]|int|\u{ff49}\u{ff4e}\u{ff54})[:.\u{ff0e}]?[ \u{a0}\t,\-]*[0-9]{1,9}#?|[\- ]+[0-9]{1,6}#|[ \u{a0}\t]*(?:,{2}|;)[:.\u{ff0e}]?[ \u{a0}\t,\-]*[0-9]{1,15}#?|[ \u{a0}\t]*,+[:.\u{ff0e}]?[ \u{a0}\t,\-]*[0-9]{1,9}#?";

struct Patterns {
    viable: Regex,
    extension: Regex,
    second_number: Regex,
    context: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let viable = format!(
        "^(?:[0-9]{{2}}|[+\u{ff0b}]*(?:[{PUNCTUATION}*]*[0-9]){{3,}}[{PUNCTUATION}*a-z0-9]*(?:{EXTENSION})?)$"
    );
    let label = "[A-Za-z0-9]+(?:-*[A-Za-z0-9])*";
    let context = format!(
        r"^(?:\+[\-.()0-9]*[0-9][\-.()0-9]*|(?:{label}\.)*[A-Za-z]+(?:-*[A-Za-z0-9])*\.?)$"
    );
    Some(Patterns {
        viable: Regex::new(&viable).ok()?,
        extension: Regex::new(&format!("(?:{EXTENSION})$")).ok()?,
        second_number: Regex::new(r"[\\/] *x").ok()?,
        context: Regex::new(&context).ok()?,
    })
});

/// A region of the world with a numbering plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(&'static Plan);

impl Region {
    /// The region with this code: two capital letters (ISO 3166).
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Plan::of_region(code).map(Self)
    }
}

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It contains no number.
    Shape,
    /// The country code is unknown, or there is neither a country code nor a region.
    Country,
    /// The number is too short or too long.
    Length,
    /// The country has no such number.
    Unknown,
}

/// Normalises a number to the form in which it is stored. A number without a country code is read
/// by the rules of `region`; without a region, it is refused.
///
/// # Errors
/// [`Refusal`] if the text is not a valid number.
pub fn normalise(text: &str, region: Option<Region>) -> Result<String, Refusal> {
    if text.len() > 4 * MAX_CHARS || text.chars().count() > MAX_CHARS {
        return Err(Refusal::Length);
    }
    let patterns = PATTERNS.as_ref().ok_or(Refusal::Shape)?;
    let number = patterns.number_in(text)?;
    let home = region.map(|region| region.0);
    if home.is_none() && !number.starts_with(is_plus) {
        return Err(Refusal::Country);
    }
    let number = patterns.without_extension(&number);
    let (plan, mut number) = match split_country(number, home) {
        // The plus sign may be a mistake: try without it.
        Err(Refusal::Country) if number.starts_with(is_plus) => {
            split_country(number.trim_start_matches(is_plus), home)?.ok_or(Refusal::Country)?
        }
        split => match split? {
            Some(split) => split,
            None => (home.ok_or(Refusal::Country)?, digits(number)),
        },
    };
    if number.len() < NATIONAL_MIN {
        return Err(Refusal::Length);
    }
    let stripped = plan.without_national_prefix(&number);
    // A number that is too short without the prefix may itself begin with these digits.
    if plan.length(&stripped) != Length::Other {
        number = stripped;
    }
    if number.len() < NATIONAL_MIN || number.len() > NATIONAL_MAX {
        return Err(Refusal::Length);
    }
    let code = plan.calling_code;
    match Plan::of_number(code, &number) {
        Some(plan) if plan.is_valid(&number) => Ok(format!("+{code}{number}")),
        _ => Err(Refusal::Unknown),
    }
}

impl Patterns {
    /// The part of a text that may be a number, with its extension.
    fn number_in(&self, text: &str) -> Result<String, Refusal> {
        let mut number = match text.split_once(CONTEXT) {
            Some((before, after)) => {
                let context = after.split(';').next().unwrap_or_default();
                if !self.context.is_match(&with_ascii_digits(context)) {
                    return Err(Refusal::Shape);
                }
                // A context that is a country code counts; a domain name says nothing.
                let country = Some(context).filter(|context| context.starts_with('+'));
                let number = match text.split_once(PREFIX) {
                    Some((skipped, _)) => before.get(skipped.len() + PREFIX.len()..),
                    None => Some(before),
                };
                format!(
                    "{}{}",
                    country.unwrap_or_default(),
                    number.unwrap_or_default()
                )
            }
            None => self.possible_number(text).to_owned(),
        };
        if let Some(at) = number.find(SUBADDRESS).filter(|at| *at > 0) {
            number.truncate(at);
        }
        if !self.is_viable(&number) {
            return Err(Refusal::Shape);
        }
        Ok(number)
    }

    /// The part of a text from where a number can start to where it must end.
    fn possible_number<'a>(&self, text: &'a str) -> &'a str {
        let is_end = |c: char| {
            c != '#'
                && !matches!(
                    get_general_category(c).abbreviation().as_bytes()[0],
                    b'L' | b'N'
                )
        };
        let start = text.find(|c| is_plus(c) || digit(c).is_some());
        let text = text[start.unwrap_or(text.len())..].trim_end_matches(is_end);
        match self.second_number.find(text) {
            Some(second) => &text[..second.start()],
            None => text,
        }
    }

    fn is_viable(&self, number: &str) -> bool {
        number.chars().count() >= NATIONAL_MIN && self.viable.is_match(&plain(number))
    }

    fn without_extension<'a>(&self, number: &'a str) -> &'a str {
        let plain = plain(number);
        let Some(extension) = self.extension.find(&plain) else {
            return number;
        };
        // The plain text has the same number of characters, but not of bytes.
        let kept = plain[..extension.start()].chars().count();
        let end = number.char_indices().nth(kept).map(|(at, _)| at);
        match end.and_then(|end| number.get(..end)) {
            Some(rest) if self.is_viable(rest) => rest,
            _ => number,
        }
    }
}

/// Splits a number into its country's plan and its national number; `None` if it has no country
/// code.
fn split_country(
    number: &str,
    home: Option<&'static Plan>,
) -> Result<Option<(&'static Plan, String)>, Refusal> {
    let all = digits(number);
    let abroad = if number.starts_with(is_plus) {
        Some(all.as_str())
    } else {
        home.and_then(|home| without_international_prefix(&all, home))
    };
    if let Some(abroad) = abroad {
        if abroad.len() <= NATIONAL_MIN {
            return Err(Refusal::Length);
        }
        return (1..=3)
            .filter_map(|length| abroad.split_at_checked(length))
            .find_map(|(code, rest)| Some((Plan::of_calling_code(code)?, rest.to_owned())))
            .ok_or(Refusal::Country)
            .map(Some);
    }
    let Some(home) = home else {
        return Ok(None);
    };
    // The code of the home country without a plus sign, if the rest is a more plausible number.
    let Some(rest) = all.strip_prefix(home.calling_code) else {
        return Ok(None);
    };
    let rest = home.without_national_prefix(rest);
    let better = !home.is_plausible(&all) && home.is_plausible(&rest);
    if better || home.length(&all) == Length::TooLong {
        return Ok(Plan::of_calling_code(home.calling_code).map(|main| (main, rest)));
    }
    Ok(None)
}

/// The digits after the international prefix, which is dialled before a country code.
fn without_international_prefix<'a>(number: &'a str, home: &Plan) -> Option<&'a str> {
    if home.international_prefix.is_empty() {
        return None;
    }
    let found = at_start(home.international_prefix)?.find(number)?;
    // No country code begins with a zero.
    Some(&number[found.end()..]).filter(|rest| !rest.starts_with('0'))
}

/// The digits of a number. If it contains three or more letters, they stand for the digits on a
/// phone's keys.
fn digits(number: &str) -> String {
    if number.chars().filter(char::is_ascii_alphabetic).count() < 3 {
        return number.chars().filter_map(digit).collect();
    }
    let key = |c: char| {
        let mut upper = c.to_uppercase();
        match (upper.next()?, upper.next()) {
            (c @ '0'..='9', None) => Some(c),
            ('A'..='C', None) => Some('2'),
            ('D'..='F', None) => Some('3'),
            ('G'..='I', None) => Some('4'),
            ('J'..='L', None) => Some('5'),
            ('M'..='O', None) => Some('6'),
            ('P'..='S', None) => Some('7'),
            ('T'..='V', None) => Some('8'),
            ('W'..='Z', None) => Some('9'),
            _ => None,
        }
    };
    number.chars().filter_map(key).collect()
}

fn is_plus(c: char) -> bool {
    matches!(c, '+' | '\u{ff0b}')
}

/// The ASCII digit for a digit of any script.
fn digit(c: char) -> Option<char> {
    let is_decimal = |c: char| get_general_category(c) == GeneralCategory::DecimalNumber;
    if c.is_ascii() || !is_decimal(c) {
        return Some(c).filter(char::is_ascii_digit);
    }
    // Unicode keeps the ten digits of a script together, in order, beginning with zero.
    let before = ('\0'..c).rev().take_while(|c| is_decimal(*c)).count();
    char::from_digit(u32::try_from(before % 10).ok()?, 10)
}

fn with_ascii_digits(text: &str) -> String {
    text.chars().map(|c| digit(c).unwrap_or(c)).collect()
}

/// The text in the alphabet of the patterns: ASCII digits and lower-case letters, one character for
/// each.
fn plain(text: &str) -> String {
    let plain = |c: char| match c {
        // Python treats these as equal to their ASCII neighbours when it ignores case.
        '\u{17f}' => 's',
        '\u{131}' => 'i',
        c => digit(c).unwrap_or_else(|| c.to_lowercase().next().unwrap_or(c)),
    };
    text.chars().map(plain).collect()
}
