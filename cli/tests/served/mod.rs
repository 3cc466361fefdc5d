//! The command with a real server: `.ci/s3` and `.ci/s3-servers` install one.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    clippy::allow_attributes,
    reason = "dead code differs from binary to binary, so nothing can be expected"
)]

use std::process::Command;

use crate::support::{Folder, Ran};
use stream_v2_s3_servers::{REGION, Server};

/// A folder with a key in it, and a server with an empty bucket.
pub(crate) struct Served {
    pub(crate) folder: Folder,
    pub(crate) server: Server,
}

impl Served {
    pub(crate) fn new() -> Self {
        Self { folder: Folder::new(), server: Server::start() }
    }

    /// The command, with the server and somebody who may use it in its environment, and nothing else of that kind.
    pub(crate) fn sv2(&self, args: &str) -> Command {
        let mut command = self.folder.sv2(args);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.env("HOME", self.folder.path("")).env("SV2_STATE_DIR", self.folder.path("state"));
        command.env("AWS_REGION", REGION).env("AWS_ENDPOINT_URL_S3", self.server.endpoint());
        let kind = self.server.kind();
        command.env("AWS_ACCESS_KEY_ID", kind.key_id()).env("AWS_SECRET_ACCESS_KEY", kind.secret());
        command
    }

    /// Runs the command to its end with nothing on standard input.
    pub(crate) fn run(&self, args: &str) -> Ran {
        Ran(self.sv2(args).output().unwrap())
    }

    /// How many names there are of what is not uploaded yet.
    pub(crate) fn state_len(&self) -> usize {
        self.folder.path("state").read_dir().map_or(0, Iterator::count)
    }

    /// That nothing but objects is left. An upload whose name was lost before it was written down has no parts.
    pub(crate) fn nothing_is_left(&self) {
        assert_eq!(self.state_len(), 0);
        if self.server.kind().quirks().manages_uploads {
            assert_eq!(self.server.unfinished_parts(), 0);
        }
    }
}
