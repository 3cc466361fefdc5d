//! The files of an output: names without room, modes, other users' files, odd file systems.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::process::{Command, Stdio};

use stream_v2::pipeline::OutputFile;
use stream_v2_testing::command::stream::SMALL;
use stream_v2_testing::command::{Folder, Ran};

/// A folder with a stream and its plaintext.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &SMALL.plaintext());
    folder.write("data.sv2", &SMALL.stream().0);
    folder
}

#[test]
fn names_of_up_to_255_bytes_are_possible() {
    let folder = folder();
    for len in [243, 244, 247, 255] {
        let name = "n".repeat(len);
        folder.run(&format!("encrypt -q -k key data -o {name}")).done();
        folder.run(&format!("decrypt -q -k key {name} -o back --force")).done();
        assert_eq!(folder.read("back"), SMALL.plaintext());
        assert_eq!(folder.names(), ["back", "data", "data.sv2", "key", &name]);
        fs::remove_file(folder.path(&name)).unwrap();
    }
    let long = "n".repeat(256);
    let ran = folder.run(&format!("encrypt -k key data -o {long}")).to_string();
    insta::assert_snapshot!(ran.replace(&long, "NAME"), @r"
    sv2: NAME: the name has 256 bytes, and at most 255 are possible
    hint: choose a shorter name with -o
    exit 2
    ");
}

#[test]
fn a_run_with_a_long_name_is_resumed() {
    let folder = folder();
    let name = "n".repeat(255);
    let output = OutputFile::new(folder.path(&name));
    fs::write(output.partial(), &SMALL.stream().0[..9000]).unwrap();
    let ran = folder.run(&format!("encrypt -k key data -o {name}")).done();
    let partial = output.partial().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(ran.stderr().starts_with(&format!("sv2: {partial}: resuming after")), "{ran}");
    folder.run(&format!("decrypt -q -k key {name} -o back")).done();
    assert_eq!(folder.read("back"), SMALL.plaintext());
}

#[test]
fn plaintext_is_private_until_it_is_complete() {
    let folder = folder();
    // A truncated stream leaves its verified plaintext.
    folder.write("cut.sv2", &SMALL.stream().0[..20_000]);
    assert_ne!(folder.run_masked("000", "decrypt -q -k key cut.sv2 -o out").code(), 0);
    assert_eq!((folder.mode("out.partial"), folder.mode("out.journal")), (0o600, 0o600));
    folder.write("cut.sv2", &SMALL.stream().0);
    folder.run_masked("027", "decrypt -q -k key cut.sv2 -o out").done();
    assert_eq!(folder.mode("out"), 0o640);
    folder.run_masked("002", "encrypt -q -k key data -o new.sv2").done();
    assert_eq!(folder.mode("new.sv2"), 0o664);
    folder.run_masked("022", "cat -q -k key data.sv2 -o range").done();
    assert_eq!(folder.mode("range"), 0o644);
}

#[test]
fn force_keeps_who_may_open_the_file() {
    let folder = folder();
    for (mode, verb) in [(0o600, "decrypt"), (0o640, "cat"), (0o444, "decrypt"), (0o4755, "cat")] {
        folder.write("secret", b"old");
        folder.set_mode("secret", mode);
        folder.run_masked("022", &format!("{verb} -q -k key data.sv2 --force -o secret")).done();
        assert_eq!(folder.mode("secret"), mode & 0o777, "{verb}");
        fs::remove_file(folder.path("secret")).unwrap();
    }
    folder.write("secret", b"old");
    if folder.give_away("secret") {
        use std::os::unix::fs::MetadataExt;
        folder.run("decrypt -q -k key data.sv2 --force -o secret").done();
        assert_eq!(folder.path("secret").metadata().unwrap().uid(), 54_321);
    }
}

#[test]
fn files_of_others_stay_even_with_restart() {
    let folder = folder();
    for (name, content) in [
        ("zero.journal", &[0; 5000][..]),
        ("none.journal", b""),
        ("text.journal.new", b"shopping list"),
        ("text.partial", b"shopping list"),
        ("zero.partial", &[0; 5000]),
    ] {
        folder.write(name, content);
    }
    fs::create_dir(folder.path("dir.partial")).unwrap();
    symlink("data", folder.path("link.partial")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path("pipe.partial")).status().unwrap().success());
    let mut said = String::new();
    for name in ["zero", "none", "text", "dir", "link", "pipe"] {
        said += &folder.said(&[
            &format!("encrypt -k key data -o {name} --restart"),
            &format!("decrypt -k key data.sv2 -o {name} --restart --force"),
        ]);
    }
    said += &folder.said(&["encrypt -k key data -o zero", "decrypt -k key data.sv2 -o text"]);
    insta::assert_snapshot!(said);
    assert_eq!(folder.read("zero.journal"), [0; 5000]);
}

