//! Streams whose content key an envelope wraps, in all readers and writers.

use std::fs::{self, File};
use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use stream_v2::error::ErrorKind;
use stream_v2::file::Outcome;
use stream_v2::format::Detail;
use stream_v2::format::wire::StanzaType;
use stream_v2::key::{Argon2idParams, Credentials, KeyFile, OpenedBy, Passphrase, Recipients};
use stream_v2::range::PlaintextReader;
use stream_v2::{Decryptor, Encryptor, Options, Unlock, decrypt_file, recover};

use crate::support::{Files, SEGMENT, plaintext, resumed, stopping};

fn key_file(key: u8) -> KeyFile {
    KeyFile::parse(KeyFile::text(&[key; 32]).as_bytes()).unwrap()
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.as_bytes().to_vec().into())
}

/// One way to write and to read, and one that does not fit.
struct Way {
    recipients: Recipients,
    credentials: Credentials,
    wrong: Credentials,
    by: OpenedBy,
}

impl Way {
    fn by_key_file() -> Self {
        Self {
            recipients: Recipients::new().with_key_file(key_file(1)).with_key_file(key_file(2)),
            credentials: Credentials::new().with_key_file(key_file(3)).with_key_file(key_file(2)),
            wrong: Credentials::new().with_key_file(key_file(3)),
            by: OpenedBy::KeyStanza(key_file(2).key_id),
        }
    }

    fn by_passphrase() -> Self {
        // The least that a writer may use.
        let params = Argon2idParams::new(65_536, 3, 4);
        Self {
            recipients: Recipients::new().with_passphrase(passphrase("right")).with_argon2id(params),
            credentials: Credentials::new().with_passphrase(passphrase("right")),
            wrong: Credentials::new().with_passphrase(passphrase("wrong")),
            by: OpenedBy::Passphrase,
        }
    }

    fn options(&self) -> Options {
        Options::for_recipients(self.recipients.clone()).segment_size(65_536).workers(2).context("context")
    }

    fn unlock(&self) -> Unlock {
        Unlock::with(self.credentials.clone()).workers(2).context("context")
    }

    fn locked(&self) -> Unlock {
        Unlock::with(self.wrong.clone()).context("context")
    }

    fn assert_complete(&self, files: &Files) {
        decrypt_file(&self.unlock(), files.target(), files.path("copy")).unwrap();
        assert!(fs::read(files.path("copy")).unwrap() == plaintext());
        fs::remove_file(files.path("copy")).unwrap();
        assert_eq!(files.names(), ["source", "target"]);
    }
}

