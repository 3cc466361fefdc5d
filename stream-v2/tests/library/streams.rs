//! Readers and writers over the parallel engine.

use std::io::{self, Cursor, ErrorKind as IoKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use stream_v2::error::{ErrorKind, Problem};
use stream_v2::stream::PlaintextStream;
use stream_v2::{ContentKey, Decryptor, Encryptor, Error, Options, Shutdown, Unlock, decrypt};

const SEGMENT: usize = 65_536;

fn key() -> ContentKey {
    ContentKey::new([7; 32])
}

fn options() -> Options {
    Options::new(&key()).segment_size(65_536).workers(3)
}

fn plaintext(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

fn encrypted(plaintext: &[u8]) -> Vec<u8> {
    let mut writer = Encryptor::new(&options()).unwrap().wrap_write(Vec::new()).unwrap();
    writer.write_all(plaintext).unwrap();
    writer.finish().unwrap()
}

fn reader(stream: impl Read + Send + 'static) -> PlaintextStream {
    Decryptor::new(stream).unwrap().unlock(&Unlock::new(&key()).workers(3)).unwrap()
}

fn error_in(error: &io::Error) -> &Error {
    error.get_ref().unwrap().downcast_ref().unwrap()
}

#[test]
fn every_size_comes_back() {
    for len in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 7 * SEGMENT, 40 * SEGMENT + 17] {
        let expected = plaintext(len);
        let stream = encrypted(&expected);
        let mut back = Vec::new();
        reader(Cursor::new(stream.clone())).read_to_end(&mut back).unwrap();
        assert!(back == expected, "{len}: {}", back.len());
        assert!(decrypt(&key(), stream).unwrap() == expected, "{len}");
    }
}

#[test]
fn small_writes_make_full_segments() {
    let expected = plaintext(3 * SEGMENT + 5);
    let mut writer = Encryptor::new(&options()).unwrap().wrap_write(Vec::new()).unwrap();
    for part in expected.chunks(1000) {
        writer.write_all(part).unwrap();
        writer.flush().unwrap();
    }
    let stream = writer.finish().unwrap();
    assert_eq!(stream.len(), encrypted(&expected).len());
    assert!(decrypt(&key(), stream).unwrap() == expected);
}

/// Shares what was written, and says when it is gone.
#[derive(Clone, Debug, Default)]
struct Shared {
    bytes: Arc<std::sync::Mutex<Vec<u8>>>,
    fails_after: Option<usize>,
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.bytes.lock().unwrap();
        if self.fails_after.is_some_and(|most| written.len() + bytes.len() > most) {
            return Err(IoKind::StorageFull.into());
        }
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_dropped_writer_leaves_an_unsealed_stream() {
    for len in [0, 1, SEGMENT, 20 * SEGMENT + 1] {
        let out = Shared::default();
        let mut writer = Encryptor::new(&options()).unwrap().wrap_write(out.clone()).unwrap();
        writer.write_all(&plaintext(len)).unwrap();
        writer.flush().unwrap();
        drop(writer);
        // Its thread is joined: nobody else holds the writer, and nothing is written any more.
        assert_eq!(Arc::strong_count(&out.bytes), 1);
        let stream = out.bytes.lock().unwrap().clone();
        assert_eq!(decrypt(&key(), &stream).unwrap_err().kind(), ErrorKind::Truncated, "{len}");
        let mut salvaged = Vec::new();
        let unlock = Unlock::new(&key()).salvage(true);
        let mut reader = Decryptor::new(Cursor::new(stream)).unwrap().unlock(&unlock).unwrap();
        let error = reader.read_to_end(&mut salvaged).unwrap_err();
        assert_eq!(error_in(&error).kind(), ErrorKind::Truncated);
        // Full segments that were handed over are written, and the rest is lost.
        assert!(salvaged == plaintext(len / SEGMENT * SEGMENT), "{len}: {}", salvaged.len());
    }
}

#[test]
fn a_failing_writer_fails_every_call_after_it() {
    let out = Shared { fails_after: Some(5 * SEGMENT), ..Shared::default() };
    let mut writer = Encryptor::new(&options()).unwrap().wrap_write(out.clone()).unwrap();
    let first = writer.write_all(&plaintext(400 * SEGMENT)).unwrap_err();
    assert_eq!(first.kind(), IoKind::StorageFull);
    assert_eq!(error_in(&first).kind(), ErrorKind::Io);
    for error in [writer.write(b"more").unwrap_err(), writer.flush().unwrap_err()] {
        assert_eq!(error.to_string(), first.to_string());
    }
    assert_eq!(writer.finish().unwrap_err().to_string(), first.to_string());
    assert_eq!(Arc::strong_count(&out.bytes), 1);
}

#[test]
fn an_error_at_the_end_is_that_of_finish() {
    let out = Shared { fails_after: Some(200), ..Shared::default() };
    let mut writer = Encryptor::new(&options()).unwrap().wrap_write(out).unwrap();
    writer.write_all(b"hello").unwrap();
    assert_eq!(writer.finish().unwrap_err().io_error().unwrap().kind(), IoKind::StorageFull);
}

#[test]
fn a_declared_length_is_held() {
    let short = Encryptor::new(&options().plaintext_len(10)).unwrap();
    let mut writer = short.wrap_write(Vec::new()).unwrap();
    writer.write_all(b"hello").unwrap();
    assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Io);

    let mut writer = short.wrap_write(Vec::new()).unwrap();
    writer.write_all(b"0123456789").unwrap();
    let stream = writer.finish().unwrap();
    assert_eq!(Decryptor::new(&stream[..]).unwrap().plaintext_len(), Some(10));
    assert_eq!(decrypt(&key(), stream).unwrap(), b"0123456789");
}

#[test]
fn altered_segment_is_an_error_after_its_prefix() {
    let mut stream = encrypted(&plaintext(10 * SEGMENT));
    let at = stream.len() / 2;
    stream[at] ^= 1;
    let mut reader = reader(Cursor::new(stream));
    let mut back = Vec::new();
    let first = reader.read_to_end(&mut back).unwrap_err();
    assert_eq!((first.kind(), error_in(&first).kind()), (IoKind::InvalidData, ErrorKind::Stream));
    let segment = usize::try_from(error_in(&first).format_error().unwrap().segment().unwrap()).unwrap();
    assert!(back == plaintext(segment * SEGMENT), "{segment}: {}", back.len());
    for _ in 0..2 {
        assert_eq!(reader.read(&mut [0; 10]).unwrap_err().to_string(), first.to_string());
    }
}

#[test]
fn a_stream_that_was_cut_off_has_no_end() {
    let stream = encrypted(&plaintext(3 * SEGMENT));
    let mut back = Vec::new();
    let error = reader(Cursor::new(stream[..stream.len() - 1].to_vec())).read_to_end(&mut back).unwrap_err();
    assert_eq!((error.kind(), error_in(&error).kind()), (IoKind::UnexpectedEof, ErrorKind::Truncated));
    assert!(back == plaintext(3 * SEGMENT), "{}", back.len());
}

#[test]
fn the_end_is_an_end_again() {
    let mut reader = reader(Cursor::new(encrypted(b"hello")));
    let mut back = Vec::new();
    reader.read_to_end(&mut back).unwrap();
    assert_eq!(reader.read(&mut [0; 10]).unwrap(), 0);
}

/// Counts what is read, and says when it is gone.
struct Counted {
    stream: Cursor<Vec<u8>>,
    read: Arc<AtomicUsize>,
    is_gone: Arc<AtomicBool>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.read.fetch_add(read, Ordering::Relaxed);
        Ok(read)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.is_gone.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_dropped_reader_stops_its_thread() {
    let stream = encrypted(&plaintext(400 * SEGMENT));
    let (read, is_gone) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
    let len = stream.len();
    let counted = Counted { stream: Cursor::new(stream), read: read.clone(), is_gone: is_gone.clone() };
    let unlock = Unlock::new(&key()).workers(2).window(4);
    let mut reader = Decryptor::new(counted).unwrap().unlock(&unlock).unwrap();
    reader.read_exact(&mut [0; 100]).unwrap();
    drop(reader);
    assert!(is_gone.load(Ordering::Relaxed));
    // Three buffers before the reader and four in the window, and one that is read.
    assert!(read.load(Ordering::Relaxed) < 20 * SEGMENT && 20 * SEGMENT < len);
}

#[test]
fn a_panic_below_is_an_error() {
    struct Panics;
    impl Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("of the test")
        }
    }
    let stream = Cursor::new(encrypted(b"hello")[..130].to_vec()).chain(Panics);
    let error = reader(stream).read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error_in(&error).kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("of the test"), "{error}");
}

