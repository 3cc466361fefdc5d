//! §19.9 The resume key: one line of text, with the content key of a stream whose writer cannot
//! open it.
//!
//! ```text
//! sv2-resume-key-1 STREAM_SALT CONTENT_KEY ENVELOPE RECIPIENTS OUTPUT CRC
//! ```
//!
//! This file knows the line. Where it is kept, and when, is decided by the program that resumes.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use sha3::{Digest, Sha3_256};
use zeroize::Zeroizing;

use super::{ContentKey, StreamOpener};
use crate::limits::STREAM_HEADER_LEN;
use crate::wire::{HeaderV1, STREAM_FIXED_LEN, crc32c};
use crate::{Error, Misuse};

/// The first word of the line.
const FORM: &str = "sv2-resume-key-1";
const CRC_DIGITS: usize = 8;
/// Bytes of stream_salt that name the file.
const NAME_LEN: usize = 16;

/// The content key of an unfinished stream, and what shows that the stream is still the same.
///
/// `Debug` does not show the key.
pub struct ResumeKey {
    stream_salt: [u8; 32],
    key: ContentKey,
    /// SHA3-256 of the stream from byte 112 up to the body.
    envelope: [u8; 32],
    /// SHA3-256 of the recipients.
    recipients: [u8; 32],
    output: Vec<u8>,
}

impl fmt::Debug for ResumeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeKey").finish_non_exhaustive()
    }
}

impl ResumeKey {
    /// Returns the resume key of the stream of `header`, whose envelope and CRC are `envelope`.
    ///
    /// `recipients` are the texts of those for whom the content key is wrapped, in any order.
    /// `output` is the absolute path of the output, or its address.
    #[must_use]
    pub fn new<'r>(
        header: &HeaderV1,
        envelope: &[u8],
        key: &ContentKey,
        recipients: impl IntoIterator<Item = &'r str>,
        output: &[u8],
    ) -> Self {
        Self {
            stream_salt: header.params().stream_salt,
            key: key.clone(),
            envelope: digest_of_envelope(header, envelope),
            recipients: digest_of_recipients(recipients),
            output: output.into(),
        }
    }

    /// Parses the content of a file. Returns `None` if it is anything but one whole line.
    ///
    /// The caller overwrites `text`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let line = text.strip_suffix(b"\n")?;
        let (covered, digits) = line.split_at_checked(line.len().checked_sub(CRC_DIGITS)?)?;
        if u32::from_be_bytes(decoded(digits)?) != crc32c(covered) {
            return None;
        }
        let mut words = covered.strip_suffix(b" ")?.split(|&byte| byte == b' ');
        let mut word = || words.next();
        if word()? != FORM.as_bytes() {
            return None;
        }
        let stream_salt = decoded(word()?)?;
        let key = word()?;
        let key = ContentKey::filled_by(|bytes| decode(key, bytes).ok_or(())).ok()?;
        let (envelope, recipients) = (decoded(word()?)?, decoded(word()?)?);
        let digits = word().filter(|digits| !digits.is_empty() && digits.len() % 2 == 0)?;
        let mut output = alloc::vec![0; digits.len() / 2];
        decode(digits, &mut output)?;
        let resume_key = Self { stream_salt, key, envelope, recipients, output };
        words.next().is_none().then_some(resume_key)
    }

    /// Returns the line, with its LF.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<Vec<u8>> {
        let digits = 2 * (4 * 32 + self.output.len()) + CRC_DIGITS;
        // The full capacity from the beginning: growing would leave a copy of the key behind.
        let mut text = Zeroizing::new(Vec::with_capacity(FORM.len() + digits + 7));
        text.extend_from_slice(FORM.as_bytes());
        let key: &[u8] = self.key.bytes();
        for bytes in [&self.stream_salt, key, &self.envelope, &self.recipients, &self.output] {
            text.push(b' ');
            push_hex(&mut text, bytes);
        }
        text.push(b' ');
        let crc = crc32c(&text);
        push_hex(&mut text, &crc.to_be_bytes());
        text.push(b'\n');
        text
    }

    /// Returns the name of the file for a stream.
    #[must_use]
    pub fn file_name(stream_salt: &[u8; 32]) -> String {
        let mut name = Vec::with_capacity(2 * NAME_LEN);
        push_hex(&mut name, &stream_salt[..NAME_LEN]);
        name.into_iter().map(char::from).collect()
    }

    /// Returns the salt of its stream.
    #[must_use]
    pub const fn stream_salt(&self) -> &[u8; 32] {
        &self.stream_salt
    }

    /// Returns the absolute path or the address of the output.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Opens the stream of `header` to resume it, for the same recipients and the same envelope.
    ///
    /// # Errors
    ///
    /// - `key.envelope` if the envelope was exchanged (SV2-RES-022).
    /// - `misuse` for other recipients.
    /// - `key.header_tag` if the context is another one, or the stream.
    pub fn open<'r>(
        &self,
        header: &HeaderV1,
        envelope: &[u8],
        context: &[u8],
        recipients: impl IntoIterator<Item = &'r str>,
    ) -> Result<StreamOpener, Error> {
        //= spec/stream-v2.md#sv2-res-022
        //# A writer that resumes with a resume key MUST report `key.envelope`, and change nothing,
        //# if the bytes from 112 up to the body are not those that it wrote.
        if digest_of_envelope(header, envelope) != self.envelope {
            return Err(Error::key_envelope());
        }
        if digest_of_recipients(recipients) != self.recipients {
            return Err(Error::misuse(Misuse::OtherRecipients));
        }
        StreamOpener::new(header, &self.key, context)
    }
}

