//! Rewrapping through the library: what is read and written, and who may be wrapped for.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use stream_v2::error::ErrorKind;
use stream_v2::file::Source;
use stream_v2::format::Misuse;
use stream_v2::format::SegmentIndex;
use stream_v2::format::crypto::{Progress, Run, RunSalt, SegmentSealer, StreamSealer};
use stream_v2::format::envelope::{Envelope, WrappedKey};
use stream_v2::format::wire::{StreamParams, Trailer};
use stream_v2::key::{Argon2idParams, Credentials, KeyFile, Passphrase, Recipients};
use stream_v2::rewrap::Rewrap;
use stream_v2::{ContentKey, Decryptor, Options, Unlock, encrypt_file};

fn key_file(key: u8) -> KeyFile {
    KeyFile::parse(KeyFile::text(&[key; 32]).as_bytes()).unwrap()
}

fn credentials(key: u8) -> Credentials {
    Credentials::new().with_key_file(key_file(key))
}

fn recipients(key: u8) -> Recipients {
    Recipients::new().with_key_file(key_file(key))
}

fn opens(path: &Path, credentials: Credentials) -> bool {
    let unlock = Unlock::with(credentials);
    Decryptor::over(File::open(path).unwrap()).unwrap().unlock_ranges(&unlock).is_ok()
}

/// Writes a sparse stream of this length, with its first segment and its last one.
fn write_sparse(path: &Path, len: u64) {
    let content_key = ContentKey::new([9; 32]);
    let wrapped = WrappedKey::by_key(&key_file(1).key, key_file(1).key_id, [3; 32], &content_key).unwrap();
    let envelope = Envelope::new([wrapped]).unwrap();
    let stream = StreamSealer::new(StreamParams::new([4; 32]), &content_key, b"").unwrap();
    let stream = stream.with_envelope_len(envelope.envelope_len()).unwrap();
    let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new([5; 16])));
    let mut progress = Progress::of_writer(&stream);
    let plaintext = vec![0; stream.header().segment_size() as usize];
    let mut wire = vec![0; sealer.wire_len(SegmentIndex::FIRST, stream.header().segment_size())];
    let sealed = sealer.seal_data(SegmentIndex::FIRST, &plaintext, &mut wire).unwrap();
    progress.sealed(&sealed).unwrap();
    let mut file = File::create(path).unwrap();
    for bytes in [&stream.header_bytes()[..], envelope.as_bytes(), &sealed.header.to_bytes(), &wire] {
        file.write_all(bytes).unwrap();
    }
    let segment_len = 96 + wire.len() as u64;
    let segments = len / segment_len;
    let trailer = Trailer {
        plaintext_len: segments * plaintext.len() as u64,
        position: segments * segment_len,
        ..progress.trailer()
    };
    let mut wire = vec![0; SegmentSealer::final_wire_len()];
    let index = SegmentIndex(segments.try_into().unwrap());
    let sealed = sealer.seal_final(index, &trailer, &mut wire).unwrap();
    file.seek(SeekFrom::Start(stream.header().body_offset().0 + segments * segment_len)).unwrap();
    file.write_all(&sealed.header.to_bytes()).unwrap();
    file.write_all(&wire).unwrap();
}

