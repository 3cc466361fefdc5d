//! Failed syncs of a database's log: lost data is not trusted afterwards.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use rusqlite::{Connection, OpenFlags};
use stream_v2_testing::command::Folder;
use stream_v2_testing::plaintext;

const LEN: usize = 300 << 10;
const ENCRYPT: &str = "encrypt -q -k key --frame-size 4K --segment-size 64K --sync-every 128K data -o sqlite:all.db?stream=data";
const DECRYPT: &str = "decrypt -q -k key --sync-every 128K data.sv2 -o sqlite:all.db?stream=data";

/// A folder whose database is on a disk that loses the data of a failed sync.
struct Disk {
    folder: Folder,
    shim: &'static Path,
}

/// The library that simulates the disk. Without a C compiler, says so and returns `None`.
fn shim() -> Option<&'static Path> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    SHIM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (source, shim) = (folder.join("disk.c"), folder.join("disk.so"));
        fs::write(&source, include_str!("disk.c")).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).args([&shim, &source]).arg("-ldl");
        match cc.status() {
            Ok(status) if status.success() => Some(shim),
            _ => {
                eprintln!("skipped: there is no C compiler");
                None
            }
        }
    })
    .as_deref()
}

impl Disk {
    fn new(command: &str) -> Option<Self> {
        let shim = shim()?;
        let folder = Folder::new();
        fs::create_dir(folder.path("disk")).unwrap();
        folder.write("data", &plaintext(LEN));
        folder.write("small", b"a small one");
        let disk = Self { folder, shim };
        assert!(disk.runs("encrypt -q -k key small -o sqlite:all.db?stream=small", &[]).status.success());
        if command == DECRYPT {
            let segments = "--frame-size 4K --segment-size 64K";
            assert_eq!(disk.folder.run(&format!("encrypt -q -k key {segments} data -o data.sv2")).code(), 0);
        }
        Some(disk)
    }

    /// Runs the command on the disk.
    fn runs(&self, args: &str, faults: &[(&str, String)]) -> Output {
        let mut command = self.folder.sv2(args);
        command.env("LD_PRELOAD", self.shim).env("DISK", self.folder.path("disk"));
        command.envs(faults.iter().map(|(name, value)| (name, value)));
        command.output().unwrap()
    }

    /// Another process that reads from the database, so that its log is not copied into it at the
    /// end of a run.
    fn another_process(&self) -> Connection {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(self.folder.path("all.db"), flags).unwrap();
        connection.execute_batch("BEGIN; SELECT count(*) FROM names").unwrap();
        connection
    }

    /// Simulates a power loss, and returns a folder with the contents of the disk.
    fn after_power_loss(&self) -> Folder {
        let folder = Folder::new();
        for name in ["all.db", "all.db-wal"] {
            if let Ok(bytes) = fs::read(self.folder.path("disk").join(name)) {
                folder.write(name, &bytes);
            }
        }
        folder.write("data", &plaintext(LEN));
        folder
    }
}

/// The contents of a complete output: the decrypted stream, or the stored plaintext.
fn stored(folder: &Folder, command: &str) -> Vec<u8> {
    if command == ENCRYPT {
        return folder.run("decrypt -q -k key sqlite:all.db?stream=data -o -").0.stdout;
    }
    let sql = "SELECT bytes FROM pieces JOIN names USING (content) WHERE name = 'data' ORDER BY position";
    let connection = Connection::open(folder.path("all.db")).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let pieces = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    pieces.flat_map(Result::unwrap).collect()
}

fn assert_sound(folder: &Folder) {
    assert_eq!(folder.run("decrypt -q -k key sqlite:all.db?stream=small -o -").stdout(), b"a small one");
}

/// Fails each sync of the log in turn.
///
/// The run reports the failure or is killed by it. Then `follows` is called with the disk and the
/// fault.
fn each_failed_sync(command: &str, kills: &[bool], follows: impl Fn(&Disk, &str)) {
    for &kill in kills {
        for nth in 1.. {
            let Some(disk) = Disk::new(command) else { return };
            let mut faults = vec![("DISK_FAIL", nth.to_string())];
            faults.extend(kill.then(|| ("DISK_KILL", String::new())));
            let failed = disk.runs(command, &faults);
            if failed.status.success() {
                assert!(nth > 8, "the run has {nth} syncs");
                break;
            }
            let told = String::from_utf8_lossy(&failed.stderr);
            assert!(kill || told.contains("I/O error") || told.contains("os error 5"), "{told}");
            follows(&disk, &format!("sync {nth}, killed: {kill}"));
        }
    }
}

/// A user may delete the source after a run that reports success.
#[test]
fn done_means_durable_after_a_failed_sync() {
    for (command, kills) in [(ENCRYPT, &[false, true][..]), (DECRYPT, &[false])] {
        each_failed_sync(command, kills, |disk, fault| {
            let another = disk.another_process();
            let again = disk.runs(command, &[]);
            let told = String::from_utf8_lossy(&again.stderr);
            // The output was already complete, unless the first run lost only its last message.
            assert!(again.status.success() || told.contains("exists already"), "{fault}: {told}");
            let left = disk.after_power_loss();
            assert!(stored(&left, command) == plaintext(LEN), "{fault}");
            assert_sound(&left);
            drop(another);
        });
    }
}

/// Copying the log into the database is safe only while the log is whole on the disk.
#[test]
fn a_checkpoint_after_a_failed_sync_is_safe() {
    each_failed_sync(ENCRYPT, &[true], |disk, fault| {
        let again = disk.runs(ENCRYPT, &[("DISK_KILL_AT", "3".into())]);
        assert!(!again.status.success(), "{fault}: killed while it copies the log");
        let left = disk.after_power_loss();
        assert_sound(&left);
        let resumed = left.run(ENCRYPT);
        assert!(resumed.code() == 0 || resumed.stderr().contains("exists already"), "{fault}: {resumed}");
        assert!(stored(&left, ENCRYPT) == plaintext(LEN), "{fault}");
    });
}
