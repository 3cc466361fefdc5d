//! Databases and files next to them that an attacker or another program has made.

#![expect(clippy::expect_used, reason = "a test that cannot continue fails")]

use std::fs;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use stream_v2_pipeline::{FileSink, SourceStamp, Storage};
use stream_v2_sqlite::Database;
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{encrypting, key};

const STAMP: SourceStamp = SourceStamp { len: None, mtime: None };

struct Folder(tempfile::TempDir);

impl Folder {
    /// Returns a folder with a database of two streams, which no process has open.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let database = folder.database();
        for name in ["one", "two"] {
            let key = key();
            let sink = FileSink::create(&database.output(name)).unwrap();
            encrypting(&key, 1).run_to_file(&plaintext(3 * 8192)[..], STAMP, sink, None).unwrap();
        }
        folder
    }

    fn path(&self) -> PathBuf {
        self.beside("")
    }

    /// Returns a file whose name begins like that of the database.
    fn beside(&self, ending: &str) -> PathBuf {
        self.0.path().join(format!("streams.db{ending}"))
    }

    fn database(&self) -> Database {
        Database::create(&self.path()).unwrap()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Database::open_read_only(&self.path())?.read(name)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Changes the database as its author can.
    fn forge(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        let forging = format!(
            "PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON; PRAGMA writable_schema=ON; {sql}"
        );
        connection.execute_batch(&forging).expect(sql);
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn refused<T>(result: io::Result<T>) -> (ErrorKind, String) {
    let error = result.err().unwrap();
    (error.kind(), error.to_string())
}

const ENDLESS: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)";

#[test]
fn a_foreign_schema_is_refused_and_not_run() {
    let schemas = [
        (
            format!(
                "DROP TABLE names; CREATE VIEW names AS {ENDLESS} SELECT 'a' AS name, 1 AS content FROM n;"
            ),
            "the view names",
        ),
        (
            "CREATE TRIGGER t AFTER INSERT ON names BEGIN DELETE FROM contents; END;".to_owned(),
            "the trigger t",
        ),
        ("CREATE TABLE more (x);".to_owned(), "the table more"),
        ("CREATE VIRTUAL TABLE v USING fts5(x);".to_owned(), "the table v"),
        ("DROP INDEX names_by_content;".to_owned(), "lacks the index names_by_content"),
        (
            "UPDATE sqlite_schema SET sql = replace(sql, 'durable', 'more INTEGER AS (len + 1), durable') \
             WHERE name = 'contents';"
                .to_owned(),
            "has the table contents",
        ),
        ("CREATE INDEX i ON pieces (octet_length(bytes));".to_owned(), "the index i"),
        ("CREATE TABLE \"a\u{1b}\nb\" (x);".to_owned(), r"the table a\u{1b}\nb"),
        (
            "UPDATE sqlite_schema SET name = 'a' || char(27, 10) || 'b' WHERE name = 'names_by_content';"
                .to_owned(),
            r"a\u{1b}\nb",
        ),
    ];
    for (schema, told) in schemas {
        let folder = Folder::new();
        folder.forge(&schema);
        for opened in [Database::open, Database::create, Database::open_read_only] {
            let (kind, why) = refused(opened(&folder.path()));
            assert_eq!(kind, ErrorKind::InvalidData, "{why}");
            assert!(why.contains(told), "{why}");
        }
    }
}

#[test]
fn a_circle_in_a_tree_ends_with_an_error() {
    const PAGE: usize = 65_536;
    const DEPTH: usize = 12;
    let folder = Folder::new();
    let connection = Connection::open(folder.path()).unwrap();
    // The roots of the indexes become pages whose children are all one page, and so on. That makes
    // more rows than can be counted.
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
    let root = |index| {
        number(&format!("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_pieces_{index}'"))
    };
    let (roots, pages) = ([root(1), root(2)], number("PRAGMA page_count"));
    drop(connection);
    let mut bytes = fs::read(folder.path()).unwrap();
    for root in roots {
        bytes[(root - 1) * PAGE..root * PAGE].copy_from_slice(&page(PAGE, Some(pages + 1)));
    }
    for level in 1..DEPTH {
        bytes.extend_from_slice(&page(PAGE, Some(pages + level + 1)));
    }
    bytes.extend_from_slice(&page(PAGE, None));
    let count = u32::try_from(bytes.len() / PAGE).unwrap();
    bytes[28..32].copy_from_slice(&count.to_be_bytes());
    fs::write(folder.path(), bytes).unwrap();
    let (kind, why) =
        refused(Database::open_read_only(&folder.path()).and_then(|database| database.entries()));
    assert_eq!(kind, ErrorKind::InvalidData, "{why}");
}

/// Returns a page of an index with many entries that are all (1, 0, 1), and lead to the same page
/// if it is not a leaf.
fn page(len: usize, child: Option<usize>) -> Vec<u8> {
    const CELLS: usize = 4000;
    let child = child.map(|child| u32::try_from(child).unwrap().to_be_bytes());
    let child = child.as_ref().map_or(&[][..], |child| child);
    // Five bytes follow: a header of four, and the numbers 1, 0, 1, which take none.
    let cell = [child, &[4, 4, 9, 8, 9]].concat();
    let number = |number: usize| u16::try_from(number).unwrap().to_be_bytes();
    let mut page = vec![if child.is_empty() { 10 } else { 2 }, 0, 0];
    page.extend_from_slice(&number(CELLS));
    page.extend_from_slice(&number(len - CELLS * cell.len()));
    page.push(0);
    page.extend_from_slice(child);
    for place in 1..=CELLS {
        page.extend_from_slice(&number(len - place * cell.len()));
    }
    page.resize(len - CELLS * cell.len(), 0);
    page.extend_from_slice(&cell.repeat(CELLS));
    page
}

#[test]
fn rows_that_contradict_each_other_are_refused() {
    let forged = [
        ("UPDATE contents SET len = -len;", "negative length"),
        ("UPDATE contents SET len = len + 1;", "do not follow each other"),
        ("UPDATE contents SET len = len - 1;", "do not follow each other"),
        ("UPDATE pieces SET position = position + 1;", "a gap"),
        ("UPDATE pieces SET position = position + 1 WHERE segment >= 1;", "do not follow each other"),
        ("UPDATE pieces SET position = position - 1 WHERE segment >= 1;", "do not follow each other"),
        ("UPDATE pieces SET bytes = substr(bytes, 2) WHERE segment = 1;", "do not follow each other"),
        ("UPDATE pieces SET bytes = zeroblob(200000) WHERE segment = 0;", "do not follow each other"),
        ("DELETE FROM pieces WHERE segment = 1;", "do not follow each other"),
        ("DELETE FROM pieces;", "a gap"),
        ("DELETE FROM contents;", "changed or removed"),
        ("UPDATE pieces SET position = position - 9000000000;", "negative position"),
    ];
    for (sql, told) in forged {
        let folder = Folder::new();
        folder.forge(sql);
        let (kind, why) = refused(folder.read("two"));
        let expected =
            if sql == "DELETE FROM contents;" { ErrorKind::NotFound } else { ErrorKind::InvalidData };
        assert_eq!(kind, expected, "{sql}: {why}");
        assert!(why.contains(told), "{sql}: {why}");
    }
    // Bytes that are not in their place are not read.
    let folder = Folder::new();
    folder.forge("UPDATE pieces SET bytes = substr(bytes, 2) WHERE segment = 2;");
    let mut content = Database::open_read_only(&folder.path()).unwrap().read("two").unwrap();
    content.seek(SeekFrom::Start(100)).unwrap();
    content.read_exact(&mut [0; 100]).unwrap();
}

#[test]
fn values_of_another_kind_are_refused() {
    // Only a table that is not strict takes them. The text of the schema is corrected afterwards.
    let values = [
        ("names", "UPDATE names SET name = CAST(x'80FF' AS TEXT) WHERE name = 'one';"),
        ("names", "UPDATE names SET name = 'a' || char(0) || 'b' WHERE name = 'one';"),
        ("names", "UPDATE names SET name = '' WHERE name = 'one';"),
        ("names", "UPDATE names SET name = x'00' WHERE name = 'one';"),
        ("contents", "UPDATE contents SET len = 'long';"),
        ("contents", "UPDATE contents SET len = 1.5;"),
        ("contents", "UPDATE contents SET len = NULL;"),
    ];
    for (table, sql) in values {
        let folder = Folder::new();
        let strict = ["') STRICT', ')'", "'STRICT, ', ''", "' NOT NULL', ''"];
        let loose = strict.iter().fold("sql".to_owned(), |sql, change| format!("replace({sql}, {change})"));
        let connection = Connection::open(folder.path()).unwrap();
        let kept: String = connection
            .query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))
            .unwrap();
        drop(connection);
        folder.forge(&format!("UPDATE sqlite_schema SET sql = {loose} WHERE name = '{table}';"));
        folder.forge(sql);
        folder.forge(&format!(
            "UPDATE sqlite_schema SET sql = '{}' WHERE name = '{table}';",
            kept.replace('\'', "''")
        ));
        let listed = Database::open_read_only(&folder.path()).and_then(|database| database.entries());
        let (kind, why) = refused(listed);
        assert_eq!(kind, ErrorKind::InvalidData, "{sql}: {why}");
    }
}

