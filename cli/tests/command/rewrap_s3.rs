//! `sv2 rewrap` of objects in S3: about one part moves, and S3 copies the rest.

use stream_v2_fake_s3::{Fault, Front, Operation, Properties, SECRET};
use stream_v2_testing::command::{Folder, Ran, key_text, s3};
use stream_v2_testing::plaintext;

const LEN: usize = 20 << 20;
const HEAD: usize = 128 + 1020 + 4;
const NAME: &str = "bucket/data.sv2";
const REWRAP: &str = "rewrap -k key --new-key-file new s3://bucket/data.sv2";

struct Stored {
    folder: Folder,
    front: Front,
}

impl Stored {
    fn new(len: usize) -> Self {
        let (folder, front) = (Folder::new(), Front::start());
        folder.write("data", &plaintext(len));
        folder.write_key("new", &key_text([0xB2; 16], [0xB2; 32]));
        folder.run("encrypt -q -k key data").done();
        front.put(NAME, &folder.read("data.sv2"));
        Self { folder, front }
    }

    fn run(&self, args: &str) -> Ran {
        Ran(s3::sv2(&self.folder, &self.front, SECRET, args).output().unwrap())
    }

    /// The object as it was, and no upload.
    fn is_unchanged(&self) {
        assert!(self.front.object(NAME).unwrap() == self.folder.read("data.sv2"));
        assert!(self.front.uploads().is_empty());
    }
}

fn properties() -> Properties {
    Properties {
        content_type: Some("application/x-sv2".into()),
        storage_class: Some("STANDARD_IA".into()),
        tagging: Some("team=a%20b&kept=yes".into()),
        is_locked: false,
    }
}

#[test]
fn about_one_part_moves() {
    let stored = Stored::new(LEN);
    stored.front.describe(NAME, &[("owner", "someone"), ("stream-v2-upload", "mark")], properties());
    let ran = stored.run(REWRAP).done();
    assert!(ran.stderr().contains("copied by S3 itself"), "{ran}");
    let requests = stored.front.take();
    let received: usize = requests.iter().map(|request| request.received).sum();
    let sent: usize = requests.iter().map(|request| request.sent).sum();
    assert!(received < (5 << 20) + 10_000 && sent < (5 << 20) + 100_000, "{received} {sent}");
    let (before, after) = (stored.folder.read("data.sv2"), stored.front.object(NAME).unwrap());
    assert!(after.len() == before.len() && after[..128] == before[..128] && after[HEAD..] == before[HEAD..]);
    assert!(after != before);
    stored.run("verify -k new s3://bucket/data.sv2").done();
    assert_eq!(stored.run("verify -k key s3://bucket/data.sv2").code(), 2);
    assert_eq!(stored.front.properties(NAME), Some(properties()));
    let metadata = stored.front.metadata(NAME).unwrap();
    assert_eq!((metadata["owner"].as_str(), metadata["stream-v2-upload"].as_str()), ("someone", "mark"));
}

#[test]
fn objects_of_any_length_are_rewrapped() {
    for len in [0, 5000, (5 << 20) - 4000, 5 << 20, (5 << 20) + 4000, 6 << 20] {
        let stored = Stored::new(len);
        let many = format!("{REWRAP} {}", "--new-key-file new ".repeat(9));
        stored.run(&many).done();
        let (before, after) = (stored.folder.read("data.sv2"), stored.front.object(NAME).unwrap());
        assert!(after[HEAD + 3072..] == before[HEAD..], "{len}");
        stored.run("verify -k new s3://bucket/data.sv2").done();
    }
}

#[test]
fn an_object_that_changes_is_left_alone() {
    for (operation, nth) in [
        (Operation::HeadObject, 1),
        (Operation::HeadObject, 2),
        (Operation::GetObject, 3),
        (Operation::UploadPartCopy, 0),
        (Operation::CompleteMultipartUpload, 0),
    ] {
        let stored = Stored::new(LEN);
        let other = vec![7; 100];
        stored.front.fail_at(operation, nth, Fault::Replace(other.clone()));
        let ran = stored.run(REWRAP);
        assert!(ran.code() != 0, "{operation:?}: {ran}");
        assert_eq!(stored.front.object(NAME).unwrap(), other, "{operation:?}: {ran}");
        assert!(stored.front.uploads().is_empty(), "{operation:?}");
    }
}

#[test]
fn failures_leave_the_old_object() {
    for operation in [
        Operation::HeadObject,
        Operation::GetObjectTagging,
        Operation::CreateMultipartUpload,
        Operation::UploadPart,
        Operation::UploadPartCopy,
        Operation::CompleteMultipartUpload,
    ] {
        let stored = Stored::new(LEN);
        let refused = Fault::Refuse(403, "AccessDenied", "Access Denied");
        stored.front.fail_at(operation, 0, refused);
        let ran = stored.run(REWRAP);
        assert_eq!(ran.code(), 3, "{operation:?}: {ran}");
        stored.is_unchanged();
    }
    let stored = Stored::new(5000);
    stored.front.describe(NAME, &[], Properties { is_locked: true, ..Properties::default() });
    let ran = stored.run(REWRAP);
    assert!(ran.code() == 3 && ran.stderr().contains("locked"), "{ran}");
    stored.is_unchanged();
}

#[test]
fn a_lost_answer_about_the_new_object_is_found_out() {
    for fault in [Fault::Lose, Fault::CutHead, Fault::RefuseAfter(500, "InternalError", "We erred")] {
        let stored = Stored::new(LEN);
        stored.front.fail_at(Operation::CompleteMultipartUpload, 0, fault.clone());
        let ran = stored.run(REWRAP);
        assert_eq!(ran.code(), 0, "{fault:?}: {ran}");
        stored.run("verify -k new s3://bucket/data.sv2").done();
    }
}

#[test]
fn detached_envelopes_open_objects() {
    let stored = Stored::new(5000);
    stored.run(&format!("{REWRAP} --detached side")).done();
    stored.is_unchanged();
    stored.run("verify -k new --envelope side s3://bucket/data.sv2").done();
    // The detached one may be an object, too.
    stored.front.put("bucket/side", &stored.folder.read("side"));
    stored.run("cat -q -k new --envelope s3://bucket/side s3://bucket/data.sv2 -r 1..9").done();
    stored.run(&format!("{REWRAP} --keep-old old")).done();
    stored.run("verify -k key --envelope old s3://bucket/data.sv2").done();
}
