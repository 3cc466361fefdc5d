//! Sizes in bytes as people write them, such as 65536, 64K, 64KiB or 1M, and ranges such as
//! 64K..1M.

use std::ops::Range;
use std::time::Duration;

/// Parses a size; K, M and G are powers of 1024.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match &text[digits.len()..].to_ascii_lowercase()[..] {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        unit => return Err(format!("{unit:?} is not a unit; K, M and G are, as in 64K or 1MiB")),
    };
    let number: u64 =
        digits.parse().map_err(|_| "a size is a number of bytes, as in 65536, 64K or 1MiB".to_owned())?;
    number.checked_mul(1 << unit).ok_or_else(|| "the size is too large".to_owned())
}

/// Parses a half-open range of bytes: `A..B`, `A..` to the end, `..B` from the beginning.
pub(crate) fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let (begin, end) = text
        .split_once("..")
        .ok_or_else(|| "a range is written A..B, A.. or ..B, as in 64K..1M".to_owned())?;
    let begin = if begin.is_empty() { 0 } else { parse_size(begin)? };
    let end = if end.is_empty() { u64::MAX } else { parse_size(end)? };
    if begin > end {
        return Err(format!("it begins at byte {begin} and ends before, at byte {end}"));
    }
    Ok(begin..end)
}

/// Parses an age: minutes, hours or days.
pub(crate) fn parse_age(text: &str) -> Result<Duration, String> {
    let wrong = || "an age is a number of minutes, hours or days, as in 90m, 36h or 7d".to_owned();
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let minutes = match &text[digits.len()..] {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(minutes * 60).map(Duration::from_secs).ok_or_else(wrong)
}

/// Formats an age in the largest unit of which it has at least two.
pub(crate) fn age(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0..120 => count(minutes, "minute"),
        120..2880 => count(minutes / 60, "hour"),
        _ => count(minutes / 60 / 24, "day"),
    }
}

/// Formats a number of bytes: exactly if it is small, with one decimal otherwise.
pub(crate) fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = None;
    for name in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = Some(name);
    }
    match unit {
        None => format!("{bytes} bytes"),
        Some(unit) if tenths.is_multiple_of(10) => format!("{} {unit}", tenths / 10),
        Some(unit) => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

/// Formats a number of bytes exactly, and also rounded if it is large.
pub(crate) fn bytes(bytes: u64) -> String {
    let exact = count(bytes, "byte");
    if bytes < 1024 { exact } else { format!("{exact} ({})", human(bytes)) }
}

/// Formats a number of things.
pub(crate) fn count(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in
            [("65536", 65_536), ("64K", 65_536), ("64KiB", 65_536), ("1m", 1 << 20), ("2g", 2 << 30)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "K", "1.5M", "-1", "1T", "99999999999G", "10 x"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ages_are_read_and_written() {
        for (text, minutes, written) in [
            ("0m", 0, "0 minutes"),
            ("90m", 90, "90 minutes"),
            ("36h", 2160, "36 hours"),
            ("7d", 10_080, "7 days"),
        ] {
            assert_eq!(parse_age(text), Ok(Duration::from_secs(minutes * 60)), "{text}");
            assert_eq!(age(Duration::from_secs(minutes * 60)), written);
        }
        for text in ["", "7", "d", "-1d", "1w", "99999999999999999999d"] {
            assert!(parse_age(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_are_half_open_and_may_lack_an_end() {
        for (text, range) in [
            ("5..10", 5..10),
            ("64K..1m", 65_536..1 << 20),
            ("7..", 7..u64::MAX),
            ("..7", 0..7),
            ("..", 0..u64::MAX),
            ("3..3", 3..3),
        ] {
            assert_eq!(parse_range(text), Ok(range), "{text}");
        }
        for text in ["", "5", "5-10", "10..5", "a..b", "..=5", "1...5", "-5..", "1..2..3"] {
            assert!(parse_range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_written_for_people() {
        assert_eq!(human(1023), "1023 bytes");
        assert_eq!(human(65_536), "64 KiB");
        assert_eq!(human(1_600_000), "1.5 MiB");
        assert_eq!(human(u64::MAX), "16383.9 PiB");
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(10_000), "10000 bytes (9.7 KiB)");
    }
}
