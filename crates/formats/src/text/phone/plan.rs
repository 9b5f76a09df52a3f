//! The numbering plans of the world, against which numbers are validated.

use std::sync::LazyLock;

use regex_lite::Regex;

/// `record.py` writes this file and documents its fields.
static PLANS: LazyLock<Vec<Plan>> = LazyLock::new(|| {
    include_str!("plans.tsv")
        .lines()
        .filter_map(Plan::read)
        .collect()
});

/// The numbering plan of a region.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Two letters, or 001 for a plan that belongs to no region.
    region: &'static str,
    pub(super) calling_code: &'static str,
    /// A pattern for the digits that are dialled before a country code.
    pub(super) international_prefix: &'static str,
    national_prefix: &'static str,
    /// What replaces the national prefix; \1 and \2 are its groups.
    replacement: &'static str,
    leading_digits: &'static str,
    local_lengths: Lengths,
    general: Numbers,
    kinds: Vec<Numbers>,
}

/// How the length of a number compares with those of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Possible,
    TooLong,
    /// Too short, the length of a local number, or between possible lengths.
    Other,
}

impl Plan {
    fn read(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        Some(Self {
            region: next()?,
            calling_code: next()?,
            international_prefix: next()?,
            national_prefix: next()?,
            replacement: next()?,
            leading_digits: next()?,
            local_lengths: Lengths::read(next()?)?,
            general: Numbers::read(next()?)?,
            kinds: fields.map(Numbers::read).collect::<Option<_>>()?,
        })
    }

    /// The plan of a region.
    pub(super) fn of_region(region: &str) -> Option<&'static Self> {
        PLANS
            .iter()
            .find(|plan| plan.region == region && region != "001")
    }

    /// The plan of the main region of a calling code.
    pub(super) fn of_calling_code(code: &str) -> Option<&'static Self> {
        PLANS.iter().find(|plan| plan.calling_code == code)
    }

    /// The plan that a national number of a calling code belongs to.
    pub(super) fn of_number(code: &str, number: &str) -> Option<&'static Self> {
        let mut plans = PLANS.iter().filter(|plan| plan.calling_code == code);
        let (first, second) = (plans.next()?, plans.next());
        let Some(second) = second else {
            return Some(first);
        };
        [first, second].into_iter().chain(plans).find(|plan| {
            if plan.leading_digits.is_empty() {
                plan.is_valid(number)
            } else {
                at_start(plan.leading_digits).is_some_and(|digits| digits.is_match(number))
            }
        })
    }

    /// Whether a national number is of a kind that the region has.
    pub(super) fn is_valid(&self, number: &str) -> bool {
        self.general.have(number) && self.kinds.iter().any(|kind| kind.have(number))
    }

    /// Whether a national number matches the general pattern. Does not check its length.
    pub(super) fn is_plausible(&self, number: &str) -> bool {
        self.general.fit(number)
    }

    pub(super) fn length(&self, number: &str) -> Length {
        let possible = self.general.lengths;
        if !self.local_lengths.contain(number.len()) && possible.contain(number.len()) {
            Length::Possible
        } else if !self.local_lengths.contain(number.len()) && possible.all_below(number.len()) {
            Length::TooLong
        } else {
            Length::Other
        }
    }

    /// The number without its national prefix, unless removing it makes a plausible number
    /// implausible.
    pub(super) fn without_national_prefix(&self, number: &str) -> String {
        let unchanged = || number.to_owned();
        if self.national_prefix.is_empty() {
            return unchanged();
        }
        let Some(prefix) = at_start(self.national_prefix) else {
            return unchanged();
        };
        let Some(found) = prefix.captures(number) else {
            return unchanged();
        };
        let rest = number.get(found.get(0).map_or(0, |all| all.end())..);
        let rest = rest.unwrap_or_default();
        let last_group = found.len() - 1;
        let stripped = if self.replacement.is_empty() || found.get(last_group).is_none() {
            rest.to_owned()
        } else {
            let group = |at: usize| found.get(at).map_or("", |group| group.as_str());
            let start = self.replacement;
            let start = start.replace("\\1", group(1)).replace("\\2", group(2));
            format!("{start}{rest}")
        };
        if self.is_plausible(number) && !self.is_plausible(&stripped) {
            return unchanged();
        }
        stripped
    }
}

/// The lengths of a kind of numbers, and their pattern.
#[derive(Debug, PartialEq, Eq)]
struct Numbers {
    lengths: Lengths,
    pattern: &'static str,
}

impl Numbers {
    fn read(field: &'static str) -> Option<Self> {
        let (lengths, pattern) = field.split_once(':')?;
        Some(Self {
            lengths: Lengths::read(lengths)?,
            pattern,
        })
    }

    fn have(&self, number: &str) -> bool {
        self.lengths.contain(number.len()) && self.fit(number)
    }

    fn fit(&self, number: &str) -> bool {
        Regex::new(&format!("^(?:{})$", self.pattern)).is_ok_and(|whole| whole.is_match(number))
    }
}

/// A set of small numbers, one bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lengths(u32);

impl Lengths {
    fn read(field: &str) -> Option<Self> {
        let mut bits = 0;
        for length in field.split(',').filter(|length| !length.is_empty()) {
            bits |= 1_u32.checked_shl(length.parse().ok()?)?;
        }
        Some(Self(bits))
    }

    fn contain(self, length: usize) -> bool {
        length < 32 && self.0 >> length & 1 == 1
    }

    fn all_below(self, length: usize) -> bool {
        length >= 32 || self.0 >> length == 0
    }
}

/// Compiles a pattern that must match at the start of a number.
pub(super) fn at_start(pattern: &str) -> Option<Regex> {
    Regex::new(&format!("^(?:{pattern})")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_and_every_pattern_parses() {
        let lines = include_str!("plans.tsv").lines();
        assert_eq!(
            PLANS.len(),
            lines.filter(|line| !line.starts_with('#')).count()
        );
        assert!(PLANS.len() > 250);
        for plan in PLANS.iter() {
            let starts = [
                plan.international_prefix,
                plan.national_prefix,
                plan.leading_digits,
            ];
            for pattern in starts {
                assert!(at_start(pattern).is_some(), "{}", plan.region);
            }
            for numbers in plan.kinds.iter().chain([&plan.general]) {
                assert!(Regex::new(numbers.pattern).is_ok(), "{}", plan.region);
            }
            assert!(!plan.kinds.is_empty(), "{}", plan.region);
        }
    }
}
