//! Moto, which keeps everything in memory. A killed server has lost all of it.

use std::process::Child;

use crate::kind::Kind;
use crate::process::Home;

pub(crate) fn start(home: &Home<'_>, [s3, ..]: [u16; 4]) -> Child {
    home.start(&[&Kind::Moto.program(), "-H", "127.0.0.1", "-p", &s3.to_string()])
}
