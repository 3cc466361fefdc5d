//! A real server as the library sees it.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(
    clippy::allow_attributes,
    reason = "dead code differs from binary to binary, so nothing can be expected"
)]

use stream_v2_pipeline::s3::{Bucket, Config};
use stream_v2_s3_servers::{BUCKET, REGION, Server};

pub(crate) fn config(server: &Server) -> Config {
    config_with(server, server.kind().secret())
}

pub(crate) fn config_with(server: &Server, secret: &str) -> Config {
    let config = Config::new(REGION, server.kind().key_id(), secret).unwrap();
    config.with_endpoint(&server.endpoint()).unwrap()
}

pub(crate) fn bucket(server: &Server) -> Bucket {
    Bucket::new(BUCKET, &config(server)).unwrap()
}
