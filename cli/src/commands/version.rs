//! `sv2 version`.

use stream_v2::format::crypto::AEAD_BACKEND;
use stream_v2::format::wire::CRC_BACKEND;
use stream_v2::pipeline::test_features;

use crate::args::VERSION;
use crate::failure::CmdResult;
use crate::stdio::print;

/// Prints the properties of this build.
///
/// They include its test features, which reveal a binary that shows keys or chooses salts.
pub(crate) fn run() -> CmdResult {
    print(format_args!("sv2 {}", VERSION))?;
    print(format_args!("AEAD: {AEAD_BACKEND}"))?;
    print(format_args!("CRC-32C: {CRC_BACKEND}"))?;
    for_tests(&test_features().collect::<Vec<_>>()).map_or(Ok(()), print)
}

fn for_tests(features: &[&str]) -> Option<String> {
    let features = Some(features.join(", ")).filter(|features| !features.is_empty())?;
    Some(format!("for tests only, not for data: {features}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_for_tests_are_named() {
        assert_eq!(for_tests(&[]), None);
        let named = for_tests(&["fixed-salts", "record-sealings"]).unwrap();
        insta::assert_snapshot!(named, @"for tests only, not for data: fixed-salts, record-sealings");
    }
}
