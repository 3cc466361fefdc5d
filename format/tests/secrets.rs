//! No key stays in memory after a stream was written and read on threads and everything was dropped
//! (SV2-KEY-004).
//!
//! This is a separate binary, because it searches all of its memory.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::thread;

use stream_v2_format::crypto::{
    ContentKey, Journal, JournalKey, Run, RunSalt, SegmentOpener, SegmentSealer, StreamOpener, StreamSealer,
    Transcript,
};
use stream_v2_format::envelope::{Envelope, KeyView, WrappedKey};
use stream_v2_format::wire::{DigestAlg, JournalRole, RunLink, StreamParams, Suite};
use stream_v2_format::{Offset, SegmentIndex};
use stream_v2_own_memory::{Hidden, Stream, derive, found, unmask};

const NAME: &str = "no_key_is_left_in_memory";
/// A stand-in for a key, masked, so that no constant of the program is the key itself.
const CONTENT_KEY: [u8; 32] = *b"under a mask, to be found never!";
/// Another one, under the same mask.
const WRAPPING_KEY: [u8; 32] = *b"masked as well, and never found!";
const RUN_SALT: [u8; 16] = [0x40; 16];
const SEGMENTS: u32 = 6;
const LEN: u32 = 10_000;

fn content_key(masked: [u8; 32]) -> ContentKey {
    ContentKey::filled_by(|key| {
        unmask(&masked, key);
        Ok::<_, ()>(())
    })
    .unwrap()
}

fn params(suite: Suite) -> StreamParams {
    StreamParams::new([7; 32])
        .with_suite(suite)
        .with_uniform(false)
        .with_frame_size_log2(12)
        .with_segment_size(16_384)
        .with_epoch_segments(2)
}

/// Writes segments on one thread and reads them on another.
///
/// `alive` is called while both threads have all of their keys.
fn use_keys(suite: Suite, digest_alg: DigestAlg, alive: impl Fn() + Send) {
    let key = content_key(CONTENT_KEY);
    let writer = StreamSealer::new(params(suite), &key, b"").unwrap();
    let reader = StreamOpener::new(writer.header(), &key, b"").unwrap();
    let journal_key = JournalKey::from(&writer);
    let header = journal_key.header(JournalRole::Encrypt, (None, None), [9; 16]);
    let journal = Journal::begin(journal_key, header).header_bytes();
    let sealed = thread::scope(|scope| {
        let run =
            Run::resuming(RunSalt::new(RUN_SALT), SegmentIndex::FIRST, Transcript::EMPTY, RunLink::NONE);
        let mut sealer = SegmentSealer::new(&writer, run).with_digest_alg(digest_alg);
        let seal = move |index| {
            let mut wire = vec![0; sealer.wire_len(SegmentIndex(index), LEN)];
            let sealed = sealer.seal_data(SegmentIndex(index), &[b'p'; LEN as usize], &mut wire).unwrap();
            (sealed, wire)
        };
        scope.spawn(move || (0..SEGMENTS).map(seal).collect::<Vec<_>>()).join().unwrap()
    });
    thread::scope(|scope| {
        let (mut opener, reader) = (SegmentOpener::new(&reader), &reader);
        let open = move || {
            for (sealed, wire) in &sealed {
                let before = sealed.header.index.0.into();
                let header = reader.authenticate(&sealed.header.to_bytes(), Offset(128), before);
                let header = header.unwrap().complete().unwrap().0;
                let mut payload = vec![0; LEN as usize];
                opener.open(&header, wire, &mut payload).unwrap();
                let tail = &wire[wire.len() - opener.tail_len(&header)..];
                opener.open_tail(&header, tail).unwrap();
            }
            alive();
        };
        scope.spawn(open).join().unwrap();
    });
    Journal::read(JournalKey::from(&reader), JournalRole::Encrypt, &journal).unwrap();
}

/// Wraps the content key under another key, and unwraps it, on a thread.
///
/// `alive` is called while the thread has both keys.
fn use_envelope(alive: impl Fn() + Send) {
    let work = move || {
        let (key, wrapping_key) = (content_key(CONTENT_KEY), content_key(WRAPPING_KEY));
        let wrapped = WrappedKey::by_key(&wrapping_key, [3; 16], [5; 32], &key).unwrap();
        let envelope = Envelope::new([wrapped]).unwrap();
        let view = envelope.view().stanzas().find_map(|stanza| KeyView::parse(&stanza)).unwrap();
        let unwrapped = view.unwrap(&wrapping_key).unwrap();
        alive();
        assert_eq!(unwrapped.id(), key.id());
    };
    thread::scope(|scope| scope.spawn(work).join().unwrap());
}

fn secrets(suite: Suite) -> Vec<Hidden> {
    let key = content_key(CONTENT_KEY);
    let header = StreamSealer::new(params(suite), &key, b"").unwrap().header_bytes();
    let epochs = SEGMENTS as usize / 2;
    derive(NAME, &Stream { content_key: CONTENT_KEY, header, run_salts: vec![RUN_SALT], epochs })
}

//= spec/stream-v2.md#sv2-key-004
//= type=test
//# An implementation SHOULD overwrite keys in memory when it no longer needs them.
#[test]
fn no_key_is_left_in_memory() {
    for suite in [Suite::XChaCha20Poly1305, Suite::Aes256Gcm] {
        let secrets = secrets(suite);
        for digest_alg in [DigestAlg::HmacSha3OverTags, DigestAlg::Sha3OverFrames] {
            use_keys(suite, digest_alg, || {
                let alive = found(&secrets).join("\n");
                for name in ["the content key", "K_segment", "K_digest(2)"] {
                    assert!(
                        alive.contains(name),
                        "the search does not find {name}, which is in use: {alive}"
                    );
                }
            });
            let left = found(&secrets);
            assert!(left.is_empty(), "{}, {digest_alg:?}:\n{}", suite.name(), left.join("\n"));
        }
    }
    let secrets = [("the content key", CONTENT_KEY), ("the wrapping key", WRAPPING_KEY)];
    let secrets = secrets.map(|(name, masked)| Hidden::masked(name, masked));
    use_envelope(|| {
        let alive = found(&secrets).join("\n");
        assert!(alive.contains("the content key") && alive.contains("the wrapping key"), "{alive}");
    });
    let left = found(&secrets);
    assert!(left.is_empty(), "envelope:\n{}", left.join("\n"));
}
