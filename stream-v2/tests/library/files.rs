//! Encrypted files that resume by themselves, from every state that an earlier run can leave.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use stream_v2::error::{ErrorKind, Parameter, Problem};
use stream_v2::file::{Event, Outcome, OutputFile, Source, Warning};
use stream_v2::{ContentKey, Encryptor, Options, decrypt};

use crate::support::{Files, SEGMENT, key, options, plaintext, resumed};

#[test]
fn nothing_is_left_and_it_starts() {
    let files = Files::new();
    let report = files.encrypt(&options()).unwrap();
    assert_eq!((report.outcome(), report.warnings()), (Outcome::Fresh, &[][..]));
    assert_eq!(report.plaintext_len(), Some(plaintext().len() as u64));
    files.assert_complete();
    assert_eq!(files.encrypt(&options()).unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(files.encrypt(&options().overwrite(true)).unwrap().outcome(), Outcome::Fresh);
    files.assert_complete();
}

#[test]
fn a_partial_output_with_a_journal_is_resumed() {
    for compare in [false, true] {
        let files = Files::new();
        files.interrupt();
        let report = files.encrypt(&options().compare_source(compare)).unwrap();
        assert!(resumed(&report) >= 5 * SEGMENT as u64 && report.warnings().is_empty());
        files.assert_complete();
    }
}

#[test]
fn a_partial_output_without_a_journal_is_resumed() {
    let files = Files::new();
    files.interrupt();
    fs::remove_file(files.path("target.journal")).unwrap();
    resumed(&files.encrypt(&options()).unwrap());
    files.assert_complete();
}

#[test]
fn an_unusable_journal_is_a_warning() {
    let files = Files::new();
    files.interrupt();
    let journal = files.path("target.journal");
    let mut bytes = fs::read(&journal).unwrap();
    bytes[30] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let report = files.encrypt(&options()).unwrap();
    assert!(matches!(report.warnings(), [Warning::JournalUnusable(_)]), "{report:?}");
    resumed(&report);
    files.assert_complete();
}

#[test]
fn a_torn_header_is_nothing() {
    let files = Files::new();
    fs::write(files.path("target.partial"), [0; 8]).unwrap();
    assert_eq!(files.encrypt(&options()).unwrap().outcome(), Outcome::Fresh);
    files.assert_complete();
}

#[test]
fn a_complete_stream_without_its_name_is_named() {
    let files = Files::new();
    files.encrypt(&options()).unwrap();
    fs::rename(files.target(), files.path("target.partial")).unwrap();
    assert_eq!(files.encrypt(&options()).unwrap().outcome(), Outcome::Named);
    files.assert_complete();
}

/// The state between giving the name and removing the journal.
fn published(files: &Files) {
    files.interrupt();
    let journal = fs::read(files.path("target.journal")).unwrap();
    files.encrypt(&options()).unwrap();
    fs::write(files.path("target.journal"), journal).unwrap();
}

#[test]
fn published_stream_with_journal_is_complete() {
    let files = Files::new();
    published(&files);
    let report = files.encrypt(&options()).unwrap();
    assert_eq!(
        (report.outcome(), report.plaintext_len()),
        (Outcome::WasComplete, Some(plaintext().len() as u64))
    );
    files.assert_complete();
}

/// What was found under the name is of another source: that is replaced as a whole, if it may be.
#[test]
fn other_source_for_published_name_starts_over() {
    for compare in [false, true] {
        let files = Files::new();
        published(&files);
        // Of the same length and time, so that its content says it.
        let modified = files.source().metadata().unwrap().modified().unwrap();
        let mut other = plaintext();
        other.reverse();
        fs::write(files.source(), &other).unwrap();
        File::options().write(true).open(files.source()).unwrap().set_modified(modified).unwrap();
        let options = options().compare_source(compare);
        assert_eq!(files.encrypt(&options).unwrap_err().kind(), ErrorKind::Exists);
        assert_eq!(files.encrypt(&options.overwrite(true)).unwrap().outcome(), Outcome::Fresh);
        assert!(decrypt(&key(), fs::read(files.target()).unwrap()).unwrap() == other);

        // A pipe cannot be read again: nothing is replaced.
        published_again(&files);
        let output = OutputFile::new(files.target()).overwriting(true);
        let before = fs::read(files.target()).unwrap();
        let encryptor = Encryptor::new(&options_of(compare)).unwrap();
        let pipe = Source::pipe(&b"something else"[..]);
        let error = encryptor.encrypt_to(pipe, &output, &mut |_| {}).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceChanged);
        assert!(fs::read(files.target()).unwrap() == before);
    }
}

fn options_of(compare: bool) -> Options {
    options().compare_source(compare).overwrite(true)
}

fn published_again(files: &Files) {
    fs::remove_file(files.target()).unwrap();
    published(files);
}

