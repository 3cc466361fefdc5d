//! Opens envelopes of strangers, and envelopes that were wrapped and replaced (§12).

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use stream_v2_format::Detail;
use stream_v2_format::crypto::StreamSealer;
use stream_v2_format::envelope::{Argon2idLimits, EnvelopeView, write_envelope};
use stream_v2_format::wire::{HeaderV1, StanzaType, StreamParams};
use stream_v2_pipeline::{Credentials, Identity, KeyFile, Passphrase, Recipients, Rewrap};
use zeroize::Zeroizing;

use crate::reader::key;

/// Enough for the parameters of the vectors, and quick.
const LIMITS: Argon2idLimits = Argon2idLimits::DEFAULT.with_memory_kib(64).with_work_kib(64);
const KEY_FILES: u8 = 3;

static IDENTITY: LazyLock<Identity> = LazyLock::new(Identity::generate);

/// Opens an envelope, or wraps, replaces and opens one. The first byte chooses.
pub fn unlock(data: &[u8]) {
    match data.split_first() {
        Some((0..128, envelope)) => of_a_stranger(envelope),
        Some((_, values)) => {
            // If there are too few values, nothing is wrapped.
            let _ = replaced(&mut Unstructured::new(values));
        }
        None => {}
    }
}

/// No envelope causes a panic or opens a stream, and each has one error.
fn of_a_stranger(input: &[u8]) {
    // The length of an envelope is a multiple of 8, less 4.
    let len = input.len().saturating_sub(4) / 8 * 8 + 4;
    let (Some(stanzas), Ok(len)) = (input.get(..len), u32::try_from(len)) else { return };
    let parsed = EnvelopeView::parse(&with_crc(stanzas), len).map(|parsed| parsed.complete().is_some());
    if parsed != Ok(true) {
        return;
    }
    let Some(header) = header(len) else { return };
    let credentials = files(0b111).with_identity(IDENTITY.clone()).with_limits(LIMITS);
    let credentials = credentials.with_passphrase(Passphrase::new(Zeroizing::new(b"phrase".to_vec())));
    let error = credentials.open(&header, &with_crc(stanzas), b"").map(|(_, by)| by).unwrap_err();
    // Nothing is asked for, so each error is one of the format.
    let detail = error.format_error().unwrap().detail();
    let is_expected = matches!(
        detail,
        Detail::KeyEnvelope
            | Detail::KeyHeaderTag
            | Detail::Misuse
            | Detail::UnsupportedEnvelope
            | Detail::LimitPolicy
            | Detail::LimitArgon2id
            | Detail::MalformedEnvelope
    );
    assert!(is_expected, "{error}");
}

fn with_crc(stanzas: &[u8]) -> Vec<u8> {
    [stanzas, &stream_v2_format::wire::crc32c(stanzas).to_le_bytes()].concat()
}

fn header(envelope_len: u32) -> Option<HeaderV1> {
    let sealer = StreamSealer::new(StreamParams::new([1; 32]), &key(), b"").unwrap();
    sealer.with_envelope_len(envelope_len).ok().map(|sealer| *sealer.header())
}

fn file(number: u8) -> KeyFile {
    KeyFile::parse(KeyFile::text(&[number; 32]).as_bytes()).unwrap()
}

/// The key files whose bits are set.
fn files(set: u8) -> Credentials {
    chosen(set).fold(Credentials::new(), Credentials::with_key_file)
}

fn chosen(set: u8) -> impl Iterator<Item = KeyFile> {
    (0..KEY_FILES).filter(move |number| set >> number & 1 == 1).map(file)
}

fn recipients(set: u8) -> Recipients {
    let to = chosen(set).fold(Recipients::new(), Recipients::with_key_file);
    if set >> KEY_FILES & 1 == 1 { to.with_identity(IDENTITY.clone()) } else { to }
}

/// Each of the keys that an envelope was wrapped for opens it, and no other does. So it is after it
/// was replaced, and the old keys open it no more.
fn replaced(values: &mut Unstructured<'_>) -> Result<()> {
    let (first, second): (u8, u8) = (values.int_in_range(1..=15)?, values.int_in_range(1..=15)?);
    let brought = Credentials::new().with_content_key(key());
    // The first envelope takes the place of padding, and wraps the content key of the caller.
    let room = write_envelope(&[(StanzaType::Padding.value(), &[0; 1016])]).unwrap();
    let begin = header(1020).unwrap();
    let to = recipients(first);
    let rewrap = Rewrap::new(&brought, &to).wrapping_brought_keys(true);
    let unlocked = rewrap.unlock(&begin, &room).unwrap();
    let Ok(old) = rewrap.wrap_in_place(&unlocked) else { return Ok(()) };
    opens_for(first, &begin, old.as_bytes());
    let (credentials, to) = (recipients(first).credentials(), recipients(second));
    let rewrap = Rewrap::new(&credentials, &to);
    let unlocked = rewrap.unlock(&begin, old.as_bytes()).unwrap();
    let Ok(new) = rewrap.wrap_in_place(&unlocked) else { return Ok(()) };
    assert_eq!(new.as_bytes().len(), old.as_bytes().len());
    opens_for(second, &begin, new.as_bytes());
    // A byte is altered, behind a checksum that fits.
    let (at, mask): (usize, u8) =
        (values.choose_index(new.as_bytes().len() - 4)?, values.int_in_range(1..=255)?);
    let mut altered = new.as_bytes()[..new.as_bytes().len() - 4].to_vec();
    altered[at] ^= mask;
    let len = u32::try_from(altered.len()).unwrap();
    let altered = with_crc(&altered);
    if EnvelopeView::parse(&altered, len).is_ok_and(|parsed| parsed.complete().is_some()) {
        // It may open, because the reader compares header_tag.
        let _ = recipients(second).credentials().open(&begin, &altered, b"");
    }
    Ok(())
}

fn opens_for(set: u8, header: &HeaderV1, envelope: &[u8]) {
    for number in 0..KEY_FILES {
        let opened = files(1 << number).open(header, envelope, b"");
        assert_eq!(opened.is_ok(), set >> number & 1 == 1);
    }
    let opened = Credentials::new().with_identity(IDENTITY.clone()).open(header, envelope, b"");
    assert_eq!(opened.is_ok(), set >> KEY_FILES & 1 == 1);
}
