//! Streams in a real SQLite database: their rows, and refused operations.

use std::fs;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use stream_v2_format::SegmentIndex;
use stream_v2_pipeline::tokio::{AsyncManagers, Offloaded, ReadAhead};
use stream_v2_pipeline::{
    DecryptPipeline, FileSink, InterruptedEncryption, Parallelism, SourceStamp, Storage, StoredFile,
};
use stream_v2_sqlite::{Database, Entry};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{decrypt, encrypt, encrypting, key};

const STAMP: SourceStamp = SourceStamp { len: None, mtime: None };

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("streams.db")
    }

    fn database(&self) -> Database {
        Database::create(&self.path()).unwrap()
    }

    fn connection(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

fn store(database: &Database, name: &str, input: &[u8]) {
    let key = key();
    let sink = FileSink::create(&database.output(name)).unwrap();
    encrypting(&key, 2).run_to_file(input, STAMP, sink, None).unwrap();
}

fn bytes(database: &Database, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    database.read(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn refused<T>(result: std::io::Result<T>) -> (ErrorKind, String) {
    let error = result.err().unwrap();
    (error.kind(), error.to_string())
}

#[test]
fn streams_share_database_one_row_a_segment() {
    let folder = Folder::new();
    let database = folder.database();
    let inputs = [("empty", 0), ("one", 1), ("full", 8192), ("long", 9 * 8192 + 100)];
    for (name, len) in inputs {
        store(&database, name, &plaintext(len));
    }
    for (name, len) in inputs {
        assert!(bytes(&database, name) == encrypt(&encrypting(&key(), 1), &plaintext(len)), "{name}");
    }
    let entries: Vec<_> =
        database.entries().unwrap().into_iter().map(|entry| (entry.name, entry.segments)).collect();
    let expected = [("empty", 1), ("full", 2), ("long", 11), ("one", 2)];
    assert_eq!(entries, expected.map(|(name, segments)| (name.to_owned(), segments)));
    let sql = "SELECT group_concat(segment, ' ') FROM (SELECT segment FROM pieces JOIN names USING (content) \
               WHERE name = 'long' ORDER BY position)";
    let segments: String = folder.connection().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(segments, "0 1 2 3 4 5 6 7 8 9 10");

    database.delete("long").unwrap();
    assert_eq!(refused(database.delete("long")).0, ErrorKind::NotFound);
    assert_eq!(refused(database.read("long")).0, ErrorKind::NotFound);
    let rows: i64 =
        folder.connection().query_row("SELECT count(*) FROM pieces", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 3 + 1 + 2 + 2, "headers and segments of the others");
}

#[test]
fn any_range_can_be_read() {
    let folder = Folder::new();
    let database = folder.database();
    store(&database, "long", &plaintext(5 * 8192));
    drop(database);
    let database = Database::open_read_only(&folder.path()).unwrap();
    let whole = bytes(&database, "long");
    let mut content = database.read("long").unwrap();
    for begin in (0..whole.len()).step_by(997) {
        let end = whole.len().min(begin + 12_000);
        content.seek(SeekFrom::Start(begin as u64)).unwrap();
        let mut range = vec![0; end - begin];
        content.read_exact(&mut range).unwrap();
        assert!(range == whole[begin..end], "{begin}");
    }
    content.seek(SeekFrom::End(0)).unwrap();
    assert_eq!(content.read(&mut [0; 10]).unwrap(), 0);
}

#[test]
fn tokio_writes_the_same_rows() {
    let folder = Folder::new();
    let database = folder.database();
    let (key, input) = (key(), plaintext(9 * 8192 + 100));
    let mut pipeline = encrypting(&key, 2);
    pipeline.parallelism = Parallelism::on_tasks(2);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sink = FileSink::create(&database.output("tasks")).unwrap();
    runtime.block_on(pipeline.run_to_file_async(&input[..], STAMP, sink, None)).unwrap();
    store(&database, "threads", &input);
    assert!(bytes(&database, "tasks") == bytes(&database, "threads"));

    let reader = DecryptPipeline::new(&key);
    let mut sink = Offloaded::new(FileSink::create(&database.output("plain")).unwrap());
    let source = ReadAhead::new(database.read("tasks").unwrap());
    runtime.block_on(reader.run_async(source, &mut sink, AsyncManagers::none())).unwrap();
    assert!(bytes(&database, "plain") == input);
}

#[test]
fn a_stream_has_one_writer_and_its_database_many() {
    let folder = Folder::new();
    let (first, second) = (folder.database(), folder.database());
    let mut sink = FileSink::create(&first.output("out")).unwrap();
    assert_eq!(refused(FileSink::create(&second.output("out"))).0, ErrorKind::WouldBlock);
    assert_eq!(refused(second.output("out").discard()).0, ErrorKind::WouldBlock);
    assert!(second.output("out").is_being_written());
    let pipeline_key = key();
    let found = InterruptedEncryption::find(&encrypting(&pipeline_key, 1), &second.output("out"));
    assert!(
        matches!(found.err().unwrap().cause(), stream_v2_pipeline::Cause::Io(error) if error.kind() == ErrorKind::WouldBlock)
    );
    store(&second, "other", b"written meanwhile");

    // A writer without locks.
    folder.connection().execute("UPDATE contents SET len = len + 1", []).unwrap();
    let unit = stream_v2_pipeline::SinkUnit { index: None, position: 0, head: b"", body: b"x" };
    let (kind, why) = refused(stream_v2_pipeline::OutputSink::append(&mut sink, &unit));
    assert_eq!(kind, ErrorKind::NotFound);
    assert!(why.contains("changed or removed by another writer"), "{why}");
}

#[test]
fn only_the_next_segment_is_appended() {
    let folder = Folder::new();
    let database = folder.database();
    let mut content = database.create(Path::new("stream")).unwrap();
    let mut append = |index: Option<u32>| content.append(index.map(SegmentIndex), b"head", b"body");
    let next = || {
        let sql = "SELECT len, next FROM contents";
        folder
            .connection()
            .query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .unwrap()
    };
    append(None).unwrap();
    assert_eq!(refused(append(Some(1))).0, ErrorKind::NotFound);
    append(Some(0)).unwrap();
    append(Some(1)).unwrap();
    for wrong in [0, 1, 3] {
        assert_eq!(refused(append(Some(wrong))).0, ErrorKind::NotFound);
    }
    assert_eq!(next(), (24, 2));
    append(Some(2)).unwrap();

    // A writer without locks that leaves the length as it is.
    folder.connection().execute("UPDATE contents SET next = 2", []).unwrap();
    assert_eq!(refused(append(Some(3))).0, ErrorKind::NotFound);
    folder.connection().execute("UPDATE contents SET next = 3", []).unwrap();

    // Half of segment 1 is not a segment.
    let cut = |content: &mut Box<dyn StoredFile>, len: u64| {
        content.set_len(len).unwrap();
        content.seek(SeekFrom::Start(len)).unwrap();
    };
    cut(&mut content, 20);
    assert_eq!(next(), (20, 1));
    content.append(Some(SegmentIndex(1)), b"again", b"").unwrap();
    assert_eq!(next(), (25, 2));
    cut(&mut content, 8);
    assert_eq!(next(), (8, 0));
    content.append(Some(SegmentIndex(0)), b"x", b"").unwrap();
}

#[test]
fn plaintext_with_empty_segments_is_stored() {
    let folder = Folder::new();
    let mut content = folder.database().create(Path::new("plaintext")).unwrap();
    let mut append = |index: u32, bytes: &[u8]| content.append(Some(SegmentIndex(index)), bytes, b"");
    append(0, b"").unwrap();
    append(1, b"one").unwrap();
    append(2, b"").unwrap();
    append(4, b"four").unwrap();
    assert_eq!(refused(append(4, b"again")).0, ErrorKind::NotFound);
    assert_eq!(refused(append(2, b"late")).0, ErrorKind::NotFound);
}

#[test]
fn unusable_databases_are_told_apart() {
    let folder = Folder::new();
    let database = folder.database();
    store(&database, "one", b"one");

    let holder = folder.connection();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    database.set_patience(Duration::ZERO).unwrap();
    let (kind, why) = refused(database.delete("one"));
    assert_eq!(kind, ErrorKind::ResourceBusy);
    assert!(why.ends_with("another process holds the lock of the database"), "{why}");
    assert!(
        decrypt(&DecryptPipeline::new(&key()), &bytes(&database, "one")).1.is_ok(),
        "readers do not wait"
    );
    holder.execute_batch("ROLLBACK").unwrap();

    drop((database, holder));
    let reader = Database::open_read_only(&folder.path()).unwrap();
    let stream_len = encrypt(&encrypting(&key(), 1), b"one").len() as u64;
    assert_eq!(refused(reader.delete("one")).0, ErrorKind::ReadOnlyFilesystem);
    assert_eq!(reader.entries().unwrap(), [Entry { name: "one".into(), len: stream_len, segments: 2 }]);
    drop(reader);

    for (layout, expected) in [
        (1, "has layout 1; this program knows layout 2; take its streams out with an earlier program"),
        (3, "has layout 3; this program knows layout 2"),
    ] {
        folder.connection().execute_batch(&format!("PRAGMA user_version = {layout}")).unwrap();
        let (kind, why) = refused(Database::open(&folder.path()));
        assert_eq!(kind, ErrorKind::Unsupported);
        assert!(why.ends_with(expected), "{why}");
    }

    let other = folder.0.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE something (else_ TEXT)").unwrap();
    for opened in [Database::create(&other), Database::open(&other), Database::open_read_only(&other)] {
        let (kind, why) = refused(opened);
        assert_eq!(kind, ErrorKind::InvalidData);
        assert!(why.ends_with("is a database of another program"), "{why}");
    }
    assert_eq!(refused(Database::open(Path::new("/nowhere/at.all"))).0, ErrorKind::NotFound);
    fs::write(&other, "no database at all, but a text that is long enough to be looked at ".repeat(99))
        .unwrap();
    assert_eq!(refused(Database::create(&other)).0, ErrorKind::InvalidData);
}

#[test]
fn damaged_database_is_an_error_of_its_reader() {
    let folder = Folder::new();
    store(&folder.database(), "out", &plaintext(99 * 8192));
    let mut damaged = fs::read(folder.path()).unwrap();
    let middle = damaged.len() / 2;
    damaged[4096..middle].fill(0x5A);
    fs::write(folder.path(), damaged).unwrap();
    let read = Database::open_read_only(&folder.path()).and_then(|database| {
        let mut bytes = Vec::new();
        database.read("out")?.read_to_end(&mut bytes)
    });
    assert_eq!(refused(read).0, ErrorKind::InvalidData);
}

#[test]
fn a_sync_without_a_change_is_a_sync() {
    let folder = Folder::new();
    let database = folder.database();
    let mut content = database.create(Path::new("stream")).unwrap();
    let log = || fs::read(folder.0.path().join("streams.db-wal")).unwrap();
    content.append(None, b"piece", b"").unwrap();
    content.sync().unwrap();
    content.append(None, b"more", b"").unwrap();
    // As long as at the last sync, so the row of the content is unchanged.
    content.set_len(5).unwrap();
    for _ in 0..2 {
        let before = log();
        content.sync().unwrap();
        assert!(log() != before, "SQLite syncs what it writes");
    }
    database.delete("stream").unwrap();
    assert_eq!(refused(content.sync()).0, ErrorKind::NotFound);
}

#[test]
fn a_database_is_created_by_one_of_many() {
    use std::sync::Barrier;
    let folder = Folder::new();
    let (path, barrier) = (folder.path(), Barrier::new(8));
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (path, barrier) = (&path, &barrier);
            scope.spawn(move || {
                barrier.wait();
                store(&Database::create(path).unwrap(), &writer.to_string(), b"one of many");
            });
        }
    });
    assert_eq!(folder.database().entries().unwrap().len(), 8);
}

