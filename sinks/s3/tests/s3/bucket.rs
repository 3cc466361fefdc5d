//! The requests of uploads to a bucket, call by call.

use std::io::{self, ErrorKind};

use stream_v2_fake_s3::{Fault, Operation};
use stream_v2_s3::{Found, Multipart, PartBytes, UploadId};

use crate::machine::{KEY, Machine, OBJECT, assert_told, count};

fn refused<T>(result: io::Result<T>) -> ErrorKind {
    let error = result.err().unwrap();
    assert_told(&error);
    error.kind()
}

#[test]
fn object_of_parts_has_its_mark() {
    let machine = Machine::new();
    let bucket = &machine.bucket;
    assert_eq!(bucket.find(KEY).unwrap(), None);
    let id = bucket.begin(KEY, "a mark").unwrap();
    let upload = UploadId { key: KEY, id: &id };
    assert_eq!(bucket.parts(upload).unwrap(), Some(vec![]));
    let send = |number, bytes: &[u8]| bucket.send(upload, number, &PartBytes(bytes)).unwrap();
    let etags = [send(1, b"one "), send(2, b"two "), send(3, b"three")];
    let etags = etags.each_ref().map(|etag| &**etag);
    assert_eq!(refused(bucket.complete(upload, &[etags[1], etags[0]], false)), ErrorKind::Other);
    bucket.complete(upload, &etags, false).unwrap();
    assert_eq!(machine.front.object(OBJECT).unwrap(), b"one two three");
    let etag = machine.front.etag(OBJECT).unwrap();
    let found = bucket.find(KEY).unwrap().unwrap();
    assert_eq!(found, Found { len: 13, etag, mark: Some("a mark".into()) });
    let mut read = String::new();
    bucket.read(KEY).unwrap().read_to_string(&mut read).unwrap();
    assert_eq!(read, "one two three");

    let id = bucket.begin(KEY, "another mark").unwrap();
    let upload = UploadId { key: KEY, id: &id };
    let etag = bucket.send(upload, 1, &PartBytes(b"other")).unwrap();
    assert_eq!(refused(bucket.complete(upload, &[&etag], false)), ErrorKind::AlreadyExists);
    bucket.complete(upload, &[&etag], true).unwrap();
    assert_eq!(bucket.find(KEY).unwrap().unwrap().mark.unwrap(), "another mark");
}

#[test]
fn parts_are_listed_page_after_page() {
    let mut machine = Machine::new();
    machine.front.set_page(2);
    let id = machine.bucket.begin(KEY, "mark").unwrap();
    let upload = UploadId { key: KEY, id: &id };
    let etags: Vec<_> = (1..=5)
        .map(|number| machine.bucket.send(upload, number, &PartBytes(&vec![1; usize::from(number)])).unwrap())
        .collect();
    machine.take();
    // A page that is cut is asked for again.
    machine.front.fail_at(Operation::ListParts, 1, Fault::CutBody(20));
    let listed = machine.bucket.parts(upload).unwrap().unwrap();
    assert_eq!(count(&machine.take(), Operation::ListParts), 4);
    let listed: Vec<_> = listed.into_iter().map(|part| (part.number, part.len, part.etag)).collect();
    let expected: Vec<_> = (1..).zip(etags).map(|(number, etag)| (number, u64::from(number), etag)).collect();
    assert_eq!(listed, expected);
}

#[test]
fn uploads_are_listed_by_page_and_prefix() {
    let machine = Machine::new();
    machine.front.set_page(2);
    let keys = ["a/1", "a/1", "a/1", "a/2 & <3>", "a/ü+%41", "b"];
    let begun: Vec<_> = keys.iter().map(|key| (*key, machine.bucket.begin(key, "mark").unwrap())).collect();
    let listed = |prefix| {
        let mut listed: Vec<_> = machine.bucket.unfinished(prefix).unwrap();
        assert!(listed.iter().all(|upload| upload.begun == Some(1_445_412_480_000_000_000)));
        listed.sort_by(|a, b| a.id.cmp(&b.id));
        listed.into_iter().map(|upload| (upload.key, upload.id)).collect::<Vec<_>>()
    };
    let expected = |prefix: &str| {
        let begun = begun.iter().filter(|(key, _)| key.starts_with(prefix));
        begun.map(|(key, id)| ((*key).to_owned(), id.clone())).collect::<Vec<_>>()
    };
    for prefix in ["", "a/", "a/1", "a/2 &", "a/ü", "b", "c"] {
        assert_eq!(listed(prefix), expected(prefix), "{prefix}");
    }
}

#[test]
fn aborted_upload_can_be_aborted_again() {
    let machine = Machine::new();
    let bucket = &machine.bucket;
    let id = bucket.begin(KEY, "mark").unwrap();
    let upload = UploadId { key: KEY, id: &id };
    let etag = bucket.send(upload, 1, &PartBytes(b"part")).unwrap();
    machine.front.fail_at(Operation::AbortMultipartUpload, 0, Fault::Lose);
    bucket.abort(upload).unwrap();
    bucket.abort(upload).unwrap();
    assert_eq!((bucket.parts(upload).unwrap(), machine.front.uploads()), (None, vec![]));
    assert_eq!(refused(bucket.send(upload, 1, &PartBytes(b"part"))), ErrorKind::NotFound);
    assert_eq!(refused(bucket.complete(upload, &[&etag], true)), ErrorKind::NotFound);
    assert_eq!(bucket.unfinished("").unwrap(), []);
}

#[test]
fn objects_of_no_bytes_are_put() {
    let machine = Machine::new();
    let bucket = &machine.bucket;
    bucket.put_empty(KEY, "mark", false).unwrap();
    let found = bucket.find(KEY).unwrap().unwrap();
    assert_eq!((found.len, found.mark), (0, Some("mark".into())));
    assert_eq!(refused(bucket.put_empty(KEY, "other", false)), ErrorKind::AlreadyExists);
    bucket.put_empty(KEY, "other", true).unwrap();
    assert_eq!(bucket.find(KEY).unwrap().unwrap().mark.unwrap(), "other");
}

#[test]
fn missing_bucket_gives_and_takes_nothing() {
    let machine = Machine::new();
    let absent = Fault::Refuse(404, "NoSuchBucket", "The specified bucket does not exist");
    machine.front.fail([absent.clone(), absent.clone(), absent]);
    assert_eq!(refused(machine.bucket.find(KEY)), ErrorKind::NotFound);
    assert_eq!(refused(machine.bucket.begin(KEY, "mark")), ErrorKind::NotFound);
    assert_eq!(machine.bucket.find(KEY).unwrap(), None);
}
