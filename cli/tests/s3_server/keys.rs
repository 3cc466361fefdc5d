//! Odd keys, through the command, on a real server: as objects, and as unfinished uploads.

use stream_v2_s3_servers::Ask;
use stream_v2_testing::command::Ran;
use stream_v2_testing::command::s3::Served;

/// URLs and lists must not turn these into other keys.
const ODD: &[&str] = &[
    " lead",
    "trail ",
    "a//b",
    "/begins",
    "%2e",
    "%2e%2e/x",
    "+",
    "?x",
    "#",
    "&amp;",
    "<Key>",
    "'\"",
    "*",
    "a\\b",
    "ü日",
    "NoSuchBucket",
    "\t",
];
/// The command writes no object under such a key, and aborts uploads that others have begun.
const DOTS: &[&str] = &["a/../b", "..", "../up", "a/./b"];

fn is_taken(served: &Served, key: &str) -> bool {
    !served.server.kind().quirks().refused_keys.contains(&key)
}

/// The command with an object as its last argument.
fn sv2(served: &Served, args: &str, key: &str) -> Ran {
    Ran(served.sv2(args).arg(format!("s3://bucket/{key}")).output().unwrap())
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn odd_keys_name_one_object_each() {
    let served = Served::new();
    for key in ODD.iter().copied() {
        served.folder.write("data", key.as_bytes());
        let encrypted = sv2(&served, "encrypt -q -k key data -o", key);
        assert_eq!(encrypted.code() == 0, is_taken(&served, key), "{key}: {encrypted}");
        if encrypted.code() == 0 {
            let back = sv2(&served, "decrypt -q -k key -o -", key).done();
            assert_eq!(back.stdout(), key.as_bytes());
            // Under this very key, in requests that the library does not build.
            assert!(!served.server.read(key).is_empty());
            served.server.remove(key);
        }
    }
    for key in DOTS {
        let refused = sv2(&served, "encrypt -q -k key data -o", key);
        assert_eq!(refused.code(), 2, "{key}: {refused}");
    }
    // The output of a run that the server refused can be resumed.
    if ODD.iter().all(|key| is_taken(&served, key)) {
        served.nothing_is_left();
    }
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn uploads_of_odd_keys_are_aborted() {
    let served = Served::new();
    let taken: Vec<_> = ODD.iter().chain(DOTS).copied().filter(|key| is_taken(&served, key)).collect();
    for key in &taken {
        let ask = Ask { method: "POST", key, query: &[("uploads", "")], ..Ask::default() };
        let begun = served.server.ask(&ask);
        assert!(begun.is_success(), "{key}: {begun:?}");
    }
    assert_eq!(served.server.unfinished().len(), taken.len());
    let aborted = served.run("uploads s3://bucket --abort --older-than 0m");
    assert_eq!(aborted.code(), 0, "{aborted}");
    assert_eq!(served.server.unfinished(), []);
}
