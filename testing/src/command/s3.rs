//! The command with an S3 server: the fake one, or a real one that `.ci/s3` and `.ci/s3-servers`
//! install.

use std::process::Command;

use stream_v2_fake_s3::{Front, KEY_ID};
use stream_v2_s3_servers::{REGION, Server};

use super::{Folder, Ran};

/// Returns the command with an S3 server and its credentials in the environment, and no other S3
/// settings.
///
/// Without a secret there are no credentials. Data not yet uploaded is in `state`.
pub fn sv2(folder: &Folder, front: &Front, secret: &str, args: &str) -> Command {
    let mut command = sv2_at(folder, &front.endpoint(), args);
    command.env("AWS_REGION", stream_v2_fake_s3::REGION);
    if !secret.is_empty() {
        command.env("AWS_ACCESS_KEY_ID", KEY_ID).env("AWS_SECRET_ACCESS_KEY", secret);
    }
    command
}

fn sv2_at(folder: &Folder, endpoint: &str, args: &str) -> Command {
    let mut command = folder.sv2(args);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("HOME", folder.path("")).env("SV2_STATE_DIR", folder.path("state"));
    command.env("AWS_ENDPOINT_URL_S3", endpoint);
    command
}

/// A folder with a key in it, and a server with an empty bucket.
pub struct Served {
    pub folder: Folder,
    pub server: Server,
}

impl Served {
    pub fn new() -> Self {
        Self { folder: Folder::new(), server: Server::start() }
    }

    /// Returns the command with the server and its credentials in the environment.
    pub fn sv2(&self, args: &str) -> Command {
        let mut command = sv2_at(&self.folder, &self.server.endpoint(), args);
        let kind = self.server.kind();
        command.env("AWS_REGION", REGION);
        command.env("AWS_ACCESS_KEY_ID", kind.key_id()).env("AWS_SECRET_ACCESS_KEY", kind.secret());
        command
    }

    /// Runs the command to its end with nothing on standard input.
    pub fn run(&self, args: &str) -> Ran {
        Ran(self.sv2(args).output().unwrap())
    }

    /// Returns the number of names of data not yet uploaded.
    pub fn state_len(&self) -> usize {
        self.folder.path("state").read_dir().map_or(0, Iterator::count)
    }

    /// Asserts that only objects are left. An upload whose name was lost before it was recorded has
    /// no parts.
    pub fn nothing_is_left(&self) {
        assert_eq!(self.state_len(), 0);
        if self.server.kind().quirks().manages_uploads {
            assert_eq!(self.server.unfinished_parts(), 0);
        }
    }
}
