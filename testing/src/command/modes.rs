//! Modes and owners of the files in a folder, and the umask of the command.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown};

use super::{Folder, Ran};

impl Folder {
    pub fn mode(&self, name: &str) -> u32 {
        self.path(name).metadata().unwrap().permissions().mode() & 0o7777
    }

    pub fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// Runs the command with this umask.
    pub fn run_masked(&self, umask: &str, args: &str) -> Ran {
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        Ran(self.sv2_after(&["sh", "-c", &script], args).output().unwrap())
    }

    /// Gives a file to another user. Unless the test runs as root, prints a note and returns false.
    pub fn give_away(&self, name: &str) -> bool {
        let given = lchown(self.path(name), Some(54_321), None).is_ok();
        if !given {
            println!("skipped: only root can give a file to another user");
        }
        given
    }
}
