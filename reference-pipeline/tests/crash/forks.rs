//! Storage that keeps the segments of abandoned runs, and presents them to a resume (§19, §21).
//!
//! When an honest writer then completes a stream, no reader is given a byte of another history.

use stream_v2_format::Detail;
use stream_v2_testing::crash_sim;
use stream_v2_testing::crash_sim::SEGMENT;
use stream_v2_testing::crash_sim::forks::{Forks, Resumed};
use stream_v2_testing::crash_sim::sealings;
use stream_v2_testing::crash_sim::sim::Contents;
use stream_v2_testing::plaintext;

/// Segments of the whole source.
const SEGMENTS: usize = 6;

/// Returns the source, and one that is the same up to so many segments.
fn sources(same: usize) -> (Vec<u8>, Vec<u8>) {
    let source = plaintext(SEGMENTS * SEGMENT - 7);
    let mut other = source.clone();
    other[same * SEGMENT..].iter_mut().for_each(|byte| *byte ^= 0x55);
    (source, other)
}

/// Writes two segments, two more on two copies from two sources, and one more on each of these.
///
/// Another run then resumes a copy that was rolled back to its first segment, without its journal.
fn forks(index: bool) -> (Forks, [Contents; 2]) {
    sealings::watch();
    let (source, other) = sources(2);
    let mut forks = Forks::new(index);
    let begun = forks.begin(&source, 2);
    let branch = |forks: &mut Forks, source| {
        let longer = forks.go_on(&begun, source, 2);
        forks.go_on(&longer, source, 1)
    };
    let abandoned = branch(&mut forks, &other);
    let kept = branch(&mut forks, &source);
    let first = forks.mixes(1).concat()[0].clone();
    let rolled_back = forks.disk(&[&first], None);
    let (_, third) = sources(1);
    forks.go_on(&rolled_back, &third, 2);
    (forks, [abandoned, kept])
}

/// Tries all outputs that can be put together, with every journal and without, and resumes them
/// with each source.
///
/// Then the resumed output is mixed once more. Returns how many were completed and read in all
/// ways, and how many were refused.
fn every_mix(index: bool) -> (usize, usize) {
    let (mut forks, _) = forks(index);
    let sources = [sources(2).0, sources(2).1, sources(1).1];
    let (mut whole, mut refused) = (0, 0);
    let all = ["sequential", "range"];
    let mut again = Vec::new();
    for len in 0..=5 {
        for mix in forks.mixes(len) {
            for journal in forks.journals.iter().map(Some).chain([None]) {
                for source in &sources {
                    let disk = forks.disk(&mix, journal);
                    match forks.resume(&disk, source, None) {
                        Ok(Some(Resumed { contents, expected })) => {
                            let ways = forks.read(contents.file("out").unwrap(), &expected);
                            whole += usize::from(ways == all);
                        }
                        Ok(None) => {}
                        Err(_) => refused += 1,
                    }
                    if let Ok(Some(resumed)) = forks.resume(&disk, source, Some(1)) {
                        again.push(resumed);
                    }
                }
            }
        }
    }
    // Between two resumes one segment is exchanged, and the journal stays or is removed.
    again.truncate(400);
    for Resumed { contents, expected } in &again {
        forks.remember(contents, expected);
        forks.journals.pop();
    }
    for Resumed { contents, .. } in again.iter().step_by(3) {
        for exchanged in exchanges(&forks, contents) {
            for source in &sources {
                if let Ok(Some(Resumed { contents, expected })) = forks.resume(&exchanged, source, None) {
                    let ways = forks.read(contents.file("out").unwrap(), &expected);
                    whole += usize::from(ways == all);
                }
            }
        }
    }
    assert!(sealings::check() > 0);
    (whole, refused)
}

/// Returns the same disk with one segment of another run.
fn exchanges(forks: &Forks, contents: &Contents) -> Vec<Contents> {
    let output = contents.file("out.partial").unwrap();
    let ends = crash_sim::encryption::ends(output);
    let mut exchanged = Vec::new();
    for (place, bounds) in ends.windows(2).enumerate() {
        for sealed in forks.segments[&place].iter().take(3) {
            let parts = [&output[..bounds[0]], &sealed.bytes[..], &output[bounds[1]..]];
            let mut disk = Contents::default();
            disk.put("out.partial", parts.concat());
            if let Some(journal) = contents.file("out.journal") {
                disk.put("out.journal", journal.clone());
            }
            exchanged.push(disk);
        }
    }
    exchanged
}

