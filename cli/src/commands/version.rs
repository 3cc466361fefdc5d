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
    let features: Vec<&str> = test_features().collect();
    if features.is_empty() {
        return Ok(());
    }
    print(format_args!("for tests only, not for data: {}", features.join(", ")))
}