#[test]
fn a_partial_deletion_is_completed() {
    let folder = Folder::new();
    let database = folder.database();
    store(&database, "one", &plaintext(9 * 8192));
    store(&database, "two", b"two");
    drop(database);
    // Killed after the name was removed.
    folder.connection().execute("DELETE FROM names WHERE name = 'one'", []).unwrap();
    let count = |sql: &str| folder.connection().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert!(count("SELECT count(*) FROM pieces") > 9);
    drop(Database::open(&folder.path()).unwrap());
    assert_eq!(count("SELECT count(*) FROM pieces"), 3);
    assert_eq!(count("SELECT count(*) FROM contents"), 1);
}

#[test]
fn a_log_with_a_hole_is_not_written_on() {
    let folder = Folder::new();
    let database = folder.database();
    store(&database, "one", &plaintext(9 * 8192));
    // The system has dropped pages that were not written back. The bytes read again are older.
    let log = folder.0.path().join("streams.db-wal");
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).unwrap();
    let (kind, why) = refused(Database::open(&folder.path()));
    assert_eq!(kind, ErrorKind::InvalidData);
    assert!(why.contains("its write-ahead log has lost a part"), "{why}");
}

#[test]
fn heads_are_replaced_if_they_are_the_expected_ones() {
    let folder = Folder::new();
    let database = folder.database();
    store(&database, "a", &plaintext(20_000));
    let mut stream = Vec::new();
    database.read("a").unwrap().read_to_end(&mut stream).unwrap();
    let (old, new) = (&stream[..128], [7; 128]);
    for (name, old, new, kind) in [
        ("b", old, &new[..], ErrorKind::NotFound),
        ("a", &new[..], old, ErrorKind::NotFound),
        ("a", old, &new[..127], ErrorKind::InvalidInput),
        ("a", &stream[..200], &[7; 200][..], ErrorKind::NotFound),
    ] {
        assert_eq!(database.replace_head(name, old, new).unwrap_err().kind(), kind, "{name}");
    }
    // A reader that has begun sees the old bytes, or the new ones.
    let mut reader = database.read("a").unwrap();
    database.replace_head("a", old, &new).unwrap();
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert!(read[..128] == new && read[128..] == stream[128..]);
    drop(reader);
    drop(database);
    let mut again = Vec::new();
    folder.database().read("a").unwrap().read_to_end(&mut again).unwrap();
    assert!(again == read);
}
