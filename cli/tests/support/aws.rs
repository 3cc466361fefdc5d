//! The command with an S3, for tests that have one.

use std::process::Command;

use stream_v2_s3_front::{Front, KEY_ID, REGION};

use crate::support::Folder;

/// The command, with an S3 and somebody who may use it in its environment, and nothing else; what is not uploaded yet stands in `state`.
pub(crate) fn sv2(folder: &Folder, front: &Front, secret: &str, args: &str) -> Command {
    let mut command = folder.sv2(args);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .env("HOME", folder.path(""))
        .env("SV2_STATE_DIR", folder.path("state"))
        .env("AWS_REGION", REGION)
        .env("AWS_ENDPOINT_URL_S3", front.endpoint());
    if !secret.is_empty() {
        command.env("AWS_ACCESS_KEY_ID", KEY_ID).env("AWS_SECRET_ACCESS_KEY", secret);
    }
    command
}
