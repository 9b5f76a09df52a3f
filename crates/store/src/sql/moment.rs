//! Moments as SQLAlchemy keeps them in SQLite: naive UTC, as text with six digits of a
//! second.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const WITH_FRACTION: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");
const ANY_FRACTION: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]");

pub(super) fn write(moment: OffsetDateTime) -> String {
    moment
        .to_offset(time::UtcOffset::UTC)
        .format(WITH_FRACTION)
        .unwrap_or_default()
}

/// Reads what SQLAlchemy or `CURRENT_TIMESTAMP` wrote.
pub(super) fn read(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, ANY_FRACTION)
        .ok()
        .map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn moments_are_written_as_sqlalchemy_writes_them() {
        assert_eq!(
            write(datetime!(2026-01-02 03:04:05 UTC)),
            "2026-01-02 03:04:05.000000"
        );
        assert_eq!(
            write(datetime!(2026-01-02 03:04:05.5 +1)),
            "2026-01-02 02:04:05.500000"
        );
    }

    #[test]
    fn moments_are_read_with_and_without_a_fraction() {
        let moment = datetime!(2026-01-02 03:04:05 UTC);
        assert_eq!(read("2026-01-02 03:04:05"), Some(moment));
        assert_eq!(read("2026-01-02 03:04:05.000000"), Some(moment));
        assert_eq!(read("yesterday"), None);
    }
}