fn digest_of_envelope(header: &HeaderV1, envelope: &[u8]) -> [u8; 32] {
    Sha3_256::new()
        .chain_update(&header.to_bytes()[STREAM_FIXED_LEN..])
        .chain_update(envelope)
        .finalize()
        .into()
}

fn digest_of_recipients<'r>(recipients: impl IntoIterator<Item = &'r str>) -> [u8; 32] {
    let sorted: BTreeSet<&str> = recipients.into_iter().collect();
    let lines = sorted.into_iter().fold(Sha3_256::new(), |digest, recipient| {
        digest.chain_update(recipient.as_bytes()).chain_update(b"\n")
    });
    lines.finalize().into()
}

fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.push(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    }
}

fn decoded<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    decode(digits, &mut bytes).map(|()| bytes)
}

/// Decodes as many hexadecimal digits as fill `bytes`.
fn decode(digits: &[u8], bytes: &mut [u8]) -> Option<()> {
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (pair, byte) in digits.as_chunks::<2>().0.iter().zip(bytes) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(())
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

const _: () = assert!(NAME_LEN <= 32 && STREAM_FIXED_LEN < STREAM_HEADER_LEN);

#[cfg(test)]
mod tests {
    use alloc::vec;
    use std::string::ToString;

    use proptest::prelude::*;

    use super::*;
    use crate::Detail;
    use crate::crypto::StreamSealer;
    use crate::envelope::{Envelope, WrappedKey};
    use crate::wire::StreamParams;

    const RECIPIENTS: [&str; 2] = ["age1b", "age1a"];

    fn key() -> ContentKey {
        ContentKey::new([9; 32])
    }

    fn envelope(salt: u8) -> Envelope {
        let outer = ContentKey::new([7; 32]);
        Envelope::new([WrappedKey::by_key(&outer, outer.id(), [salt; 32], &key()).unwrap()]).unwrap()
    }

    fn header(envelope: &Envelope) -> HeaderV1 {
        let stream = StreamSealer::new(StreamParams::new([0x3C; 32]), &key(), b"context").unwrap();
        *stream.with_envelope_len(envelope.envelope_len()).unwrap().header()
    }

    fn resume_key() -> ResumeKey {
        let envelope = envelope(1);
        ResumeKey::new(&header(&envelope), envelope.as_bytes(), &key(), RECIPIENTS, b"/srv/out.sv2")
    }

    #[test]
    fn line_is_that_of_the_specification() {
        let text = resume_key().to_text();
        let line = std::str::from_utf8(&text).unwrap();
        let words: Vec<&str> = line.trim_end().split(' ').collect();
        assert_eq!(words.len(), 7);
        assert_eq!(words[..3], ["sv2-resume-key-1", &"3c".repeat(32), &"09".repeat(32)]);
        let sorted = Sha3_256::digest(b"age1a\nage1b\n");
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect::<String>();
        assert_eq!(words[4], hex(&sorted));
        let envelope = envelope(1);
        let stream = [&header(&envelope).to_bytes()[..], envelope.as_bytes()].concat();
        assert_eq!(words[3], hex(&Sha3_256::digest(&stream[112..])));
        assert_eq!(words[5], hex(b"/srv/out.sv2"));
        let covered = line.rsplit_once(' ').unwrap().0.to_string() + " ";
        assert_eq!(words[6], alloc::format!("{:08x}", crc32c(covered.as_bytes())));
        assert!(line.ends_with('\n') && !alloc::format!("{:?}", resume_key()).contains("[9, 9"));
        assert_eq!(ResumeKey::file_name(&[0x3C; 32]), "3c".repeat(16));
    }

    //= spec/stream-v2.md#sv2-res-022
    //= type=test
    //# A writer that resumes with a resume key MUST report `key.envelope`, and change nothing, if
    //# the bytes from 112 up to the body are not those that it wrote.
    #[test]
    fn exchanged_envelope_is_refused() {
        let found = ResumeKey::parse(&resume_key().to_text()).unwrap();
        let open = |envelope: &Envelope, recipients: &[&'static str], context: &[u8]| {
            let opened =
                found.open(&header(envelope), envelope.as_bytes(), context, recipients.iter().copied());
            opened.map(|_| ()).map_err(|error| (error.detail(), error.offset().0, error.rule()))
        };
        let written = envelope(1);
        assert_eq!(open(&written, &RECIPIENTS, b"context"), Ok(()));
        assert_eq!(open(&written, &["age1a", "age1b", "age1a"], b"context"), Ok(()));
        let exchanged = Err((Detail::KeyEnvelope, 128, None));
        assert_eq!(open(&envelope(2), &RECIPIENTS, b"context"), exchanged);
        let longer =
            Envelope::with_len([WrappedKey::by_key(&key(), [0; 16], [1; 32], &key()).unwrap()], 2044);
        assert_eq!(open(&longer.unwrap(), &RECIPIENTS, b"context"), exchanged);
        let others = Err((Detail::Misuse, 0, Some(Misuse::OtherRecipients)));
        for recipients in [&["age1a"][..], &["age1a", "age1b", "age1c"], &["age1a", "age1B"], &[]] {
            assert_eq!(open(&written, recipients, b"context"), others);
        }
        assert_eq!(open(&written, &RECIPIENTS, b""), Err((Detail::KeyHeaderTag, 80, None)));
    }

    #[test]
    fn damaged_lines_are_not_used() {
        let text = resume_key().to_text();
        for len in 0..text.len() {
            assert!(ResumeKey::parse(&text[..len]).is_none(), "{len}");
        }
        for bit in 0..8 * text.len() {
            let mut damaged = text.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(ResumeKey::parse(&damaged).is_none(), "{bit}");
        }
    }

    /// Lines with a correct CRC that no writer writes.
    #[test]
    fn other_lines_are_not_used() {
        let checked = |covered: &str| {
            let crc = crc32c(covered.as_bytes());
            ResumeKey::parse(alloc::format!("{covered}{crc:08x}\n").as_bytes()).is_some()
        };
        let text = resume_key().to_text();
        let line = std::str::from_utf8(&text).unwrap();
        let covered = line[..line.len() - 9].to_string();
        assert!(checked(&covered));
        for other in [
            covered.replace("key-1", "key-2"),
            covered.replace(" 0909", "  0909"),
            covered.replace("3c3c", "3C3C"),
            covered.replace("3c3c", "3c"),
            covered.replace(" 2f", " 2"),
            covered.clone() + "00 ",
            covered.clone() + " ",
            covered.trim_end().to_string(),
            covered.replace(' ', "\t"),
            covered.rsplitn(3, ' ').last().unwrap().to_string() + "  ",
            String::from(" ") + &covered,
        ] {
            assert!(!checked(&other), "{other}");
        }
        assert!(ResumeKey::parse(&[&text[..], b"\n"].concat()).is_none());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(output in prop::collection::vec(any::<u8>(), 1..300), salt in any::<[u8; 32]>()) {
            let written = ResumeKey { stream_salt: salt, output, ..resume_key() };
            let text = written.to_text();
            prop_assert_eq!(text.capacity(), text.len());
            let read = ResumeKey::parse(&text).unwrap();
            prop_assert_eq!((read.stream_salt(), read.output()), (&salt, &written.output[..]));
            prop_assert_eq!(read.to_text(), text);
        }

        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(ResumeKey::parse(&bytes).is_none());
            prop_assert!(ResumeKey::parse(&vec![b' '; bytes.len()]).is_none());
        }
    }
}
