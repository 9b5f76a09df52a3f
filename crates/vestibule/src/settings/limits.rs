//! Limits on guessing and sending.

use std::time::Duration;

use super::reader::Reader;

/// What happens when a limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitMode {
    /// Further attempts are refused.
    On,
    /// Further attempts are logged and allowed.
    Log,
    /// Nothing is counted.
    Off,
}

/// How many attempts are allowed in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The number of attempts.
    pub allowed: u32,
    /// The period.
    pub period: Duration,
}

/// Limits on guessing and sending: `SECURITY_LIMITS` and `SECURITY_LIMIT_*`. An empty list of rates
/// is no limit.
#[derive(Debug, Clone)]
pub struct LimitSettings {
    /// What happens when a limit is reached.
    pub mode: LimitMode,
    /// Wrong passwords and recovery codes of one account.
    pub password: Vec<Rate>,
    /// Wrong one-time codes of one account.
    pub code: Vec<Rate>,
    /// Wrong guesses from one client address.
    pub address: Vec<Rate>,
    /// Mails and SMS to one recipient that unauthenticated clients cause.
    pub send: Vec<Rate>,
}

impl LimitSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mode = match reader.text("SECURITY_LIMITS").to_ascii_lowercase().as_str() {
            "off" => LimitMode::Off,
            "log" => LimitMode::Log,
            // The table of keys reports an unknown word.
            _ => LimitMode::On,
        };
        Self {
            mode,
            password: rates(reader, "SECURITY_LIMIT_PASSWORD"),
            code: rates(reader, "SECURITY_LIMIT_CODE"),
            address: rates(reader, "SECURITY_LIMIT_ADDRESS"),
            send: rates(reader, "SECURITY_LIMIT_SEND"),
        }
    }
}

fn rates(reader: &mut Reader<'_>, key: &str) -> Vec<Rate> {
    let text = reader.text(key);
    let rates = parse(&text);
    if let Err(what) = &rates {
        reader.problem(
            key,
            what,
            "write rates such as \"10 per 15 minutes; 50 per day\"",
        );
    }
    rates.unwrap_or_default()
}

/// Reads rates as Flask-Limiter writes them: `10 per 15 minutes`, `5/minute`, several separated by
/// `;`, `,` or `|`.
fn parse(text: &str) -> Result<Vec<Rate>, String> {
    let mut rates: Vec<Rate> = Vec::new();
    for part in text.split([';', ',', '|']).map(str::trim) {
        if part.is_empty() && text.trim().is_empty() {
            continue;
        }
        let rate = one(part).ok_or_else(|| format!("{part:?} is not a rate"))?;
        if rates.iter().any(|other| other.period == rate.period) {
            return Err(format!("{part:?} is a second rate for the same period"));
        }
        rates.push(rate);
    }
    Ok(rates)
}

/// Reads one rate. Like Flask-Limiter, a month has 30 days and a year has 12 such months.
fn one(text: &str) -> Option<Rate> {
    let text = text.to_ascii_lowercase();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (allowed, rest) = text.split_at(digits);
    let rest = rest.trim_start();
    let rest = rest
        .strip_prefix('/')
        .or_else(|| rest.strip_prefix("per"))?;
    let rest = rest.trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (multiple, unit) = rest.split_at(digits);
    let unit = unit.trim_start();
    let seconds: u64 = match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => 1,
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        "month" => 30 * 24 * 60 * 60,
        "year" => 12 * 30 * 24 * 60 * 60,
        _ => return None,
    };
    let multiple: u32 = if multiple.is_empty() {
        1
    } else {
        multiple.parse().ok()?
    };
    let allowed: u32 = allowed.parse().ok()?;
    let rate = Rate {
        allowed,
        period: Duration::from_secs(seconds.checked_mul(multiple.into())?),
    };
    (allowed > 0 && !rate.period.is_zero()).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_flask_limiter_writes_them() {
        let minute = 60;
        for (text, expected) in [
            ("10 per 15 minutes", vec![(10, 15 * minute)]),
            ("5/minute", vec![(5, minute)]),
            ("5 / 2 hours", vec![(5, 120 * minute)]),
            ("1 Per Day", vec![(1, 24 * 60 * minute)]),
            ("1per1second", vec![(1, 1)]),
            ("3 per month|1/year", vec![(3, 2_592_000), (1, 31_104_000)]),
            (
                "10 per 15 minutes; 50 per day",
                vec![(10, 15 * minute), (50, 24 * 60 * minute)],
            ),
            ("", vec![]),
            ("  ", vec![]),
        ] {
            let rates = parse(text).unwrap_or_else(|what| panic!("{text:?}: {what}"));
            let rates: Vec<_> = rates
                .iter()
                .map(|rate| (rate.allowed, rate.period.as_secs()))
                .collect();
            assert_eq!(rates, expected, "{text:?}");
        }
        for text in [
            "10",
            "per day",
            "0 per day",
            "5 per 0 minutes",
            "-1 per day",
            "5 per fortnight",
            "5 per day;",
            "5 per day; 6 per 24 hours",
            "99999999999 per day",
            "5 per 4294967296 years",
            "5 perday minute",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
