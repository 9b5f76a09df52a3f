//! Times as SQLAlchemy stores them in SQLite: naive UTC, as text with six digits of a second.
//! SQLAlchemy reads every form that Python's `datetime.fromisoformat` accepts. Other tools write
//! such forms, so this module reads them too.

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// `YYYY-MM-DD HH:MM:SS.ffffff`.
pub(super) fn write(moment: OffsetDateTime) -> String {
    let moment = moment.to_offset(UtcOffset::UTC);
    let (year, month, day) = moment.to_calendar_date();
    let (hour, minute, second, micro) = moment.to_hms_micro();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micro:06}")
}

/// Reads a date, optionally followed by a space or T and a time to the minute, the second or a
/// fraction, and by an offset from UTC or Z.
pub(super) fn read(text: &[u8]) -> Option<OffsetDateTime> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = read_date(date)?;
    let Some((b' ' | b'T', rest)) = rest.split_first() else {
        return rest.is_empty().then(|| date.midnight().assume_utc());
    };
    let (clock, offset) = match rest
        .iter()
        .position(|byte| matches!(byte, b'+' | b'-' | b'Z'))
    {
        Some(at) => rest.split_at(at),
        None => (rest, &b"Z"[..]),
    };
    let moment = date
        .with_time(read_clock(clock)?)
        .assume_offset(read_offset(offset)?);
    moment.checked_to_offset(UtcOffset::UTC)
}

fn read_date(text: &[u8]) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else {
        return None;
    };
    let year = i32::from(pair(*y1, *y2)?) * 100 + i32::from(pair(*y3, *y4)?);
    let month = Month::try_from(pair(*m1, *m2)?).ok()?;
    Date::from_calendar_date(year, month, pair(*d1, *d2)?).ok()
}

fn read_clock(text: &[u8]) -> Option<Time> {
    let (hour, minute, rest) = match text {
        [h1, h2, b':', m1, m2, rest @ ..] => (pair(*h1, *h2)?, pair(*m1, *m2)?, rest),
        _ => return None,
    };
    let (second, nano) = match rest {
        [] => (0, 0),
        [b':', s1, s2] => (pair(*s1, *s2)?, 0),
        [b':', s1, s2, b'.', fraction @ ..] => (pair(*s1, *s2)?, read_fraction(fraction)?),
        _ => return None,
    };
    Time::from_hms_nano(hour, minute, second, nano).ok()
}

/// The digits after the decimal point, as nanoseconds.
fn read_fraction(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().chain([b'0'; 9].iter()).take(9);
    Some(padded.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0')))
}

fn read_offset(text: &[u8]) -> Option<UtcOffset> {
    let (sign, hours, minutes) = match text {
        b"Z" => return Some(UtcOffset::UTC),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => (sign, pair(*h1, *h2)?, pair(*m1, *m2)?),
        _ => return None,
    };
    let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
    UtcOffset::from_whole_seconds(if *sign == b'-' { -seconds } else { seconds }).ok()
}

fn pair(tens: u8, ones: u8) -> Option<u8> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn moments_are_written_as_sqlalchemy_writes_them() {
        for (moment, text) in [
            (
                datetime!(2026-01-02 03:04:05 UTC),
                "2026-01-02 03:04:05.000000",
            ),
            (
                datetime!(2026-01-02 03:04:05.5 +1),
                "2026-01-02 02:04:05.500000",
            ),
            (
                datetime!(0033-11-22 13:14:15.000001999 UTC),
                "0033-11-22 13:14:15.000001",
            ),
        ] {
            assert_eq!(write(moment), text);
        }
    }

    #[test]
    fn written_moments_are_read_back() {
        for moment in [
            datetime!(0001-01-01 0:00 UTC),
            datetime!(1969-12-31 23:59:59.999999 UTC),
            datetime!(2024-02-29 12:00:00.000001 UTC),
            datetime!(9999-12-31 23:59:59.999999 UTC),
        ] {
            assert_eq!(read(write(moment).as_bytes()), Some(moment));
        }
    }

    #[test]
    fn every_iso_form_is_read() {
        let moment = datetime!(2026-01-02 03:04:05 UTC);
        for text in [
            "2026-01-02 03:04:05",
            "2026-01-02 03:04:05.0",
            "2026-01-02T03:04:05.000000000",
            "2026-01-02T03:04:05Z",
            "2026-01-02 05:04:05+02:00",
            "2026-01-01 23:34:05-03:30",
        ] {
            assert_eq!(read(text.as_bytes()), Some(moment), "{text}");
        }
        assert_eq!(read(b"2026-01-02"), Some(datetime!(2026-01-02 0:00 UTC)));
        assert_eq!(
            read(b"2026-01-02 03:04"),
            Some(datetime!(2026-01-02 03:04 UTC))
        );
    }

    #[test]
    fn other_texts_are_not_read() {
        for text in [
            "",
            "yesterday",
            "2026-01-0",
            "2026-1-02 03:04:05",
            "2026-02-29 00:00:00",
            "2026-01-02 ",
            "2026-01-02 03",
            "2026-01-02 24:00:00",
            "2026-01-02 03:60:05",
            "2026-01-02 03:04:60",
            "2026-01-02 03:04:05.",
            "2026-01-02 03:04:05.1234567890",
            "2026-01-02 03:04:05.12x",
            "2026-01-02 03:04:05 ",
            "2026-01-02 03:04:05+",
            "2026-01-02 03:04:05+99:00",
            "2026-01-02 03:04:05Z+01:00",
            "9999-12-31 23:59:59-23:00",
            "+026-01-02 03:04:05",
            "2026-01-02_03:04:05",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(read(&[0xff; 10]), None);
    }
}