#[test]
fn header_and_key_id_are_visible_without_a_key() {
    let stream = encrypted(b"hello");
    let decryptor = Decryptor::new(&stream[..]).unwrap();
    assert_eq!((decryptor.key_id(), decryptor.segment_size()), (key().id(), 65_536));
    assert_eq!((decryptor.plaintext_len(), decryptor.stanzas().count()), (None, 0));
    let other = Unlock::new(&ContentKey::new([8; 32]));
    let error = Decryptor::new(Cursor::new(stream.clone())).unwrap().unlock(&other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    assert_eq!(decryptor.check(&other).unwrap_err().kind(), ErrorKind::Key);
    decryptor.check(&Unlock::new(&key())).unwrap();
    let limited = Unlock::new(&key()).segment_size_max(4096);
    let error = Decryptor::new(Cursor::new(stream)).unwrap().unlock(&limited).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stream);
    assert_eq!(Decryptor::new(&b"hello, world"[..]).unwrap_err().kind(), ErrorKind::Truncated);
}

#[test]
fn a_source_that_waits_heeds_a_shutdown() {
    struct Waits(Shutdown, u32);
    impl Read for Waits {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1 == 3 {
                self.0.request();
            }
            Err(IoKind::Interrupted.into())
        }
    }
    let shutdown = Shutdown::new();
    let error = Decryptor::with_shutdown(Waits(shutdown.clone(), 0), &shutdown).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    // What feeds the program may have been ended, too.
    let error = Decryptor::with_shutdown(&encrypted(b"hello")[..100], &shutdown).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[test]