#[test]
fn a_name_that_cannot_be_stored_is_refused() {
    let folder = Folder::new();
    let database = folder.database();
    for name in ["", "a\0b"] {
        assert_eq!(refused(database.create(Path::new(name))).0, ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(refused(FileSink::create(&database.output("\0"))).0, ErrorKind::InvalidInput);
    }
    assert_eq!(refused(database.delete("a\0b")).0, ErrorKind::InvalidInput);
}

/// Creates other programs' files under every name that a lock can have, and returns them with their
/// content.
fn plant(folder: &Folder) -> Vec<(PathBuf, Vec<u8>)> {
    let files: [(&str, &[u8]); 8] = [
        ("-1.lock", b"another program's"),
        ("-2.lock", b""),
        ("-3.lock", b"sv2 writes content 2\n"),
        ("-4.lock", b"sv2 writes content 4\nand more"),
        ("-99.lock", b"sv2 writes content 99\n"),
        ("-007.lock", b"sv2 writes content 7\n"),
        ("-0.lock", b"sv2 writes content 0\n"),
        ("--1.lock", b"sv2 writes content -1\n"),
    ];
    let planted = files.map(|(ending, bytes)| (folder.beside(ending), bytes.to_vec()));
    for (path, bytes) in &planted {
        fs::write(path, bytes).unwrap();
    }
    planted.to_vec()
}

#[test]
fn files_of_others_are_left_alone() {
    let folder = Folder::new();
    let planted = plant(&folder);
    let database = folder.database();
    // Streams with the ids 5 and 6, and their journals.
    let key = key();
    let sink = FileSink::create(&database.output("three")).unwrap();
    encrypting(&key, 1).run_to_file(&plaintext(9)[..], STAMP, sink, None).unwrap();
    database.delete("one").unwrap();
    drop((database, Database::open(&folder.path()).unwrap()));
    for (path, bytes) in planted {
        assert_eq!(fs::read(&path).unwrap(), bytes, "{}", path.display());
    }
}

#[test]
fn a_lock_that_was_left_is_removed() {
    let folder = Folder::new();
    for (ending, words) in [("-1.lock", "sv2 writes content 1\n"), ("-2.lock", "sv2 writes content 2\n")] {
        fs::write(folder.beside(ending), words).unwrap();
    }
    // A reader removes nothing.
    drop(Database::open_read_only(&folder.path()).unwrap());
    assert_eq!(folder.names(), ["streams.db", "streams.db-1.lock", "streams.db-2.lock"]);
    drop(folder.database());
    assert_eq!(folder.names(), ["streams.db"]);
}

#[cfg(unix)]
#[test]
fn a_lock_is_not_taken_through_a_link() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    let precious = folder.0.path().join("precious");
    fs::write(&precious, b"precious").unwrap();
    let missing = folder.0.path().join("missing");
    let database = folder.database();
    let last: i64 = Connection::open(folder.path())
        .unwrap()
        .query_row("SELECT seq FROM sqlite_sequence", [], |row| row.get(0))
        .unwrap();
    for (target, id) in [(&precious, last + 1), (&missing, last + 2)] {
        symlink(target, folder.beside(&format!("-{id}.lock"))).unwrap();
        let (kind, why) = refused(FileSink::create(&database.output(&format!("new {id}"))));
        assert_eq!(kind, ErrorKind::InvalidInput, "{why}");
        assert!(why.contains(&format!("-{id}.lock: is not a regular file")), "{why}");
    }
    let pipe = folder.beside(&format!("-{}.lock", last + 3));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(refused(FileSink::create(&database.output("pipe"))).0, ErrorKind::InvalidInput);
    // Opening it sweeps the folder, and does not wait for the other end of the pipe.
    drop((database, Database::open(&folder.path()).unwrap()));
    assert_eq!(fs::read(&precious).unwrap(), b"precious");
    assert!(!missing.exists() && pipe.exists());
}

