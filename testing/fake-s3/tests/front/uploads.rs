//! Multipart uploads: their results and the refusals.

use rusty_s3::Method;
use stream_v2_fake_s3::{Front, Operation};

use crate::client::{Client, Pairs};

const PART_LEN: usize = 5 << 20;

fn begun() -> (Front, Client, String) {
    let front = Front::start();
    let client = Client::of(&front);
    let id = client.begin("object", &[("x-amz-meta-made-by", "a test")]);
    front.take();
    (front, client, id)
}

/// Sends parts and returns their ETags.
fn sent(client: &Client, id: &str, parts: &[&[u8]]) -> Vec<String> {
    let send = |(number, bytes): (u16, &&[u8])| {
        client.part("object", id, number, &[], bytes).unwrap().header("etag").to_owned()
    };
    (1..).zip(parts).map(send).collect()
}

fn named(etags: &[String]) -> Vec<(u16, &str)> {
    (1..).zip(etags).map(|(number, etag)| (number, &**etag)).collect()
}

#[test]
fn parts_become_an_object() {
    let (front, client, id) = begun();
    let large = vec![7; PART_LEN];
    let etags = sent(&client, &id, &[&large, b"replaced", b"hello"]);
    let etags = [etags[..1].to_vec(), vec![sent(&client, &id, &[&large, b"hello"]).remove(1)]].concat();
    assert_eq!(etags[1], "\"5d41402abc4b2a76b9719d911017c592\"");
    let upload = front.uploads().remove(0);
    assert_eq!((&upload.id, &*upload.name, &*upload.metadata["made-by"]), (&id, "bucket/object", "a test"));
    let lens: Vec<_> = upload.parts.iter().map(|part| (part.number, part.size)).collect();
    assert_eq!(lens, [(1, PART_LEN), (2, 5), (3, 5)]);
    assert_eq!((&upload.parts[1].etag, &*upload.parts[1].bytes), (&etags[1], &b"hello"[..]));

    let answer = client.complete("object", &id, &[("if-none-match", "*")], &named(&etags)).unwrap();
    let etag = front.etag("bucket/object").unwrap();
    assert_eq!((answer.status, answer.element("ETag").replace("&quot;", "\"")), (200, etag.clone()));
    assert!(etag.len() == 36 && etag.ends_with("-2\""), "{etag}");
    assert!(front.object("bucket/object").unwrap() == [&large, &b"hello"[..]].concat());
    assert_eq!(front.metadata("bucket/object").unwrap()["made-by"], "a test");
    assert_eq!(front.uploads(), []);

    let again = || client.complete("object", &id, &[("if-none-match", "*")], &named(&etags)).unwrap();
    assert_eq!((again().status, again().text() == answer.text()), (200, true));
    let other = client.complete("object", &id, &[], &named(&etags[..1])).unwrap();
    assert_eq!(other.error(), (404, "NoSuchUpload"));
    front.forget_completed();
    assert_eq!(again().error(), (404, "NoSuchUpload"));

    let records = front.take();
    let first = &records[0];
    assert_eq!((first.operation, first.part, first.received), (Operation::UploadPart, Some(1), PART_LEN));
    assert_eq!((first.upload.as_ref(), &*first.name), (Some(&id), "bucket/object"));
    assert_eq!(first.md5.as_deref(), Some(etags[0].trim_matches('"')));
    assert_eq!(records[5].operation, Operation::CompleteMultipartUpload);
}

#[test]
fn parts_that_are_not_as_named_become_nothing() {
    let (front, client, id) = begun();
    let etags = sent(&client, &id, &[b"one", b"two", b"three"]);
    let [one, two] = [&*etags[0], &*etags[1]];
    let complete = |headers, parts: &[(u16, &str)]| {
        let answer = client.complete("object", &id, headers, parts).unwrap();
        (answer.status, answer.element("Code").to_owned())
    };
    let refused = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(complete(&[], &[]), refused(400, "MalformedXML"));
    assert_eq!(complete(&[], &[(2, two), (1, one)]), refused(400, "InvalidPartOrder"));
    assert_eq!(complete(&[], &[(1, one), (1, one)]), refused(400, "InvalidPartOrder"));
    assert_eq!(complete(&[], &[(1, one), (4, two)]), refused(400, "InvalidPart"));
    assert_eq!(complete(&[], &[(1, two)]), refused(400, "InvalidPart"));
    assert_eq!(complete(&[], &[(1, one), (2, two)]), refused(400, "EntityTooSmall"));
    front.allow_small_parts();
    front.put("bucket/object", b"there");
    assert_eq!(complete(&[("if-none-match", "*")], &[(1, one)]), refused(412, "PreconditionFailed"));
    assert_eq!(front.object("bucket/object").unwrap(), b"there");
    front.drop_part(&id, 2);
    assert_eq!(complete(&[], &[(1, one), (2, two)]), refused(400, "InvalidPart"));
    // A part that is not named is left out.
    assert_eq!(complete(&[], &[(1, one), (3, &etags[2])]).0, 200);
    assert_eq!(front.object("bucket/object").unwrap(), b"onethree");
}

