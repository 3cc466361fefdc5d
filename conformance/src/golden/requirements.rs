//! The requirements of the specification, by identifier.

/// The specification in the same repository.
pub const SPECIFICATION: &str = include_str!("../../specification.md");

/// Returns the normative sentence of a requirement, the first paragraph under its heading, as one
/// line.
#[must_use]
pub fn sentence(id: &str) -> Option<String> {
    let (_, rest) = SPECIFICATION.split_once(&format!("\n#### {id}\n"))?;
    let paragraph = rest.trim_start().split("\n\n").next()?;
    Some(paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_found_by_its_identifier_and_ends_like_one() {
        let found = sentence("SV2-SEG-004").unwrap();
        assert_eq!(
            found,
            "A reader MUST reject with `malformed.reserved` a segment header in which bytes 14..16 are not zero."
        );
        assert_eq!(sentence("SV2-SEG-999"), None);
    }
}
