//! `--json`: one object on standard output, and the same exit code and messages as without it.

use serde_json::Value;
use stream_v2::s3::{Bucket, Config, Multipart};
use stream_v2_fake_s3::{Fault, KEY_ID, Operation, REGION, SECRET};
use stream_v2_testing::command::stream::{Recipe, SMALL};
use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

use crate::s3_place::Place;

/// Returns standard output, which has one line.
fn line(ran: &Ran) -> &str {
    let line = ran.text().strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{line}");
    line
}

fn object(ran: &Ran) -> Value {
    serde_json::from_str(line(ran)).unwrap()
}

/// A folder with streams: whole, cut, damaged, followed by something.
fn folder() -> Folder {
    let folder = Folder::new();
    let small = SMALL.stream();
    let segments = small.segments();
    folder.write("data", &plaintext(100_000));
    folder.write("small.sv2", &small.0);
    folder.write("cut.sv2", &small.0[..segments[2].start + 500]);
    folder.write("damaged.sv2", &small.flipped(segments[1].start + 30));
    folder.write("followed.sv2", &[&small.0[..], b"more"].concat());
    folder.write("text", &b"Not a stream.\n".repeat(20));
    folder
}

#[test]
fn results_are_one_object_each() {
    let folder = folder();
    let commands = [
        "encrypt -k key --segment-size 64K data --json",
        "decrypt -k key data.sv2 --json -o back",
        "verify -k key small.sv2 --json",
        "verify small.sv2 --json",
        "recover -k key small.sv2 --json",
        "recover cut.sv2 --json",
    ];
    let results = commands.map(|args| format!("--- sv2 {args}\n{}\n", line(&folder.run(args).done())));
    insta::assert_snapshot!(results.concat());
    assert!(folder.read("back") == plaintext(100_000));
}

#[test]
fn a_cut_of_a_torn_tail_is_in_the_result() {
    let folder = folder();
    let len = |name: &str| folder.read(name).len() as u64;
    let found = object(&folder.run("recover --truncate cut.sv2 --json").done());
    assert_eq!((&found["cut"], found["torn_tail_len"].as_u64()), (&Value::Bool(true), Some(500)));
    assert_eq!(found["stream_len"].as_u64(), Some(len("cut.sv2")));
    let again = object(&folder.run("recover --truncate cut.sv2 --json").done());
    assert_eq!((&again["cut"], again["torn_tail_len"].as_u64()), (&Value::Bool(false), Some(0)));
}

#[test]
fn a_resumed_run_says_what_was_there() {
    let folder = Folder::new();
    folder.write("data", &plaintext(5 * 65_536 + 7));
    let args = "encrypt --json --from-command -k key --frame-size 4K --segment-size 64K -o out.sv2 --";
    let ran = Ran(folder.sv2(args).args(["sh", "-c", "head -c 200000 data; exit 1"]).output().unwrap());
    let failed = object(&ran);
    assert_eq!((ran.code(), failed["error"]["kind"].as_str()), (3, Some("io")));
    assert_eq!((failed["segments"].as_u64(), failed["plaintext_len"].as_u64()), (Some(3), Some(3 * 65_536)));
    assert_eq!((&failed["input"], &failed["outcome"]), (&Value::Null, &Value::Null));
    let resumed = object(&folder.run("encrypt --json -k key data -o out.sv2").done());
    assert_eq!(
        (resumed["outcome"].as_str(), resumed["resumed_len"].as_u64()),
        (Some("resumed"), Some(3 * 65_536))
    );
    assert_eq!(resumed["stream_len"].as_u64(), Some(folder.read("out.sv2").len() as u64));
}

#[test]
fn failures_have_the_same_code_and_message() {
    let folder = folder();
    folder.write_key("other", &stream_v2_testing::command::key_text([0xB2; 16], [8; 32]));
    for (args, code, kind, offset) in [
        ("verify -k key damaged.sv2", 1, "malformed", Some(8692)),
        ("verify damaged.sv2", 1, "malformed", Some(8692)),
        ("verify -k key cut.sv2", 1, "truncated", None),
        ("verify -k key followed.sv2", 1, "trailing", None),
        ("verify -k other small.sv2", 4, "key", Some(80)),
        ("verify -k key absent", 3, "io", None),
        ("verify --context x small.sv2", 2, "usage", None),
        ("decrypt -k other small.sv2 -o out", 4, "key", Some(80)),
        ("decrypt -k key text -o out", 1, "malformed", Some(0)),
        ("decrypt -k key data", 2, "usage", None),
        ("decrypt -k key small.sv2 -o data", 2, "usage", None),
        ("encrypt -k absent data", 3, "io", None),
        ("encrypt -k key --frame-size 5 data", 2, "usage", None),
        ("encrypt data more", 2, "usage", None),
        ("recover -k key damaged.sv2", 1, "malformed", None),
        ("recover followed.sv2", 1, "trailing", Some(21_200)),
        ("recover absent", 3, "io", None),
        ("list absent.db", 3, "io", None),
        ("uploads bucket", 2, "usage", None),
        ("inspect damaged.sv2", 1, "malformed", Some(8692)),
        ("inspect absent", 3, "io", None),
    ] {
        let (plain, ran) = (folder.run(args), folder.run(&format!("{args} --json")));
        assert_eq!((ran.code(), ran.stderr()), (code, plain.stderr()), "{args}");
        let result: Value = serde_json::from_slice(ran.stdout()).unwrap();
        let error = &result["error"];
        assert_eq!(error["kind"], kind, "{args}: {error}");
        if offset.is_some() {
            assert_eq!(error["offset"].as_u64(), offset, "{args}: {error}");
        }
        let message = error["message"].as_str().unwrap();
        assert!(ran.stderr().contains(message), "{args}: {error}");
        for hint in error["hint"].as_str().unwrap_or_default().lines() {
            assert!(ran.stderr().contains(&format!("hint: {hint}\n")), "{args}: {error}");
        }
        assert_eq!(error["hint"].is_null(), !ran.stderr().contains("\nhint: "), "{args}: {error}");
    }
}

