//! Messages about identities, recipients and resume keys, each as its user sees it.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use stream_v2::key::AGE_TEXT_LEN_MAX;
use stream_v2_testing::command::kill::killed_at;
use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

use crate::age::folder;
use crate::files::run_with_shim;
use crate::system_faults::failing;

/// Short segments, so that a run is killed between two of them.
const SIZES: &str = "--segment-size 64K --frame-size 4K --sync-every 64K data";

/// Appends the output of a run.
fn tell(said: &mut String, about: &str, ran: &Ran) {
    writeln!(said, "--- {about}\n{}{ran}\n", ran.text()).unwrap();
}

/// Writes the names of what each run draws.
fn named(said: &str, names: &[(&str, &str)]) -> String {
    let named = names.iter().fold(said.to_owned(), |said, (drawn, name)| said.replace(drawn, name));
    named.lines().map(|line| without_age(line) + "\n").collect()
}

/// Leaves out how long ago something was.
fn without_age(line: &str) -> String {
    match line.split_once(": begun ") {
        Some((name, rest)) => format!("{name}: begun AGE ago{}", rest.split_once(" ago").unwrap().1),
        None => line.to_owned(),
    }
}

#[test]
fn identities_that_cannot_be() {
    let (folder, [one, two]) = folder();
    let identity = String::from_utf8(folder.read("one")).unwrap();
    let mut damaged = identity.lines().last().unwrap().to_owned();
    damaged.replace_range(30..31, if &damaged[30..31] == "Q" { "P" } else { "Q" });
    folder.write("damaged", damaged.as_bytes());
    folder.write("none", b"# nothing\n");
    folder.write("long", &vec![b'#'; AGE_TEXT_LEN_MAX + 1]);
    folder.run("encrypt -q -i one data").done();
    folder.write_key("ssh-locked", include_str!("keys/openssh-with-passphrase"));
    let said = folder.said(&[
        "encrypt -i ssh-locked data -o out",
        "encrypt -i AGE-SECRET-KEY-1ABC data -o out",
        "encrypt -i missing data -o out",
        "encrypt -i none data -o out",
        "encrypt -i damaged data -o out",
        "encrypt -i long data -o out",
        "encrypt -i - - -o out",
        "encrypt -i one data -o one --force",
        "verify -i two data.sv2",
        "verify -i one --context else data.sv2",
    ]);
    insta::assert_snapshot!(named(&said, &[(&one, "ONE"), (&two, "TWO")]));
}