#[test]
fn links_and_pipes_of_others_are_refused() {
    let folder = folder();
    folder.set_mode("", 0o1777);
    folder.write("mine", b"precious");
    symlink("mine", folder.path("planted")).unwrap();
    symlink("mine", folder.path("own")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    folder.write("back.partial", b"");
    if !["planted", "pipe", "back.partial"].iter().all(|name| folder.give_away(name)) {
        return;
    }
    // This test runs as the owner of the folder, so the owner does not vouch for other users.
    let said = folder.said(&[
        "decrypt -k key data.sv2 -o planted --force",
        "encrypt -k key data -o planted --force",
        "cat -k key data.sv2 -o planted --force",
        "decrypt -k key data.sv2 -o pipe",
        "encrypt -k key data -o pipe",
        "decrypt -k key data.sv2 -o back",
    ]);
    insta::assert_snapshot!(said);
    assert_eq!(folder.read("mine"), b"precious");
    folder.run("decrypt -q -k key data.sv2 -o own --force").done();
    assert!(folder.path("own").is_symlink());
    assert_eq!(folder.read("mine"), SMALL.plaintext());
    // No other user can plant a file here.
    folder.set_mode("", 0o755);
    folder.run("decrypt -q -k key data.sv2 -o planted --force").done();
    let reader = Command::new("cat").arg(folder.path("pipe")).stdout(Stdio::piped()).spawn().unwrap();
    folder.run("decrypt -q -k key data.sv2 -o pipe").done();
    assert_eq!(reader.wait_with_output().unwrap().stdout, SMALL.plaintext());
}

#[test]
fn a_disk_is_not_written_over_unasked() {
    let folder = folder();
    // The driver has no such device, so nothing can be lost.
    let made = Command::new("mknod").arg(folder.path("disk")).args(["b", "259", "1048575"]).output().unwrap();
    if !made.status.success() {
        println!("skipped: this system lets the test make no device");
        return;
    }
    insta::assert_snapshot!(folder.said(&["decrypt -k key data.sv2 -o disk", "encrypt -k key data -o disk"]));
    assert_ne!(folder.run("decrypt -k key data.sv2 -o disk --force").code(), 2);
}

/// Compiles a shim over a call of the C library. Without a compiler, says so and returns `None`.
pub(crate) fn shim(folder: &Folder, source: &str) -> Option<String> {
    folder.write("shim.c", source.as_bytes());
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o", "shim.so", "shim.c", "-ldl"])
        .current_dir(folder.path(""))
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: there is no C compiler");
        return None;
    }
    Some(folder.path("shim.so").to_str().unwrap().to_owned())
}

pub(crate) fn run_with_shim(folder: &Folder, shim: &str, args: &str) -> Ran {
    Ran(folder.sv2(args).env("LD_PRELOAD", shim).output().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_synced_is_told_once() {
    let folder = folder();
    let source = |errno: &str| {
        format!(
            "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <errno.h>\n#include <sys/stat.h>\n\
             int fsync(int fd) {{ struct stat s; int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, \"fsync\");\n\
             if (!fstat(fd, &s) && S_ISDIR(s.st_mode)) {{ errno = {errno}; return -1; }} return real(fd); }}\n"
        )
    };
    let mut said = String::new();
    for errno in ["EINVAL", "ENOTSUP", "ENOSYS", "EBADF", "EIO"] {
        let Some(shim) = shim(&folder, &source(errno)) else { return };
        said += &format!("--- {errno}\n");
        for args in
            ["encrypt -k key data -o out", "decrypt -k key data.sv2 -o out", "cat -k key data.sv2 -o out"]
        {
            said += &format!("{}\n", run_with_shim(&folder, &shim, args));
            for name in ["out", "out.partial", "out.journal"] {
                let _ = fs::remove_file(folder.path(name));
            }
        }
        if errno != "EIO" {
            let quiet = run_with_shim(&folder, &shim, "encrypt -q -k key data -o out").done();
            assert_eq!(quiet.stderr(), "");
            fs::remove_file(folder.path("out")).unwrap();
        }
    }
    insta::assert_snapshot!(said);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_locks_is_told() {
    let folder = folder();
    folder.write("left.partial", &SMALL.stream().0[..9000]);
    let mut said = String::new();
    for errno in ["ENOLCK", "EOPNOTSUPP"] {
        let source =
            format!("#include <errno.h>\nint flock(int fd, int how) {{ errno = {errno}; return -1; }}\n");
        let Some(shim) = shim(&folder, &source) else { return };
        for args in [
            "encrypt -k key data -o out",
            "decrypt -k key data.sv2 -o out",
            "encrypt -k key data -o left",
            "encrypt -k key data -o left --restart",
            "recover --truncate left.partial",
        ] {
            said += &format!("--- sv2 {args}\n{}\n", run_with_shim(&folder, &shim, args));
            assert!(!folder.exists("out.partial"));
        }
    }
    insta::assert_snapshot!(said);
    assert_eq!(folder.read("left.partial"), &SMALL.stream().0[..9000]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_may_not_be_listed_is_told() {
    let folder = folder();
    fs::create_dir(folder.path("drop")).unwrap();
    folder.set_mode("drop", 0o300);
    if fs::read_dir(folder.path("drop")).is_ok() {
        // Root may list everything, so the test continues as another user if it can.
        let user = ["setpriv", "--reuid=54321", "--clear-groups", "--bounding-set=-all"];
        let owned = ["", "drop", "key", "data"];
        owned.iter().for_each(|name| chown(folder.path(name), Some(54_321), None).unwrap());
        let ran = folder.sv2_after(&user, "encrypt -k key data -o drop/out").output();
        let Ok(ran) = ran else {
            println!("skipped: there is no setpriv");
            return;
        };
        let ran = Ran(ran);
        if ran.stderr().starts_with("setpriv") {
            println!("skipped: {ran}");
            return;
        }
        assert_told(&ran);
    } else {
        assert_told(&folder.run("encrypt -k key data -o drop/out"));
    }
}

fn assert_told(ran: &Ran) {
    assert!(
        ran.stderr().contains("warning: names cannot be made durable in drop: Permission denied"),
        "{ran}"
    );
    assert_eq!(ran.code(), 0, "{ran}");
}