#[test]
fn a_salvaged_stream_says_how_much_is_there() {
    let folder = folder();
    let ran = folder.run("decrypt -k key --salvage --json cut.sv2 -o part");
    assert_eq!(ran.code(), 5);
    let result = object(&ran);
    let detail = &result["error"]["detail"];
    assert_eq!((detail.as_str(), result["segments"].as_u64()), (Some("unsealed"), Some(2)));
    assert_eq!(result["plaintext_len"].as_u64(), Some(folder.read("part").len() as u64));
}

#[test]
fn data_and_result_never_share_standard_output() {
    let folder = folder();
    for args in [
        "encrypt -k key data -o -",
        "encrypt -k key",
        "decrypt -k key small.sv2 -o /dev/stdout",
        "decrypt -k absent",
    ] {
        let ran = folder.run(&format!("{args} --json"));
        assert_eq!((ran.code(), ran.text()), (2, ""), "{args}");
        assert!(
            ran.stderr().starts_with("sv2: the data and the result of --json cannot both"),
            "{args}: {ran}"
        );
    }
    let quiet = folder.run("decrypt -q -k key small.sv2 --json").done();
    assert_eq!((quiet.stderr(), object(&quiet)["output"].as_str()), ("", Some("small")));
}

#[test]
fn secrets_are_not_in_a_result() {
    let folder = folder();
    let args = "encrypt -k key --context xyzzy data --json";
    let text = line(&folder.run(args).done()).to_owned();
    let failed = line(&folder.run("decrypt -k key --context xyzzx data.sv2 -o back --json")).to_owned();
    for secret in ["xyzz", &"07".repeat(32)] {
        assert!(!text.contains(secret) && !failed.contains(secret), "{text}{failed}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_without_utf_8_keeps_its_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    let name = OsStr::from_bytes(b"a\xff\x1b\xe2\x80\xae");
    std::fs::write(folder.path("").join(name), "hello").unwrap();
    let ran = Ran(folder.sv2("encrypt -k key --json").arg(name).output().unwrap()).done();
    insta::assert_snapshot!(line(&ran));
}

#[test]
fn the_streams_of_a_database_are_an_array() {
    let folder = folder();
    folder.run("encrypt -q -k key data -o sqlite:all.db?stream=a").done();
    folder.run("encrypt -q -k key small.sv2 -o sqlite:all.db?stream=b").done();
    insta::assert_snapshot!(line(&folder.run("list all.db --json").done()));
}

#[test]
fn uploads_are_an_array() {
    let place = Place::new(0);
    let config = Config::new(REGION, KEY_ID, SECRET).unwrap();
    let bucket = Bucket::new("bucket", &config.with_endpoint(&place.front.endpoint()).unwrap()).unwrap();
    for key in ["a", "b"] {
        bucket.begin(key, "mark").unwrap();
    }
    let ids: Vec<String> = place.front.uploads().into_iter().map(|upload| upload.id).collect();
    let shown = |ran: &Ran| line(ran).replace(&ids[0], "ID-A").replace(&ids[1], "ID-B");
    insta::assert_snapshot!(shown(&place.run("uploads s3://bucket --json").done()));
    place.front.fail_at(
        Operation::AbortMultipartUpload,
        0,
        Fault::Refuse(403, "AccessDenied", "Access Denied"),
    );
    let aborted = place.run("uploads s3://bucket --abort --json");
    assert_eq!(aborted.code(), 3);
    insta::assert_snapshot!(shown(&aborted));
}

#[test]
fn all_segments_count_for_a_whole_stream() {
    let folder = Folder::new();
    folder.write("in.sv2", &Recipe { plaintext_len: 30 * 8192, ..SMALL }.stream().0);
    for args in ["verify --json in.sv2", "verify -k key --json in.sv2", "recover --json in.sv2"] {
        let found = object(&folder.run(args).done());
        let lens = ["segments", "plaintext_len", "stream_len"].map(|name| found[name].as_u64().unwrap());
        assert_eq!(lens, [31, 30 * 8192, folder.read("in.sv2").len() as u64], "{args}");
        assert_eq!(found["sealed"], Value::Bool(true), "{args}");
        // SV2-NOK-001: only the key shows that.
        assert_eq!(found["authentic"] == Value::Bool(true), args.contains("verify -k"), "{args}");
    }
}
