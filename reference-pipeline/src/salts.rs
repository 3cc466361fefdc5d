//! §4, §6 The salts of a writer, drawn from the operating system's random generator (SV2-HDR-015, SV2-SEG-026).

use std::io;

use stream_v2_format::crypto::RunSalt;

use crate::{Error, Stage};

/// The salts of one stream and its first run.
///
/// Choosing them is for test vectors only (SV2-WRT-006): the same salts for two plaintexts give both away.
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
        let mut stream_salt = [0; 32];
        let mut run_salt = [0; 16];
        getrandom::fill(&mut stream_salt)
            .and_then(|()| getrandom::fill(&mut run_salt))
            .map_err(|error| Error::io(Stage::Start, None, io::Error::other(error)))?;
        Ok(Self { stream_salt, run_salt: RunSalt::new(run_salt) })
    }
}