/// The bytes that this thread has read and written, by its system calls.
#[cfg(target_os = "linux")]
fn moved() -> [u64; 2] {
    let text = fs::read_to_string("/proc/thread-self/io").unwrap();
    ["rchar: ", "wchar: "]
        .map(|name| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn ten_gibibytes_are_rewrapped_by_few_bytes() {
    const LEN: u64 = 10 << 30;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.sv2");
    write_sparse(&path, LEN);
    let len = path.metadata().unwrap().len();
    assert!(len > LEN - (2 << 20));
    let before = moved();
    Rewrap::new(credentials(1), recipients(2)).file(&path).unwrap();
    let after = moved();
    let [read, written] = [after[0] - before[0], after[1] - before[1]];
    println!("{len} bytes: {read} read and {written} written");
    assert!(read < 256 << 10 && written < 256 << 10, "{read} read, {written} written");
    assert!(opens(&path, credentials(2)) && !opens(&path, credentials(1)));
    assert_eq!(path.metadata().unwrap().len(), len);
}

//= spec/stream-v2.md#sv2-env-034
//= type=test
//# A tool MUST NOT wrap a content key that its caller brought, unless its caller says that no other
//# stream has it.
#[test]
fn brought_content_keys_are_wrapped_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    fs::write(path("data"), "hello").unwrap();
    let key = ContentKey::new([7; 32]);
    encrypt_file(&Options::new(&key), path("data"), path("bare.sv2")).unwrap();
    let stream = || File::open(path("bare.sv2")).unwrap();
    let side = stream_v2::file::OutputFile::new(path("side"));
    for brought in [Credentials::new().with_content_key(key), credentials(7)] {
        let rewrap = Rewrap::new(brought, recipients(2));
        let refused = rewrap.detached(stream(), &side).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Option);
        assert_eq!(refused.format_error().unwrap().rule(), Some(Misuse::WrapsBrought));
        let rewrap = rewrap.wrapping_brought_keys(true);
        let (envelope, _) = rewrap.new_detached(stream()).unwrap();
        let unlock = Unlock::with(credentials(2)).detached_envelope(envelope);
        let decryptor = Decryptor::over_for_unlock(stream(), &unlock).unwrap();
        assert_eq!(decryptor.unlock_ranges(&unlock).unwrap().plaintext_len(), 5);
        let in_place = rewrap.file(path("bare.sv2")).unwrap_err();
        assert_eq!(in_place.format_error().unwrap().rule(), Some(Misuse::EnvelopeMissing));
    }
}

//= spec/stream-v2.md#sv2-env-028
//= type=test
//# A tool that replaces an envelope MUST verify header_tag under the content key that it wraps,
//# before it writes.
#[test]
fn an_envelope_of_another_stream_is_not_wrapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    fs::write(path("data"), "hello").unwrap();
    let options = Options::for_recipients(recipients(1));
    for name in ["one.sv2", "two.sv2"] {
        encrypt_file(&options, path("data"), path(name)).unwrap();
    }
    // The stanzas of the one in the other: their content key is that of another stream.
    let (mut one, two) = (fs::read(path("one.sv2")).unwrap(), fs::read(path("two.sv2")).unwrap());
    one[128..1152].copy_from_slice(&two[128..1152]);
    fs::write(path("one.sv2"), &one).unwrap();
    let wrong = Rewrap::new(credentials(1), recipients(2)).file(path("one.sv2")).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Key);
    let context = Rewrap::new(credentials(1), recipients(2)).context("other").file(path("two.sv2"));
    assert_eq!(context.unwrap_err().kind(), ErrorKind::Key);
    assert!(fs::read(path("one.sv2")).unwrap() == one && fs::read(path("two.sv2")).unwrap() == two);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

//= spec/stream-v2.md#sv2-env-029
//= type=test
//# A tool that replaces an envelope MUST NOT take Argon2id parameters from the old envelope.
#[test]
fn a_new_passphrase_has_the_cost_of_its_recipients() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    fs::write(path("data"), "hello").unwrap();
    let passphrase = |text: &str| Passphrase::new(text.as_bytes().to_vec().into());
    let cheap = Argon2idParams::new(65_536, 3, 1);
    let old = Recipients::new().with_passphrase(passphrase("old")).with_argon2id(cheap);
    encrypt_file(&Options::for_recipients(old), path("data"), path("data.sv2")).unwrap();
    let new = Recipients::new().with_passphrase(passphrase("new"));
    let rewrap = Rewrap::new(Credentials::new().with_passphrase(passphrase("old")), new);
    rewrap.file(path("data.sv2")).unwrap();
    let stream = Decryptor::over(File::open(path("data.sv2")).unwrap()).unwrap();
    let stanza = stream.stanzas().next().unwrap();
    let view = stream_v2::format::envelope::Argon2idView::parse(&stanza).unwrap();
    assert_eq!(view.params(), Argon2idParams::RECOMMENDED);
}