#[test]
fn files_are_written_resumed_and_complete() {
    for way in [Way::by_key_file(), Way::by_passphrase()] {
        let files = Files::new();
        let error = files.encrypt(&stopping(way.options())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        // The salvage of a partial output, and what of it is whole.
        let partial = || File::open(files.path("target.partial")).unwrap();
        let committed = recover(&way.unlock(), partial()).unwrap().committed;
        assert!(committed.plaintext_len >= 5 * SEGMENT as u64);
        let mut salvaged = Vec::new();
        let salvage = Decryptor::new(partial()).unwrap().unlock(&way.unlock().salvage(true));
        salvage.unwrap().read_to_end(&mut salvaged).unwrap_err();
        assert!(salvaged == plaintext()[..usize::try_from(committed.plaintext_len).unwrap()]);
        // Others cannot resume it, and change nothing.
        let before = fs::read(files.path("target.partial")).unwrap();
        let other = Options::for_recipients(Recipients::new().with_key_file(key_file(3))).context("context");
        assert!(matches!(
            files.encrypt(&other).unwrap_err().kind(),
            ErrorKind::Key | ErrorKind::OtherParameters
        ));
        assert_eq!(fs::read(files.path("target.partial")).unwrap(), before);
        assert!(resumed(&files.encrypt(&way.options()).unwrap()) >= 5 * SEGMENT as u64);
        way.assert_complete(&files);
    }
}

#[test]
fn a_complete_file_is_found_again() {
    let (files, way) = (Files::new(), Way::by_key_file());
    files.encrypt(&stopping(way.options())).unwrap_err();
    let journal = fs::read(files.path("target.journal")).unwrap();
    files.encrypt(&way.options().compare_source(true)).unwrap();
    // As if the run had been killed before it removed the journal.
    fs::write(files.path("target.journal"), journal).unwrap();
    assert_eq!(files.encrypt(&way.options()).unwrap().outcome(), Outcome::WasComplete);
    way.assert_complete(&files);
}

#[test]
fn a_decryption_is_resumed() {
    let (files, way) = (Files::new(), Way::by_passphrase());
    files.encrypt(&way.options()).unwrap();
    let shutdown = stream_v2::Shutdown::new();
    let handle = shutdown.clone();
    let stopping = way.unlock().shutdown(&shutdown).on_progress(move |progress| {
        if progress.done() >= 6 * SEGMENT as u64 {
            handle.request();
        }
    });
    let target = files.path("copy");
    assert_eq!(decrypt_file(&stopping, files.target(), &target).unwrap_err().kind(), ErrorKind::Interrupted);
    assert!(resumed(&decrypt_file(&way.unlock(), files.target(), &target).unwrap()) > 0);
    assert!(fs::read(target).unwrap() == plaintext());
}

#[test]
fn readers_say_what_opened_a_stream() {
    for way in [Way::by_key_file(), Way::by_passphrase()] {
        let mut writer = Encryptor::new(&way.options()).unwrap().wrap_write(Vec::new()).unwrap();
        writer.write_all(&plaintext()).unwrap();
        let stream = writer.finish().unwrap();
        let decryptor = || Decryptor::new(Cursor::new(stream.clone())).unwrap();
        assert_eq!(decryptor().key_id(), [0; 16]);
        assert_eq!(decryptor().header().envelope_len(), 1020);
        assert!(decryptor().stanzas().any(|stanza| stanza.stanza_type == StanzaType::Padding.value()));
        assert_eq!(decryptor().check(&way.unlock()).unwrap(), way.by);
        let mut read = Vec::new();
        decryptor().unlock(&way.unlock()).unwrap().read_to_end(&mut read).unwrap();
        assert!(read == plaintext());
        // Ranges.
        let ranges = Decryptor::over(stream.clone()).unwrap().unlock_ranges(&way.unlock()).unwrap();
        let mut reader = PlaintextReader::new(ranges);
        reader.seek(SeekFrom::Start(70_000)).unwrap();
        let mut part = [0; 1000];
        reader.read_exact(&mut part).unwrap();
        assert!(part == plaintext()[70_000..71_000]);
        // No other key opens it.
        let error = decryptor().check(&way.locked()).unwrap_err();
        let detail = error.format_error().unwrap().detail();
        assert!(matches!(detail, Detail::KeyEnvelope | Detail::Misuse), "{error}");
        let error = decryptor().check(&way.unlock().context("another")).unwrap_err();
        assert_eq!(error.format_error().unwrap().detail(), Detail::KeyHeaderTag);
    }
}

#[test]
fn a_passphrase_stands_alone() {
    let both = Recipients::new().with_key_file(key_file(1)).with_passphrase(passphrase("right"));
    let files = Files::new();
    let error = files.encrypt(&Options::for_recipients(both)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
    assert!(!files.target().exists());
}

#[test]
fn tokio_writes_and_reads_envelopes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for way in [Way::by_key_file(), Way::by_passphrase()] {
        let (mut stream, mut read) = (Vec::new(), Vec::new());
        runtime.block_on(async {
            stream_v2::tokio::encrypt(&way.options(), &plaintext()[..], &mut stream).await.unwrap();
            stream_v2::tokio::decrypt(&way.unlock(), &stream[..], &mut read).await.unwrap();
            let error = stream_v2::tokio::decrypt(&way.locked(), &stream[..], Vec::new()).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Key | ErrorKind::Option), "{error}");
        });
        assert!(read == plaintext());
    }
}
