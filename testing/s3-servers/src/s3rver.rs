//! s3rver, which keeps its files in a folder.

use std::process::Child;

use crate::kind::Kind;
use crate::process::Home;

pub(crate) fn start(home: &Home<'_>, [s3, ..]: [u16; 4]) -> Child {
    let (program, data, port) = (Kind::S3rver.program(), home.text("data"), s3.to_string());
    home.start(&[&program, "-d", &data, "-a", "127.0.0.1", "-p", &port, "--no-vhost-buckets"])
}
