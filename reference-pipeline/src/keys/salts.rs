//! The salts of a writer, drawn from the operating system's random generator (§4, §6, SV2-HDR-015,
//! SV2-SEG-026).

use std::io;

use stream_v2_format::crypto::{ContentKey, RunSalt};

use crate::error::{Error, Stage};

/// The salts of one stream and its first run.
///
/// Only test vectors choose them (SV2-WRT-006): the same salts for two plaintexts reveal both.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "fixed-salts"), expect(unreachable_pub, reason = "public for test vectors only"))]
pub struct Salts {
    /// 32 bytes for the stream header.
    pub stream_salt: [u8; 32],
    /// 16 bytes for the run.
    pub run_salt: RunSalt,
}

impl Salts {
    pub(crate) fn draw() -> Result<Self, Error> {
        //= spec/stream-v2.md#sv2-hdr-015
        //# A writer MUST draw stream_salt from the operating system's cryptographic random
        //# generator for each stream that it starts.
        let drawn = draw().and_then(|stream_salt| Ok((stream_salt, draw()?)));
        let (stream_salt, run_salt) = drawn.map_err(|error| Error::io(Stage::Start, None, error))?;
        Ok(Self { stream_salt, run_salt: RunSalt::new(run_salt) })
    }
}

/// Returns a fresh content key.
pub(crate) fn draw_key() -> Result<ContentKey, Error> {
    //= spec/stream-v2.md#sv2-key-005
    //# A writer of an envelope MUST draw the content key, for that stream alone, from the operating
    //# system's cryptographic random generator.
    let key = ContentKey::filled_by(|key| getrandom::fill(key).map_err(io::Error::other));
    key.map_err(|error| Error::io(Stage::Start, None, error))
}

/// Returns fresh random bytes from the operating system.
pub(crate) fn draw<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
