//! The time of each property for inputs of 1 MiB that are made to be slow.
//!
//! More than a second is a bug, and ends with an error. Run it with `cargo bench -p
//! stream-v2-properties --bench mebibyte --profile properties`.

use std::time::Instant;

use stream_v2_conformance::forge::Forgery;
use stream_v2_properties::PROPERTIES;

const LEN: usize = 1 << 20;

/// Returns a valid stream header.
fn head() -> Vec<u8> {
    Forgery::default().write()[..128].to_vec()
}

fn inputs() -> [(&'static str, Vec<u8>); 6] {
    let forged = Forgery { lens: vec![1; 2], ..Forgery::default() }.write();
    let segment = &forged[128 + 208..];
    let fill = |head: &[u8], with: &[u8]| {
        let mut bytes = head.to_vec();
        bytes.extend(with.iter().cycle().take(LEN - head.len()));
        bytes
    };
    [
        ("zeros", fill(&[], &[0])),
        ("a header and zeros", fill(&head(), &[0])),
        ("segment magics", fill(&head(), b"SV2S")),
        ("a committed segment and magics", fill(&forged[..128 + 208], b"SV2S")),
        ("one segment again and again", fill(&forged[..128 + 208], segment)),
        ("stream headers", fill(&[], &head())),
    ]
}

fn main() {
    let mut slow = false;
    for (name, bytes) in inputs() {
        for (property, holds) in PROPERTIES {
            // Laws of raw bytes take some of the first bytes for themselves.
            for skip in [vec![0], vec![1], vec![9, 0, 0], vec![1; 16]] {
                let input = [skip.as_slice(), &bytes].concat();
                let begin = Instant::now();
                holds(&input);
                let took = begin.elapsed();
                slow |= took.as_secs() > 0;
                if took.as_millis() >= 100 {
                    println!("{property}: {name}, after {skip:?}: {took:?}");
                }
            }
        }
    }
    assert!(!slow, "more than a second");
}
