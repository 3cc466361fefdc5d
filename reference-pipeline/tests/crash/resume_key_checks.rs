//! What a resume with a resume key refuses, when none is kept, and how an output is given up
//! (§19.9).

use std::io::ErrorKind;
use std::path::Path;

use stream_v2_format::crypto::ContentKey;
use stream_v2_format::envelope::{Envelope, WrappedKey};
use stream_v2_format::{Detail, Misuse};
use stream_v2_pipeline::{Credentials, Error, InterruptedEncryption, Recipients, SourceStamp};
use stream_v2_testing::crash_sim::encryption::{Encryption, Wrapped};
use stream_v2_testing::crash_sim::sim::{Contents, Op, Sim};
use stream_v2_testing::crash_sim::states::{kills, lost_power};
use stream_v2_testing::crash_sim::{BODY, output};

use crate::resume_key::{ENVELOPE, disk_of, encryption, key_in};

/// Looks for the output of an earlier run, without a change.
fn found(encryption: &Encryption, contents: &Contents) -> Result<bool, Error> {
    let sim = Sim::new(contents.clone());
    let output = encryption.keeping(&sim, output(&sim));
    let found = InterruptedEncryption::find(&encryption.pipeline(), &output);
    assert_eq!(sim.log(), [], "nothing is changed by looking");
    found.map(|found| found.is_some())
}

fn refused(encryption: &Encryption, contents: &Contents) -> (Detail, u64, Option<Misuse>) {
    let error = found(encryption, contents).unwrap_err();
    let error = error.format_error().unwrap();
    (error.detail(), error.offset().0, error.rule())
}

/// Resumes what other people's runs have left.
#[test]
fn other_recipients_do_not_resume() {
    let mut encryption = encryption(3);
    let first = encryption.first();
    for wanted in [("header", false, false, true), ("segments", false, true, true)] {
        let contents = disk_of(&first, wanted);
        assert!(found(&encryption, &contents).unwrap());
        for recipients in [&[1][..], &[2], &[1, 2, 3], &[3]] {
            let files = recipients.iter().map(|number| Wrapped::key_file(*number));
            let wrapped = encryption.wrapped.as_mut().unwrap();
            wrapped.recipients = files.fold(Recipients::new(), Recipients::with_key_file);
            let other = (Detail::Misuse, 0, Some(Misuse::OtherRecipients));
            assert_eq!(refused(&encryption, &contents), other);
        }
        encryption.wrapped = Some(Wrapped::for_others());
    }
}

//= spec/stream-v2.md#sv2-res-022
//= type=test
//# A writer that resumes with a resume key MUST report `key.envelope`, and change nothing, if the
//# bytes from 112 up to the body are not those that it wrote.
#[test]
fn exchanged_envelope_is_refused() {
    let encryption = encryption(3);
    let first = encryption.first();
    // Whoever can write to the output wraps another content key in an envelope of the same length.
    let (key, other) = (Wrapped::key_file(3), ContentKey::new([5; 32]));
    let wrapped = WrappedKey::by_key(&key.key, key.key_id, [7; 32], &other).unwrap();
    let envelope = Envelope::new([wrapped]).unwrap();
    assert_eq!(envelope.as_bytes().len(), ENVELOPE);
    for wanted in [("header", false, false, true), ("segments", false, true, true)] {
        let mut contents = disk_of(&first, wanted);
        let file = contents.names[Path::new("out.partial")];
        contents.files[file][BODY..BODY + ENVELOPE].copy_from_slice(envelope.as_bytes());
        assert_eq!(refused(&encryption, &contents), (Detail::KeyEnvelope, 128, None));
    }
}

/// Without its resume key, or with that of another stream, nothing opens the output.
#[test]
fn exchanged_resume_key_is_not_used() {
    let encryption = encryption(3);
    let (first, second) = (encryption.first(), encryption.first());
    let wanted = ("segments", false, true, true);
    let (contents, other) = (disk_of(&first, wanted), disk_of(&second, wanted));
    let nothing = (Detail::Misuse, 0, Some(Misuse::NothingForEnvelope));
    let name = contents.names.keys().find(|name| name.starts_with("state")).unwrap().clone();
    let whole = key_in(&contents).unwrap().clone();
    let digit = if whole[90] == b'0' { b'1' } else { b'0' };
    let altered = [&whole[..90], &[digit], &whole[91..]].concat();
    for key in [key_in(&other).unwrap().clone(), Vec::new(), whole[..200].to_vec(), altered] {
        let mut contents = contents.clone();
        contents.put(name.to_str().unwrap(), key);
        assert_eq!(refused(&encryption, &contents), nothing);
    }
    let mut without = contents.clone();
    without.names.remove(&name);
    assert_eq!(refused(&encryption, &without), nothing);
    // Anything that opens the envelope resumes it.
    let mut elsewhere = crate::resume_key::encryption(3);
    elsewhere.wrapped.as_mut().unwrap().brought = Wrapped::opens();
    elsewhere.again(&first, &without);
    // The resume key is removed in any case.
    elsewhere.again(&first, &contents);
}

/// Another machine has another state folder.
#[test]
fn another_machine_resumes_with_a_key() {
    let mut elsewhere = encryption(2);
    elsewhere.wrapped.as_mut().unwrap().brought = Wrapped::opens();
    let first = encryption(2).first();
    for place in kills(&first.log, 2) {
        let mut contents = first.killed(place);
        contents.names.retain(|name, _| !name.starts_with("state"));
        elsewhere.again(&first, &contents);
    }
}

