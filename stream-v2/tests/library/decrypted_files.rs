//! Decrypted files that resume by themselves.

use std::fs::{self, File};
use std::path::PathBuf;

use stream_v2::error::{ErrorKind, Problem};
use stream_v2::file::{Outcome, OutputFile, Source, Warning};
use stream_v2::{Decryptor, Shutdown, Unlock, decrypt_file};

use crate::support::{Files, SEGMENT, SEGMENTS, key, options, plaintext};

/// The stream of these files, and its decryption, stopped after five segments.
fn half_decrypted(files: &Files) -> PathBuf {
    files.encrypt(&options()).unwrap();
    let (stream, back) = (files.target(), files.path("back"));
    let shutdown = Shutdown::new();
    let handle = shutdown.clone();
    let unlock = Unlock::new(&key()).workers(2).shutdown(&shutdown).on_progress(move |progress| {
        assert!(progress.total().unwrap() > (SEGMENTS * SEGMENT) as u64);
        if progress.done() >= 5 * SEGMENT as u64 {
            handle.request();
        }
    });
    let error = decrypt_file(&unlock, stream, &back).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    back
}

fn unlock() -> Unlock {
    Unlock::new(&key()).workers(2)
}

#[test]
fn a_decryption_is_resumed_or_restarted() {
    for (unlock, resumes) in
        [(unlock(), true), (unlock().compare_output(true), true), (unlock().restart(true), false)]
    {
        let files = Files::new();
        let back = half_decrypted(&files);
        let report = decrypt_file(&unlock, files.target(), &back).unwrap();
        assert_eq!(matches!(report.outcome(), Outcome::Resumed { .. }), resumes, "{report:?}");
        assert!(fs::read(&back).unwrap() == plaintext());
        assert_eq!(files.names(), ["back", "source", "target"]);
        assert_eq!(decrypt_file(&unlock, files.target(), &back).unwrap_err().kind(), ErrorKind::Exists);
    }
}

#[test]
fn changed_partial_plaintext_is_found() {
    let files = Files::new();
    let back = half_decrypted(&files);
    let partial = files.path("back.partial");
    let mut bytes = fs::read(&partial).unwrap();
    bytes[9] ^= 1;
    fs::write(&partial, bytes).unwrap();
    let error = decrypt_file(&unlock().compare_output(true), files.target(), back).unwrap_err();
    assert!(matches!(error.problem(), Problem::OutputChanged(9)), "{error:?}");
}

#[test]
fn partial_plaintext_without_journal_is_kept() {
    let files = Files::new();
    let back = half_decrypted(&files);
    fs::remove_file(files.path("back.journal")).unwrap();
    let error = decrypt_file(&unlock(), files.target(), back).unwrap_err();
    assert_eq!((error.kind(), matches!(error.problem(), Problem::Unknown(None))), (ErrorKind::NotOurs, true));
}

#[test]
fn lost_plaintext_is_rewritten_unless_from_pipe() {
    let files = Files::new();
    let back = half_decrypted(&files);
    File::options().write(true).open(files.path("back.partial")).unwrap().set_len(10).unwrap();
    let pipe = Source::pipe(File::open(files.target()).unwrap());
    let decryptor = Decryptor::new(pipe).unwrap();
    let error = decryptor.decrypt_to(&unlock(), &OutputFile::new(&back), &mut |_| {}).unwrap_err();
    assert!(matches!(error.problem(), Problem::NotRewindable), "{error:?}");
    let report = decrypt_file(&unlock(), files.target(), &back).unwrap();
    assert_eq!((report.outcome(), report.warnings()), (Outcome::Fresh, &[Warning::LostDurable][..]));
    assert!(fs::read(back).unwrap() == plaintext());
}

#[test]
fn published_plaintext_with_journal_is_complete() {
    let files = Files::new();
    let back = half_decrypted(&files);
    let journal = fs::read(files.path("back.journal")).unwrap();
    decrypt_file(&unlock(), files.target(), &back).unwrap();
    fs::write(files.path("back.journal"), journal).unwrap();
    let report = decrypt_file(&unlock(), files.target(), &back).unwrap();
    assert_eq!((report.outcome(), report.summary()), (Outcome::WasComplete, None));
    assert_eq!(files.names(), ["back", "source", "target"]);
}

#[test]
fn truncated_stream_gives_file_only_if_salvaged() {
    let files = Files::new();
    files.encrypt(&options()).unwrap();
    let (stream, back) = (files.target(), files.path("back"));
    let len = stream.metadata().unwrap().len();
    File::options().write(true).open(&stream).unwrap().set_len(len - 1).unwrap();
    assert_eq!(decrypt_file(&unlock(), &stream, &back).unwrap_err().kind(), ErrorKind::Truncated);
    assert!(!back.exists());
    let salvage = unlock().salvage(true).restart(true);
    assert_eq!(decrypt_file(&salvage, &stream, &back).unwrap_err().kind(), ErrorKind::Truncated);
    assert!(fs::read(&back).unwrap() == plaintext());
}