//= spec/stream-v2.md#sv2-env-035
//= type=test
//# A reader with a detached envelope MUST apply only SV2-ENV-001 to the stream's own envelope.
#[test]
fn every_reader_takes_a_detached_envelope() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    fs::write(path("data"), vec![7; 3 << 20]).unwrap();
    encrypt_file(&Options::for_recipients(recipients(1)), path("data"), path("data.sv2")).unwrap();
    let rewrap = Rewrap::new(credentials(1), recipients(2));
    let (envelope, _) = rewrap.new_detached(File::open(path("data.sv2")).unwrap()).unwrap();
    let mut file = OpenOptions::new().write(true).open(path("data.sv2")).unwrap();
    file.seek(SeekFrom::Start(200)).unwrap();
    file.write_all(&[0x55; 100]).unwrap();
    let unlock = Unlock::with(credentials(2)).detached_envelope(envelope);
    stream_v2::decrypt_file(&unlock, path("data.sv2"), path("copy")).unwrap();
    assert!(fs::read(path("copy")).unwrap() == fs::read(path("data")).unwrap());
    let recovered = stream_v2::recover(&unlock, File::open(path("data.sv2")).unwrap()).unwrap();
    assert!(recovered.sealed);
    let mut sink = stream_v2::pipeline::WriterSink::new(std::io::sink());
    let source = File::open(path("data.sv2")).unwrap();
    let run = unlock.pipeline().run(source, &mut sink, stream_v2::pipeline::Managers::none()).unwrap();
    assert_eq!(run.plaintext_len, 3 << 20);
    unlock.pipeline().open_ranges(File::open(path("data.sv2")).unwrap()).unwrap();
    // Without it, or cut inside its own envelope.
    let own = Unlock::with(credentials(1));
    assert!(stream_v2::decrypt_file(&own, path("data.sv2"), path("other")).is_err());
    let cut = fs::read(path("data.sv2")).unwrap()[..1000].to_vec();
    let cut = Decryptor::over_for_unlock(cut, &unlock).unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::Truncated);
}

/// A stream whose envelope is torn in the first few reads of its beginning.
struct Torn {
    stream: std::io::Cursor<Vec<u8>>,
    reads: u32,
}

impl Torn {
    fn new(stream: &[u8], reads: u32) -> Self {
        Self { stream: std::io::Cursor::new(stream.to_vec()), reads }
    }
}

impl Read for Torn {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let at = self.stream.position();
        let read = self.stream.read(buffer)?;
        if at == 128 && self.reads > 0 {
            self.reads -= 1;
            buffer[0] ^= 1;
        }
        Ok(read)
    }
}

impl Seek for Torn {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.stream.seek(to)
    }
}

/// A replacement may be under way, so the envelope is read again, three times.
#[test]
fn torn_envelopes_are_read_again() {
    let recipients = recipients(1);
    let mut stream = Vec::new();
    let options = Options::for_recipients(recipients);
    let encryptor = stream_v2::Encryptor::new(&options).unwrap();
    let mut sink = stream_v2::pipeline::WriterSink::new(&mut stream);
    encryptor.encrypt_into(Source::pipe(&b"hello"[..]), &mut sink, &mut |_| {}).unwrap();
    let unlock = Unlock::with(credentials(1));
    for (reads, opens) in [(0, true), (1, true), (3, true), (4, false)] {
        let torn = || Torn::new(&stream, reads);
        let of_source = Decryptor::for_unlock(Source::seekable(torn()), &unlock);
        assert_eq!(of_source.is_ok(), opens, "{reads}");
        assert_eq!(Decryptor::over(Mutex::new(torn())).is_ok(), opens, "{reads}");
        assert_eq!(unlock.pipeline().open_ranges(Mutex::new(torn())).is_ok(), opens, "{reads}");
        assert_eq!(stream_v2::recover(&unlock, torn()).is_ok(), opens, "{reads}");
        assert_eq!(stream_v2::pipeline::KeylessWalk::seeking(torn()).is_ok(), opens, "{reads}");
        // A pipe cannot be read again.
        let piped = Decryptor::for_unlock(Source::pipe(torn()), &unlock);
        assert_eq!(piped.is_ok(), reads == 0, "{reads}");
    }
}