/// The writer has a key of the envelope, its caller asks for no resume key, or has no folder.
#[test]
fn none_is_kept_without_need() {
    let kept = |encryption: &Encryption| {
        let first = encryption.first();
        first.log.iter().any(|op| matches!(op, Op::Create(name, _) if name.starts_with("state")))
    };
    let mut encryption = encryption(1);
    assert!(kept(&encryption));
    let with = |wrapped: Wrapped| Some(wrapped);
    encryption.wrapped = with(Wrapped { brought: Wrapped::opens(), ..Wrapped::for_others() });
    assert!(!kept(&encryption));
    encryption.wrapped = with(Wrapped { keeps: false, ..Wrapped::for_others() });
    assert!(!kept(&encryption));
    // A key of somebody else.
    let brought = Credentials::new().with_key_file(Wrapped::key_file(9));
    encryption.wrapped = with(Wrapped { brought, ..Wrapped::for_others() });
    assert!(kept(&encryption));
}

//= spec/stream-v2.md#sv2-res-021
//= type=test
//# A writer that gives up an output MUST remove its resume key durably first.
#[test]
fn output_is_given_up_after_its_resume_key() {
    let encryption = encryption(2);
    let first = encryption.first();
    let is_begun = |contents: &Contents| {
        contents.file("out.partial").is_some() && contents.file("out").is_none() && key_in(contents).is_some()
    };
    for place in kills(&first.log, 2).filter(|&place| is_begun(&first.killed(place))) {
        let start = first.killed(place);
        let sim = Sim::new(start.clone());
        encryption.keeping(&sim, output(&sim)).discard().unwrap();
        assert_eq!(sim.contents().names(), [""; 0]);
        let begun = first.log[..place.0].iter();
        let log: Vec<Op> = begun.cloned().chain(sim.log()).collect();
        lost_power(&first.start, &log, place.0 + 1, |_, contents| {
            let is_there = |name| contents.file(name).is_some();
            // Once a file of the output is gone, the key is gone.
            let has_segments = start.file("out.partial").unwrap().len() > BODY + ENVELOPE;
            if has_segments && !(is_there("out.partial") && is_there("out.journal")) {
                assert!(key_in(contents).is_none());
            }
            restarted(&encryption, contents);
        });
    }
}

/// Starts over on a disk, as `--restart` does.
fn restarted(encryption: &Encryption, contents: &Contents) {
    let sim = Sim::new(contents.clone());
    encryption.keeping(&sim, output(&sim)).discard().unwrap();
    assert_eq!(sim.contents().names(), [""; 0]);
    let (found, sim) = encryption.run(&sim.contents());
    assert_eq!(found.unwrap(), None);
    encryption.assert_complete(&sim.contents());
}

/// The row in which nothing can be verified.
#[test]
fn result_without_resume_key_is_told_by_checksums() {
    let encryption = encryption(3);
    let first = encryption.first();
    let contents = disk_of(&first, ("none", true, true, false));
    let complete = |encryption: &Encryption, contents: &Contents| {
        let sim = Sim::new(contents.clone());
        let output = encryption.keeping(&sim, output(&sim));
        let done = encryption.pipeline().complete_without_key(&output, encryption.stamp).unwrap();
        assert_eq!(sim.contents().file("out"), contents.file("out"), "no byte of the result is changed");
        let is_clear = sim.contents().names() == ["out"];
        assert_eq!(is_clear, done);
        assert!(done || sim.log().is_empty());
        done
    };
    assert!(complete(&encryption, &contents));
    // Another source, or one of which too little is known.
    for stamp in [
        SourceStamp { len: Some(1), ..encryption.stamp },
        SourceStamp { mtime: Some(8), ..encryption.stamp },
        SourceStamp { mtime: None, ..encryption.stamp },
        SourceStamp::default(),
    ] {
        assert!(!complete(&Encryption { stamp, ..crate::resume_key::encryption(3) }, &contents));
    }
    let (result, journal) = (contents.names[Path::new("out")], contents.names[Path::new("out.journal")]);
    let last = contents.files[result].len() - 1;
    for (file, place) in
        [(result, last), (result, last - 150), (result, 33), (journal, 16 + 33), (journal, 0)]
    {
        let mut changed = contents.clone();
        changed.files[file][place] ^= 1;
        assert!(!complete(&encryption, &changed), "{file} {place}");
    }
    for cut in [1, 200, 300] {
        let mut cut_off = contents.clone();
        cut_off.files[result].truncate(last + 1 - cut);
        assert!(!complete(&encryption, &cut_off), "{cut}");
    }
    // With the key it would be verified.
    let before = disk_of(&first, ("none", true, true, true));
    assert!(!complete(&encryption, &before));
    let mut with_key = crate::resume_key::encryption(3);
    with_key.wrapped.as_mut().unwrap().brought = Wrapped::opens();
    assert!(!complete(&with_key, &contents));
}

/// A name that the writer may not use stays as it is.
#[test]
fn foreign_result_is_not_taken() {
    let encryption = encryption(2);
    let mut contents = Contents::default();
    contents.put("out", b"of another program".to_vec());
    let sim = Sim::new(contents.clone());
    let plain = encryption.keeping(&sim, output(&sim));
    assert!(!encryption.pipeline().complete_without_key(&plain, encryption.stamp).unwrap());
    let created = stream_v2_pipeline::FileSink::create(&plain);
    assert_eq!(created.err().unwrap().kind(), ErrorKind::AlreadyExists);
    assert_eq!(sim.contents(), contents);
}