#[test]
fn mixed_histories_with_index_segments() {
    let (whole, refused) = every_mix(true);
    assert!(whole > 50 && refused > 200, "{whole} whole, {refused} refused");
}

#[test]
fn mixed_histories_with_uniform() {
    let (whole, refused) = every_mix(false);
    assert!(whole > 50 && refused > 200, "{whole} whole, {refused} refused");
}

/// Segments of an abandoned run are placed before the last commit of another one. Each header is
/// genuine, and in its place.
//= spec/stream-v2.md#sv2-idx-011
//= type=test
//# A writer of index segments that resumes MUST take entries, previous and distance only from
//# headers whose run_salt is that of the run that holds their segment_index, by the links from the
//# last committed segment backwards. It MUST report `malformed.damaged`, and change nothing, where
//# one is not (SV2-RES-006).
#[test]
fn entries_of_an_abandoned_run_are_not_signed() {
    let (forks, [abandoned, kept]) = forks(true);
    let (source, _) = sources(2);
    let [abandoned, output] = [&abandoned, &kept].map(|disk| disk.file("out.partial").unwrap().clone());
    let ends = crash_sim::encryption::ends(&output);
    let mut mixed = kept.clone();
    let swapped = [&output[..ends[2]], &abandoned[ends[2]..ends[4]], &output[ends[4]..]].concat();
    mixed.put("out.partial", swapped);
    match forks.resume(&mixed, &source, None) {
        Err(error) => {
            let error = error.format_error().unwrap();
            assert_eq!((error.detail(), error.segment()), (Detail::MalformedDamaged, Some(4)));
            assert_eq!(error.offset().0, ends[4] as u64);
        }
        // The signed stream is read.
        Ok(resumed) => {
            let Resumed { contents, expected } = resumed.unwrap();
            let ways = forks.read(contents.file("out").unwrap(), &expected);
            unreachable!("segments of an abandoned run were signed, and found by {ways:?}");
        }
    }
    let whole = forks.resume(&kept, &source, None).unwrap().unwrap();
    let ways = forks.read(whole.contents.file("out").unwrap(), &whole.expected);
    assert_eq!((ways, whole.expected), (vec!["sequential", "range"], source));
}

/// Two sealed streams begin alike. A decryption of one of them is interrupted, and resumed with any
/// mixture of both.
#[test]
fn mixed_streams_in_front_of_a_resumed_reader() {
    for index in [true, false] {
        let (forks, disks) = forks(index);
        let (source, other) = sources(2);
        let sealed = [&other, &source];
        let sealed: Vec<Resumed> = (0..2)
            .map(|branch| forks.resume(&disks[branch], sealed[branch], None).unwrap().unwrap())
            .collect();
        let streams: Vec<_> = sealed.iter().map(|sealed| sealed.contents.file("out").unwrap()).collect();
        let ends: Vec<_> = streams.iter().map(|stream| crash_sim::encryption::ends(stream)).collect();
        let segments = ends[0].len() - 1;
        let (mut whole, mut refused) = (0, 0);
        for (begun, committed) in (0..2).flat_map(|begun| (1..=5).map(move |committed| (begun, committed))) {
            let disk = forks.decrypted(streams[begun], committed);
            // The first two segments are the same.
            for mix in 0..1_usize << (segments - 2) {
                let branch = |place: usize| (mix << 2) >> place & 1;
                let segment = |place: usize| {
                    let ends = &ends[branch(place)];
                    &streams[branch(place)][ends[place]..ends[place + 1]]
                };
                let body: Vec<_> = (0..segments).flat_map(segment).copied().collect();
                let stream = [&streams[0][..crash_sim::BODY], &body].concat();
                match forks.decrypt_on(&disk, &stream) {
                    Ok(plaintext) => {
                        assert!(
                            plaintext == sealed[branch(segments - 1)].expected,
                            "{begun} {committed} {mix}"
                        );
                        whole += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(whole >= 14 && refused > 100, "{whole} whole, {refused} refused");
    }
}