#[test]
fn other_source_is_refused_without_changes() {
    let files = Files::new();
    files.interrupt();
    let partial = fs::read(files.path("target.partial")).unwrap();
    let file = File::options().write(true).open(files.source()).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(10)).unwrap();
    let error = files.encrypt(&options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
    assert!(matches!(error.problem(), Problem::Source { then: Some(_), .. }), "{error:?}");
    assert!(fs::read(files.path("target.partial")).unwrap() == partial);
    // It holds everything that was encrypted, which is found by comparing.
    resumed(&files.encrypt(&options().compare_source(true)).unwrap());
    files.assert_complete();
}

#[test]
fn a_changed_source_is_found_by_comparing() {
    let files = Files::new();
    files.interrupt();
    let mut other = plaintext();
    other[10] ^= 1;
    fs::write(files.source(), other).unwrap();
    let error = files.encrypt(&options().compare_source(true)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
    assert_eq!(error.format_error().unwrap().offset().0, 0);
    assert_eq!(error.for_source_owner().format_error().unwrap().offset().0, 10);
}

#[test]
fn without_a_journal_the_source_is_compared() {
    let files = Files::new();
    files.interrupt();
    fs::remove_file(files.path("target.journal")).unwrap();
    let mut other = plaintext();
    other[10] ^= 1;
    fs::write(files.source(), other).unwrap();
    let error = files.encrypt(&options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
    assert_eq!(error.for_source_owner().format_error().unwrap().offset().0, 10);
    fs::write(files.source(), plaintext()).unwrap();
    resumed(&files.encrypt(&options()).unwrap());
    files.assert_complete();
}

#[test]
fn another_key_is_refused_and_restart_discards() {
    let files = Files::new();
    files.interrupt();
    let other = Options::new(&ContentKey::new([8; 32]));
    assert_eq!(files.encrypt(&other).unwrap_err().kind(), ErrorKind::Key);
    assert_eq!(files.encrypt(&other.restart(true)).unwrap().outcome(), Outcome::Fresh);
    let stream = fs::read(files.target()).unwrap();
    assert!(decrypt(&ContentKey::new([8; 32]), stream).unwrap() == plaintext());
    // It discards a partial output, and never a complete one.
    assert_eq!(files.encrypt(&options().restart(true)).unwrap_err().kind(), ErrorKind::Exists);
}

#[test]
fn other_parameters_are_refused() {
    let files = Files::new();
    files.interrupt();
    let error = files.encrypt(&options().segment_size(1 << 20)).unwrap_err();
    assert!(matches!(error.problem(), Problem::OtherParameters(Parameter::SegmentSize(65_536))), "{error:?}");
    assert_eq!(files.encrypt(&options().index(true)).unwrap_err().kind(), ErrorKind::OtherParameters);
    // What is not asked for is that of the stream.
    resumed(&files.encrypt(&Options::new(&key())).unwrap());
    files.assert_complete();
}

#[test]
fn files_of_others_are_left_alone() {
    let files = Files::new();
    fs::write(files.path("target.partial"), "somebody's file, which is longer than a header. ".repeat(10))
        .unwrap();
    for restart in [false, true] {
        assert_eq!(files.encrypt(&options().restart(restart)).unwrap_err().kind(), ErrorKind::NotOurs);
    }
    assert!(files.path("target.partial").exists());
}

#[test]
fn a_pipe_is_compared_and_resumed() {
    let files = Files::new();
    files.interrupt();
    let output = OutputFile::new(files.target());
    let (mut compared, mut resuming) = (None, None);
    let encryptor = Encryptor::new(&options()).unwrap();
    let report = encryptor
        .encrypt_to(Source::pipe(&plaintext()[..]), &output, &mut |event| match event {
            Event::Comparing(len) => compared = Some(len),
            Event::Resuming { committed, .. } => resuming = Some(committed.plaintext_len),
            _ => {}
        })
        .unwrap();
    assert_eq!((compared, resuming), (Some(resumed(&report)), Some(resumed(&report))));
    files.assert_complete();
}

#[cfg(feature = "sqlite")]
#[test]
fn a_database_resumes_like_a_file() {
    use crate::support::stopping;
    use std::io::Read;

    let files = Files::new();
    let database = stream_v2::sqlite::Database::create(&files.path("streams.db")).unwrap();
    let encrypt = |options: Options| {
        let encryptor = Encryptor::new(&options).unwrap();
        encryptor.encrypt_to(Source::open(files.source()).unwrap(), &database.output("a"), &mut |_| {})
    };
    assert_eq!(encrypt(stopping(options())).unwrap_err().kind(), ErrorKind::Interrupted);
    resumed(&encrypt(options()).unwrap());
    let mut stream = Vec::new();
    database.read("a").unwrap().read_to_end(&mut stream).unwrap();
    assert!(decrypt(&key(), stream).unwrap() == plaintext());
    assert_eq!(encrypt(options()).unwrap_err().kind(), ErrorKind::Exists);
}
