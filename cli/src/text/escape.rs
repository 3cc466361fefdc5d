//! Text for people. Names come from foreign databases, buckets, servers and file systems, and must
//! not move a cursor, begin a line or change the direction of writing.

use std::fmt::{Display, Write};

/// Returns one line of text, with everything escaped that a terminal would not show literally.
pub(crate) fn one_line(text: impl Display) -> String {
    let text = text.to_string();
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        if is_plain(char) {
            line.push(char);
        } else {
            // A String accepts everything.
            let _ = write!(line, "{}", char.escape_default());
        }
    }
    line
}

/// Escapes in JSON, without a change of its meaning, everything that a terminal would not show
/// literally.
///
/// Such characters are only in the strings of a JSON text that has one line.
pub(crate) fn plain_json(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for char in json.chars() {
        if is_plain(char) {
            line.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            let _ = write!(line, "\\u{unit:04x}");
        }
    }
    line
}

/// Returns false for control characters (C0, DEL, C1), and for characters that separate lines,
/// change the direction of writing or are invisible.
fn is_plain(char: char) -> bool {
    !char.is_control()
        && !matches!(
            char,
            '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays_and_everything_else_is_escaped() {
        for plain in ["", "a b/c.sv2", "Grüße, 日本, 🙂", "C:\\new", "\u{FFFD}"] {
            assert_eq!(one_line(plain), plain);
        }
        for (hostile, shown) in [
            ("a\nsv2: all is well", "a\\nsv2: all is well"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
            ("\r\t\0\u{7f}\u{9b}31m", "\\r\\t\\u{0}\\u{7f}\\u{9b}31m"),
            ("\u{202e}gpj.exe\u{2066}", "\\u{202e}gpj.exe\\u{2066}"),
            ("\u{2028}\u{2029}\u{200b}\u{feff}", "\\u{2028}\\u{2029}\\u{200b}\\u{feff}"),
        ] {
            assert_eq!(one_line(hostile), shown);
        }
    }

    #[test]
    fn escaped_json_has_the_same_meaning() {
        let hostile = "a\n\u{7f}\u{9b}31m\u{202e}\u{feff}\u{e0041}\"\\ Grüße 🙂";
        let json = plain_json(&serde_json::to_string(hostile).unwrap());
        assert!(json.chars().all(is_plain), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }
}