fn a_context_must_be_brought() {
    let mut writer = Encryptor::new(&options().context("backup")).unwrap().wrap_write(Vec::new()).unwrap();
    writer.write_all(b"hello").unwrap();
    let stream = writer.finish().unwrap();
    assert_eq!(decrypt(&key(), &stream).unwrap_err().kind(), ErrorKind::Key);
    let mut back = String::new();
    let unlock = Unlock::new(&key()).context("backup");
    Decryptor::new(Cursor::new(stream)).unwrap().unlock(&unlock).unwrap().read_to_string(&mut back).unwrap();
    assert_eq!(back, "hello");
}

#[test]
fn options_that_no_stream_can_have_are_refused() {
    for options in [
        options().frame_size(5000),
        options().segment_size(0),
        options().segment_size(5000),
        options().frame_size(1 << 25),
        options().segment_size(1 << 27),
    ] {
        assert_eq!(Encryptor::new(&options).unwrap_err().kind(), ErrorKind::Option);
    }
}

#[test]
fn debug_shows_no_key_and_no_plaintext() {
    let options = options().context("a secret context");
    let mut writer = Encryptor::new(&options).unwrap().wrap_write(Vec::new()).unwrap();
    writer.write_all(b"plaintext").unwrap();
    let stream = encrypted(b"plaintext");
    let shown = format!(
        "{options:?} {:?} {writer:?} {:?} {:?} {:?}",
        Unlock::new(&key()),
        Decryptor::new(&stream[..]).unwrap(),
        reader(Cursor::new(stream.clone())),
        stream_v2::file::Source::pipe(&b"plaintext"[..])
    );
    assert!(!shown.contains("a secret context") && !shown.contains("7, 7, 7") && !shown.contains("112, 108"));
}

#[test]
fn the_source_of_an_error_is_not_its_sentence() {
    let failing = Shared { fails_after: Some(0), ..Shared::default() };
    let writer = Encryptor::new(&options()).unwrap().wrap_write(failing).unwrap();
    let error = writer.finish().unwrap_err();
    assert!(matches!(error.problem(), Problem::Run(_)));
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        assert!(!error.to_string().contains(&inner.to_string()), "{error}: {inner}");
        source = inner.source();
    }
}