#[test]
fn a_reader_changes_nothing() {
    let folder = Folder::new();
    // After a killed writer, everything of its last minutes is in the log.
    let database = folder.database();
    database.delete("one").unwrap();
    drop(FileSink::create(&database.output("half")).unwrap());
    let crashed = tempfile::tempdir().unwrap();
    for ending in ["", "-wal"] {
        fs::copy(folder.beside(ending), crashed.path().join(format!("streams.db{ending}"))).unwrap();
    }
    drop(database);
    let crashed = Folder(crashed);
    let before = ["", "-wal"].map(|ending| fs::read(crashed.beside(ending)).unwrap());
    assert!(!before[1].is_empty());
    let database = Database::open_read_only(&crashed.path()).unwrap();
    let names: Vec<_> = database.entries().unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["half.partial", "two"]);
    drop(database);
    assert_eq!(crashed.read("two").unwrap(), folder.read("two").unwrap());
    assert!(["", "-wal"].map(|ending| fs::read(crashed.beside(ending)).unwrap()) == before);

    // No file is left next to a database that was at rest.
    let names = folder.names();
    assert!(names.len() == 2 && names[1].ends_with(".lock"), "{names:?}");
}

#[test]
fn a_path_is_not_taken_for_a_uri() {
    let folder = Folder::new();
    for name in ["file:a.db?mode=memory", "a?b#c%20d.db", ":memory:"] {
        let path = folder.0.path().join(name);
        drop(Database::create(&path).unwrap());
        assert!(path.metadata().unwrap().len() > 0, "{name}");
        assert_eq!(Database::open_read_only(&path).unwrap().entries().unwrap(), []);
    }
}

#[test]
fn a_name_too_long_for_its_locks_is_refused() {
    let folder = Folder::new();
    let path = |len| folder.0.path().join("x".repeat(len));
    let (kind, why) = refused(Database::create(&path(231)));
    assert_eq!(kind, ErrorKind::InvalidFilename);
    assert!(
        why.ends_with("its file name is longer than 230 bytes; SQLite and locks add endings to it"),
        "{why}"
    );
    let database = Database::create(&path(230)).unwrap();
    FileSink::create(&database.output("out")).unwrap();
}

/// Opening a named pipe would wait for its other end, and no signal would end that.
#[cfg(unix)]
#[test]
fn pipes_in_the_place_of_files_are_refused() {
    for ending in ["", "-journal", "-wal", "-shm"] {
        let folder = Folder::new();
        let pipe = folder.beside(ending);
        let _ = fs::remove_file(&pipe);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for opened in [Database::open_read_only(&folder.path()), Database::create(&folder.path())] {
            let error = opened.map(drop).unwrap_err().to_string();
            assert!(error.contains("is not a regular file"), "{ending}: {error}");
        }
    }
}
