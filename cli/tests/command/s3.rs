//! Streams in S3 as inputs of the command.

use stream_v2_fake_s3::{Front, SECRET};
use stream_v2_testing::command::s3;
use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

const LEN: usize = 3 << 20;

fn run(folder: &Folder, front: &Front, secret: &str, args: &str) -> Ran {
    Ran(s3::sv2(folder, front, secret, args).output().unwrap())
}

/// An object `bucket/data.sv2`, and its plaintext in `data`.
fn stored() -> (Folder, Front) {
    let (folder, front) = (Folder::new(), Front::start());
    folder.write("data", &plaintext(LEN));
    folder.run("encrypt -q -k key data -o data.sv2").done();
    front.put("bucket/data.sv2", &folder.read("data.sv2"));
    (folder, front)
}

#[test]
fn what_reads_files_reads_objects() {
    let (folder, front) = stored();
    let sv2 = |args: &str| run(&folder, &front, SECRET, args).done();
    sv2("decrypt -q -k key s3://bucket/data.sv2 -o back");
    assert!(folder.read("back") == plaintext(LEN));
    assert!(sv2("decrypt -q -k key s3://bucket/data.sv2 -o -").stdout() == plaintext(LEN));
    let verified = sv2("verify -k key s3://bucket/data.sv2");
    assert!(verified.text().starts_with("s3://bucket/data.sv2: authentic and complete"), "{verified}");
    let without_key = sv2("verify s3://bucket/data.sv2");
    assert!(without_key.text().starts_with("s3://bucket/data.sv2: checksums match"), "{without_key}");
    let inspected = sv2("inspect s3://bucket/data.sv2");
    let of_file = folder.run("inspect data.sv2").done();
    assert_eq!(inspected.text().replace("s3://bucket/data.sv2", "data.sv2"), of_file.text());
    let ranged = sv2("cat -k key --range 2000000..2000100 s3://bucket/data.sv2");
    assert_eq!(ranged.stdout(), &plaintext(LEN)[2_000_000..2_000_100]);
    front.put("bucket/plain", &plaintext(LEN));
    sv2("encrypt -q -k key s3://bucket/plain -o again.sv2");
    folder.run("decrypt -q -k key again.sv2").done();
    assert!(folder.read("again") == plaintext(LEN));
}

#[test]
fn what_cannot_be_done_is_told() {
    let (folder, front) = stored();
    let commands = [
        (SECRET, "encrypt -k key data -o s3://bucket/data.sv2"),
        (SECRET, "decrypt -k key s3://bucket/data.sv2"),
        (SECRET, "decrypt -k key s3://bucket -o back"),
        (SECRET, "decrypt -k key s3://bucket/absent -o back"),
        (SECRET, "inspect s3://bucket/../other"),
        ("wrong", "verify -k key s3://bucket/data.sv2"),
        ("", "verify -k key s3://bucket/data.sv2"),
    ];
    let told: Vec<_> = commands
        .iter()
        .map(|(secret, args)| format!("$ {args}\n{}", run(&folder, &front, secret, args)))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(folder.names(), ["data", "data.sv2", "key", "state"]);
    assert_eq!(folder.path("state").read_dir().unwrap().count(), 0);
}
