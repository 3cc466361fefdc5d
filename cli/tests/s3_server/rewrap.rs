//! Envelopes of objects that are replaced, on a real server.

use stream_v2_testing::command::key_text;
use stream_v2_testing::command::s3::Served;
use stream_v2_testing::plaintext;

const LEN: usize = 40 << 20;

fn served() -> Served {
    let served = Served::new();
    served.folder.write_key("new", &key_text([0xB2; 16], [0xB2; 32]));
    served
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn about_one_part_of_an_object_moves() {
    let served = served();
    served.folder.write("data", &plaintext(LEN));
    served.run("encrypt -q -k key data -o s3://bucket/data.sv2").done();
    let ran = served.run("rewrap -k key --new-key-file new s3://bucket/data.sv2").done();
    let moved = "5 MiB received, 5 MiB sent, and 35 MiB copied by S3 itself";
    assert!(ran.stderr().contains(moved), "{ran}");
    served.run("verify -q -k new s3://bucket/data.sv2").done();
    assert_eq!(served.run("verify -q -k key s3://bucket/data.sv2").code(), 2);
    assert!(served.run("decrypt -q -k new s3://bucket/data.sv2 -o -").done().stdout() == plaintext(LEN));
    served.nothing_is_left();
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn a_thousand_objects_are_rewrapped() {
    const OBJECTS: usize = 1000;
    const ALL: &str = "rewrap -k key --new-key-file new --report report --all s3://bucket/all/";
    let served = served();
    served.folder.write("data", b"short");
    served.folder.run("encrypt -q -k key data").done();
    let stream = served.folder.read("data.sv2");
    for number in 0..OBJECTS {
        served.server.put(&format!("all/{number}.sv2"), &stream);
    }
    let ran = served.run(ALL).done();
    assert!(ran.stderr().contains("1000 envelopes replaced, 0 skipped, 0 failed"), "{ran}");
    for number in [0, 500, 999] {
        served.run(&format!("verify -q -k new s3://bucket/all/{number}.sv2")).done();
    }
    let again = served.run(ALL).done();
    assert!(again.stderr().contains("0 envelopes replaced, 1000 skipped, 0 failed"), "{again}");
    served.nothing_is_left();
}