#[test]
fn recipients_that_cannot_be() {
    let (folder, [one, two]) = folder();
    let hybrid = folder.run("keygen --identity --pq -o hybrid").done().text().trim().to_owned();
    folder.write("none", b"# nothing\n");
    folder.write("binary", &[0xFF; 9]);
    folder.write("rsa", b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQ==\n");
    let said = folder.said(&[
        "encrypt -r nobody data -o out",
        &format!("encrypt -r {one}x data -o out"),
        "encrypt -R missing data -o out",
        "encrypt -R none data -o out",
        "encrypt -R binary data -o out",
        "encrypt -R rsa data -o out",
        "encrypt -R one data -o out",
        "encrypt -R - - -o out",
        &format!("encrypt -r {one} -r {hybrid} data -o out"),
    ]);
    insta::assert_snapshot!(named(&said, &[(&one, "ONE"), (&two, "TWO"), (&hybrid, "HYBRID")]));
}

#[test]
fn what_opened_a_stream_is_told() {
    let (folder, [one, two]) = folder();
    let identity = String::from_utf8(folder.read("one")).unwrap();
    folder.write("mixed", format!("{identity}AGE-UNKNOWN-1ABC\n").as_bytes());
    fs::set_permissions(folder.path("mixed"), Permissions::from_mode(0o600)).unwrap();
    let made = folder.run("keygen --identity").done();
    let lines = made.text().lines().map(|line| match line.split_once(": ") {
        Some((what, _)) => format!("{what}: DRAWN\n"),
        None => "IDENTITY\n".into(),
    });
    let mut said: String = lines.collect();
    for args in [
        "keygen --identity -o three",
        "encrypt -i mixed data",
        "decrypt -i one data.sv2 -o copy",
        "verify -i one data.sv2",
        "encrypt -k key data -o wrapped.sv2",
        "verify -k key wrapped.sv2",
        "decrypt -k key wrapped.sv2 -o again",
    ] {
        let ran = folder.run(args).done();
        writeln!(said, "--- sv2 {args}\n{}{ran}\n", ran.text()).unwrap();
    }
    let three = String::from_utf8(folder.read("three")).unwrap();
    let three = three.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned();
    insta::assert_snapshot!(named(&said, &[(&one, "ONE"), (&two, "TWO"), (&three, "THREE")]));
}

#[test]
fn resume_keys_and_runs_that_need_them() {
    let (folder, [one, two]) = folder();
    let place = folder.path("").canonicalize().unwrap().display().to_string();
    let keys = folder.path(".state/resume-keys");
    let mut said = String::new();
    let say = |said: &mut String, folder: &Folder, args: &str| {
        tell(said, &format!("sv2 {args}"), &folder.run(args));
    };
    assert!(killed_at(&folder, &format!("encrypt -r {one} {SIZES}"), 2000));
    say(&mut said, &folder, "resume-keys");
    say(&mut said, &folder, &format!("encrypt -r {two} {SIZES}"));
    fs::set_permissions(&keys, Permissions::from_mode(0o755)).unwrap();
    say(&mut said, &folder, &format!("encrypt -r {one} {SIZES}"));
    fs::set_permissions(&keys, Permissions::from_mode(0o700)).unwrap();
    for name in ["data.sv2.partial", "data.sv2.journal"] {
        fs::remove_file(folder.path(name)).unwrap();
    }
    say(&mut said, &folder, "resume-keys");
    let kept = fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.into_iter().find(|path| path.extension().is_none()).unwrap();
    let name = kept.file_name().unwrap().to_str().unwrap().to_owned();
    fs::write(&kept, "damaged").unwrap();
    say(&mut said, &folder, "resume-keys");
    say(&mut said, &folder, "resume-keys --delete --older-than 0m");
    let without = |name: &str| format!("encrypt --no-resume-key -r {name} {SIZES}");
    assert!(killed_at(&folder, &without(&one), 2000));
    say(&mut said, &folder, &without(&one));
    say(&mut said, &folder, &format!("{} -i two", without(&one)));
    let mut sv2 = folder.sv2("resume-keys");
    let sv2 = sv2.env_remove("SV2_STATE_DIR").env_remove("XDG_STATE_HOME").env_remove("HOME");
    writeln!(said, "--- sv2 resume-keys without a folder\n{}", Ran(sv2.output().unwrap())).unwrap();
    let names = [(&*one, "ONE"), (&*two, "TWO"), (&*place, "FOLDER"), (&*name, "KEY")];
    insta::assert_snapshot!(named(&said, &names));
    assert!(folder.read("data") == plaintext(3_000_000));
}

/// Resume keys whose state folder, or whose output, is no longer what it was.
#[test]
fn resume_keys_that_cannot_be_listed_or_deleted() {
    let (folder, [one, _]) = folder();
    let place = folder.path("").canonicalize().unwrap().display().to_string();
    let keys = folder.path(".state/resume-keys");
    assert!(killed_at(&folder, &format!("encrypt -r {one} {SIZES} -o sqlite:all.db?stream=data"), 20_000));
    for name in ["all.db", "all.db-wal", "all.db-shm"] {
        let _ = fs::remove_file(folder.path(name));
    }
    folder.write("all.db", &[0x55; 8192]);
    let mut said = String::new();
    tell(&mut said, "the database is another file", &folder.run("resume-keys"));
    fs::remove_file(folder.path("all.db")).unwrap();
    let Some(shim) = failing(&folder, "unlink", "const char *path", "strstr(path, \"resume-keys\")", "EIO")
    else {
        return;
    };
    let ran = run_with_shim(&folder, &shim, "resume-keys --delete --older-than 0m");
    tell(&mut said, "the key cannot be deleted", &ran);
    fs::remove_dir_all(&keys).unwrap();
    fs::write(&keys, "a file").unwrap();
    tell(&mut said, "a file has the name of the folder", &folder.run("resume-keys"));
    insta::assert_snapshot!(named(&said, &[(&*place, "FOLDER")]));
}