#[test]
fn parts_are_checked_and_need_an_upload() {
    let (front, client, id) = begun();
    let part = |id, number, headers| {
        let answer = client.part("object", id, number, headers, b"bytes").unwrap();
        (answer.status, answer.element("Code").to_owned())
    };
    let digest = [("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")];
    assert_eq!(part(&id, 1, &digest), (400, "BadDigest".into()));
    assert_eq!(part(&id, 0, &[]), (400, "InvalidArgument".into()));
    assert_eq!(part(&id, 10_001, &[]), (400, "InvalidArgument".into()));
    assert_eq!(part("another", 1, &[]), (404, "NoSuchUpload".into()));
    assert_eq!(client.part("other", &id, 1, &[], b"").unwrap().error(), (404, "NoSuchUpload"));
    assert_eq!(front.uploads()[0].parts, []);
    let abort = || client.ask(Method::Delete, "object", &[("uploadId", &id)], &[], b"").unwrap();
    assert_eq!((abort().status, front.uploads().len()), (204, 0));
    assert_eq!(abort().error(), (404, "NoSuchUpload"));
    assert_eq!(client.list_parts("object", &id, &[]).error(), (404, "NoSuchUpload"));
    let id = client.begin("object", &[]);
    front.expire(&id);
    assert_eq!(client.part("object", &id, 1, &[], b"").unwrap().error(), (404, "NoSuchUpload"));
}

#[test]
fn parts_are_listed_in_pages() {
    let (front, client, id) = begun();
    sent(&client, &id, &[b"one", b"two", b"three"]);
    sent(&client, &id, &[b"again"]);
    let list = |query| client.list_parts("object", &id, query);
    let all = list(&[]);
    assert_eq!(all.elements("PartNumber"), ["1", "2", "3"]);
    assert_eq!(all.elements("Size"), ["5", "3", "5"]);
    assert_eq!(all.element("IsTruncated"), "false");
    let page = list(&[("max-parts", "2")]);
    assert_eq!((page.elements("PartNumber"), page.element("IsTruncated")), (vec!["1", "2"], "true"));
    assert_eq!(page.element("NextPartNumberMarker"), "2");
    let rest = list(&[("max-parts", "2"), ("part-number-marker", "2")]);
    assert_eq!((rest.elements("PartNumber"), rest.element("IsTruncated")), (vec!["3"], "false"));
    front.set_page(1);
    assert_eq!(list(&[]).elements("PartNumber"), ["1"]);
    front.list_twice();
    assert_eq!(list(&[]).elements("Size"), ["3", "5"]);
    assert_eq!(front.uploads()[0].parts[0].size, 5);
}

#[test]
fn uploads_are_listed_in_pages() {
    let front = Front::start();
    let client = Client::of(&front);
    let ids = ["b/1", "a", "b/1", "b/2 +", "c"].map(|key| client.begin(key, &[]));
    let list = |query: Pairs<'_>| {
        let query = [&[("uploads", "")], query].concat();
        client.ask(Method::Get, "", &query, &[], b"").unwrap()
    };
    assert_eq!(list(&[]).elements("Key"), ["a", "b/1", "b/1", "b/2 +", "c"]);
    assert_eq!(list(&[("prefix", "b/")]).elements("Key"), ["b/1", "b/1", "b/2 +"]);
    assert_eq!(list(&[("prefix", "b/2"), ("encoding-type", "url")]).elements("Key"), ["b%2F2+%2B"]);
    front.set_page(2);
    let mut found = Vec::new();
    let mut markers: Option<(String, String)> = None;
    loop {
        let marked = markers.as_ref().map(|(key, id)| [("key-marker", &**key), ("upload-id-marker", &**id)]);
        let page = list(marked.as_ref().map_or(&[][..], |marked| &marked[..]));
        found.extend(page.elements("UploadId").into_iter().map(|id| id.replace("&amp;", "&")));
        if page.element("IsTruncated") == "false" {
            break;
        }
        let id = page.element("NextUploadIdMarker").replace("&amp;", "&");
        markers = Some((page.element("NextKeyMarker").to_owned(), id));
    }
    assert_eq!(found, [&ids[1], &ids[0], &ids[2], &ids[3], &ids[4]].map(String::clone));
    assert_eq!(list(&[("key-marker", "b/1")]).elements("Key"), ["b/2 +", "c"]);
    assert_eq!(list(&[("max-uploads", "1")]).elements("Key"), ["a"]);
}
