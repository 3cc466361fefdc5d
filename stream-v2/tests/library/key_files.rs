//! Key files.

use stream_v2::key::KeyFile;

#[test]
fn the_key_file_of_the_specification_is_read() {
    let specification = include_str!("../../../spec/stream-v2.md");
    let mut lines = specification.lines();
    let example = lines.find(|line| line.starts_with("sv2-key-2 ") && line.contains("0001020304")).unwrap();
    let key = std::array::from_fn(|at| u8::try_from(at).unwrap());
    assert!(KeyFile::text(&key).ends_with(&format!("\n{example}\n")));
    KeyFile::parse(example.as_bytes()).unwrap();
}
