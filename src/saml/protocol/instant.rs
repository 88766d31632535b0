//! Instants as SAML writes them: `xs:dateTime` in UTC (Core 1.3.3).

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use crate::saml::SamlError;

const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// Reads an instant; an offset other than `Z` is understood, a missing one is not.
pub(super) fn read(value: &str, field: &'static str) -> Result<OffsetDateTime, SamlError> {
    OffsetDateTime::parse(value, &Rfc3339).map_err(|_| SamlError::MissingProtocolField { field })
}

/// Writes an instant, to the second.
pub(super) fn write(instant: OffsetDateTime) -> String {
    instant.to_offset(UtcOffset::UTC).format(SECONDS).unwrap_or_default()
}

/// The instant as it is written.
pub(super) fn whole(instant: OffsetDateTime) -> OffsetDateTime {
    instant.replace_nanosecond(0).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn instants_are_read_and_written() {
        let noon = datetime!(2025-01-02 12:00:00 UTC);
        for same in [
            "2025-01-02T12:00:00Z",
            "2025-01-02T12:00:00.000Z",
            "2025-01-02T12:00:00.0000000Z",
            "2025-01-02T13:00:00+01:00",
        ] {
            assert_eq!(read(same, "x"), Ok(noon), "{same}");
        }
        for bad in [
            "",
            "2025-01-02",
            "2025-01-02T12:00:00",
            "2025-13-02T12:00:00Z",
            "2025-01-02T12:00:00Zx",
            "12025-01-02T12:00:00Z",
        ] {
            assert!(read(bad, "x").is_err(), "{bad}");
        }
        assert_eq!(write(datetime!(2025-01-02 13:00:00.9 +1)), "2025-01-02T12:00:00Z");
    }
}
