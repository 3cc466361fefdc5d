//! A real server as the library sees it.

use std::fmt::Debug;
use std::io::{self, ErrorKind};

use stream_v2_s3::{Bucket, Config};
use stream_v2_s3_servers::{BUCKET, REGION, Server};

pub(crate) fn config(server: &Server) -> Config {
    config_with(server, server.kind().secret())
}

pub(crate) fn config_with(server: &Server, secret: &str) -> Config {
    let config = Config::new(REGION, server.kind().key_id(), secret).unwrap();
    config.with_endpoint(&server.endpoint()).unwrap()
}

/// Checks that a wrong secret was refused, if the server checks it.
pub(crate) fn looks_at_the_secret<T: Debug>(server: &Server, asked: io::Result<T>) {
    let Some(says) = server.kind().quirks().wrong_secret else {
        return drop(asked.unwrap());
    };
    let error = asked.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

/// Checks that an object was not replaced, if the server checks the condition.
pub(crate) fn looks_at_the_condition(looks: bool, asked: io::Result<()>) {
    let expected = if looks { Err(ErrorKind::AlreadyExists) } else { Ok(()) };
    assert_eq!(asked.map_err(|error| error.kind()), expected);
}

pub(crate) fn bucket(server: &Server) -> Bucket {
    Bucket::new(BUCKET, &config(server)).unwrap()
}
