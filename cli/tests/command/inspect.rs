//! The public parts of a stream, as a table and as JSON.

use serde_json::Value;
use stream_v2_testing::command::stream::{Recipe, SMALL};
use stream_v2_testing::command::{Folder, Ran};

fn shown(ran: &Ran) -> String {
    format!("{}{ran}", ran.text())
}

/// A folder with streams: whole, cut, damaged, long, empty, and a file that is not one.
fn folder() -> Folder {
    let folder = Folder::new();
    let small = SMALL.stream();
    let segments = small.segments();
    folder.write("small.sv2", &small.0);
    folder.write("cut.sv2", &small.0[..segments[2].start + 500]);
    folder.write("damaged.sv2", &small.flipped(segments[1].start + 30));
    folder.write("followed.sv2", &[&small.0[..], b"more"].concat());
    folder.write("long.sv2", &Recipe { plaintext_len: 30 * 8192, ..SMALL }.stream().0);
    folder.write("empty.sv2", &Recipe { plaintext_len: 0, ..SMALL }.stream().0);
    folder.write("text", &b"Not a stream.\n".repeat(20));
    folder
}

#[test]
fn table() {
    let folder = folder();
    for name in ["small.sv2", "cut.sv2", "damaged.sv2", "followed.sv2", "long.sv2", "empty.sv2", "text"] {
        insta::assert_snapshot!(format!("table-{name}"), shown(&folder.run(&format!("inspect {name}"))));
    }
}

/// The suite with AES-256-GCM changes its key.
#[test]
fn epochs_of_a_stream() {
    let folder = folder();
    folder.run("encrypt -q -k key --suite aes-256-gcm text").done();
    let ran = folder.run("inspect text.sv2").done();
    let epochs = ran.text().lines().find(|line| line.starts_with("key epochs"));
    insta::assert_snapshot!(epochs.unwrap(), @"key epochs     a new one every 65536 segments");
}

#[test]
fn json() {
    let folder = folder();
    for name in ["small.sv2", "cut.sv2", "damaged.sv2", "followed.sv2", "empty.sv2", "text"] {
        let ran = folder.run(&format!("inspect --json {name}"));
        let value: Value = serde_json::from_slice(ran.stdout()).unwrap();
        let unknown = ["damaged.sv2", "text"].contains(&name);
        let sealed = if unknown { Value::Null } else { Value::Bool(ran.code() == 0) };
        assert_eq!(value["sealed"], sealed, "{name}");
        assert_eq!(value["error"].is_null(), ran.code() == 0, "{name}");
        insta::assert_snapshot!(format!("json-{name}"), shown(&ran));
    }
}

#[test]
fn json_and_all_have_every_segment() {
    let folder = folder();
    let json: Value = serde_json::from_slice(folder.run("inspect --json long.sv2").done().stdout()).unwrap();
    let indices: Vec<u64> = json["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["segment_index"].as_u64().unwrap())
        .collect();
    assert_eq!(indices, (0..31).collect::<Vec<_>>());
    let all = folder.run("inspect --all long.sv2").done();
    let rows = all.text().lines().filter(|line| line.contains(" data ") || line.contains(" final ")).count();
    assert_eq!((rows, all.text().contains("more")), (31, false));
}

#[test]
fn a_pipe_shows_what_the_file_shows() {
    let folder = folder();
    for name in ["small.sv2", "cut.sv2", "damaged.sv2", "followed.sv2", "long.sv2", "empty.sv2", "text"] {
        for form in ["", "--json"] {
            let file = folder.run(&format!("inspect {form} {name}"));
            let pipe = folder.run_with(&format!("inspect {form}"), &folder.read(name));
            let shown = pipe.text().replace("standard input: ", &format!("{name}: "));
            assert_eq!((file.text(), file.code()), (&shown[..], pipe.code()), "{name}");
        }
    }
}

#[test]
fn exactly_the_rows_that_fit_are_not_shortened() {
    let folder = Folder::new();
    for (segments, more) in [(20, false), (21, true)] {
        let recipe = Recipe { plaintext_len: (segments - 1) * 8192, ..SMALL };
        folder.write("in.sv2", &recipe.stream().0);
        let ran = folder.run("inspect in.sv2").done();
        assert_eq!(ran.text().contains("… 1 more (--all)"), more, "{segments}");
    }
}
