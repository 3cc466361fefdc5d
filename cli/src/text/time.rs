//! Times of modification, as people read them.

use jiff::Timestamp;

/// Formats a time, given in nanoseconds since 1970, without the fraction of its second.
pub(crate) fn second(time: i64) -> String {
    // Each number of nanoseconds that an i64 holds is a time.
    Timestamp::from_nanosecond(time.into()).map_or_else(|_| "?".into(), |time| format!("{time:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_not_shown() {
        assert_eq!(second(1_999_999_999), "1970-01-01T00:00:01Z");
        assert_eq!(second(1_767_225_600_000_000_001), "2026-01-01T00:00:00Z");
        assert_eq!(second(-1_000_000_000), "1969-12-31T23:59:59Z");
        for limit in [i64::MIN, i64::MAX] {
            assert!(second(limit).ends_with('Z'));
        }
    }
}
