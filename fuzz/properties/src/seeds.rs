//! The seeds of a campaign: the golden vectors in the form that each property takes, and numbers
//! for the properties that build their own inputs.

use std::io;
use std::path::Path;

use stream_v2_conformance::operations::Vector;
use stream_v2_conformance::runner::suite::Suite;
use stream_v2_format::limits::STREAM_HEADER_LEN;
use stream_v2_format::wire::{IndexEntry, write_index};

/// One input of one property.
pub struct Seed {
    /// The property's name.
    pub property: &'static str,
    /// The name of the input within its property.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Longer inputs are left to the vectors, because short ones are quick.
const LEN_MAX: usize = 20_000;

/// Returns the seeds of all properties, from the folder of the vectors.
///
/// # Errors
/// - if the folder does not hold the vectors.
pub fn seeds(vectors: &Path) -> io::Result<Vec<Seed>> {
    let suite = Suite::load(vectors)?;
    let mut seeds = Vec::new();
    for vector in &suite.vectors {
        let id = &vector.about().id;
        match vector {
            Vector::Unwrap(unwrap) => {
                let stream = suite.bytes(&unwrap.input)?;
                if let Some(envelope) = stream.get(STREAM_HEADER_LEN..stream.len().saturating_sub(4)) {
                    let bytes = [&[0], envelope].concat();
                    seeds.push(Seed { property: "unlock", name: id.clone(), bytes });
                }
            }
            Vector::Read(read) => of_stream(&mut seeds, id, &suite.bytes(&read.input)?),
            Vector::Recover(recover) => {
                of_stream(&mut seeds, id, &suite.bytes(&recover.output)?);
                if let Some(journal) = &recover.journal {
                    of_journal(&mut seeds, id, &suite.bytes(journal)?);
                }
            }
            _ => {}
        }
    }
    seeds.retain(|seed| seed.bytes.len() <= LEN_MAX);
    // Payloads are sealed in the vectors, so these are a frame and a block, with many lengths.
    for (name, how, payload) in [
        ("zstd", 0, &[0x28, 0xB5, 0x2F, 0xFD, 0x20, 5, 0x29, 0, 0, 1, 2, 3, 4, 5][..]),
        ("lz4", 1, &[0x1F, 7, 1, 0, 40, 0x50, 1, 2, 3, 4, 5]),
        ("plaintext", 2, &[7; 64]),
    ] {
        seeds.extend((0..24).map(|len| Seed {
            property: "compressed",
            name: format!("{name}-{len}"),
            bytes: [&[how, len, 0, 0], payload].concat(),
        }));
    }
    // Index segments are sealed in the vectors, so their payloads are written here.
    for entries in 1..=3 {
        let entry = IndexEntry { plaintext_len: 4096, wire_len: 4204, tag_prefix: [7; 16] };
        let payload = write_index(99, [9; 16], &vec![entry; entries]);
        seeds.push(Seed {
            property: "parse",
            name: format!("index-{entries}"),
            bytes: [&[5], &payload[..]].concat(),
        });
    }
    for (property, count) in [
        ("crash", 64),
        ("histories", 128),
        ("ranges", 400),
        ("reseal", 64),
        ("schedule", 64),
        ("unlock", 64),
        ("write_then_parse", 64),
    ] {
        seeds.extend((0..count).map(|number| Seed {
            property,
            name: format!("numbers-{number}"),
            bytes: numbers(number).take(16 + 48 * usize::try_from(number % 64).unwrap()).collect(),
        }));
    }
    Ok(seeds)
}

fn of_stream(seeds: &mut Vec<Seed>, id: &str, stream: &[u8]) {
    let mut push = |property, parts: &[&[u8]]| {
        let name = format!("{id}-{}", seeds.len());
        seeds.push(Seed { property, name, bytes: parts.concat() });
    };
    // The checksums are repaired in one input of four.
    let repaired = u8::from(id.len().is_multiple_of(4));
    push("read", &[&[repaired], stream]);
    push("differential", &[&[repaired], stream]);
    push("delivery", &[&[2, 1, 7, 0, 95, 96, 97, 1, 255, 0, 3, 60, 80, 20, 200, 254], stream]);
    push("parse", &[&[8], stream]);
    // The envelope, and segment 0 of a stream with F and S of 4 KiB.
    let Some((header, body)) = stream.split_at_checked(128) else { return };
    let envelope_len = usize::from(u16::from_le_bytes([header[112], header[113]]));
    if envelope_len != 0 && envelope_len + 4 <= body.len() {
        push("parse", &[&[2], &header[112..114], &body[..envelope_len + 4]]);
        push("parse", &[&[3], body.get(4..envelope_len).unwrap_or_default()]);
    }
    let segments = &body[(envelope_len + if envelope_len == 0 { 0 } else { 4 }).min(body.len())..];
    push("parse", &[&[9, 0, header[20]], segments]);
}

fn of_journal(seeds: &mut Vec<Seed>, id: &str, journal: &[u8]) {
    let mut push = |which, bytes: &[u8]| {
        let name = format!("{id}-{}", seeds.len());
        seeds.push(Seed { property: "parse", name, bytes: [&[which], bytes].concat() });
    };
    push(4, journal);
    push(6, journal);
    if let Some(records) = journal.get(212..) {
        push(4, records);
        push(6, records);
    }
}

/// Returns bytes without a pattern, the same on every machine (SplitMix64).
fn numbers(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let next = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Some((mixed ^ (mixed >> 31)).to_le_bytes())
    };
    std::iter::from_fn(next).flatten()
}

/// Fills `data` with up to 512 bytes that are independent of any earlier input, and returns their
/// number.
///
/// This is for properties that build their tests from numbers. An interesting input leads to its
/// neighbours, and most possible inputs have no interesting neighbour.
pub fn draw(seed: u32, data: &mut [u8]) -> usize {
    let len = (seed as usize % 512 + 1).min(data.len());
    data.iter_mut().zip(numbers(seed.into())).take(len).for_each(|(byte, number)| *byte = number);
    len
}
