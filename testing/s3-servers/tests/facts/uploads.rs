//! Multipart uploads: parts, conditions, completing and aborting.

use stream_v2_s3_servers::{Answer, Ask, Server};

use crate::{Facts, outcome};

const LEAST: usize = 5 << 20;
const CONDITION: &[(&str, &str)] = &[("if-none-match", "*")];

/// An upload under way.
pub(crate) struct Upload<'a> {
    server: &'a Server,
    key: &'a str,
    pub(crate) id: String,
}

impl<'a> Upload<'a> {
    /// Begins an upload, or returns the refusal.
    pub(crate) fn begin(server: &'a Server, key: &'a str) -> Result<Self, Answer> {
        let answer = server.ask(&Ask { method: "POST", key, query: &[("uploads", "")], ..Ask::default() });
        match answer.element("UploadId") {
            Some(id) => Ok(Self { server, key, id }),
            None => Err(answer),
        }
    }

    /// Begins an upload for a key that every server takes.
    pub(crate) fn begun(server: &'a Server, key: &'a str) -> Self {
        Self::begin(server, key).unwrap_or_else(|answer| panic!("{key}: {answer:?}"))
    }

    fn ask(&self, method: &str, query: &[(&str, &str)], headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let query = [query, &[("uploadId", &*self.id)]].concat();
        self.server.ask(&Ask { method, key: self.key, query: &query, headers, body, ..Ask::default() })
    }

    fn send_with(&self, number: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.ask("PUT", &[("partNumber", number)], headers, body)
    }

    /// Sends a part and returns its entity tag.
    fn send(&self, number: &str, body: &[u8]) -> String {
        self.send_with(number, &[], body).header("etag").unwrap_or_default().to_owned()
    }

    fn parts(&self, query: &[(&str, &str)]) -> Answer {
        self.ask("GET", query, &[], b"")
    }

    fn complete(&self, etags: &[&str], headers: &[(&str, &str)]) -> Answer {
        let part = |(number, etag): (usize, &&str)| {
            format!("<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag></Part>", number + 1)
        };
        let parts: String = etags.iter().enumerate().map(part).collect();
        let space = "http://s3.amazonaws.com/doc/2006-03-01/";
        let body = format!("<CompleteMultipartUpload xmlns=\"{space}\">{parts}</CompleteMultipartUpload>");
        self.ask("POST", &[], headers, body.as_bytes())
    }

    pub(crate) fn abort(&self) -> Answer {
        self.ask("DELETE", &[], &[], b"")
    }
}

/// Returns the status and the numbers of the parts.
fn numbers(answer: &Answer) -> String {
    [outcome(answer), answer.elements("PartNumber").join(", ")].join(": ").trim_end_matches(": ").to_owned()
}

pub(crate) fn facts(server: &Server) -> Facts {
    let (parts, completing) = (parts(server), completing(server));
    [parts, completing, odd_parts(server), gone(server)].concat()
}

fn parts(server: &Server) -> Facts {
    let upload = Upload::begun(server, "parts");
    upload.send("1", &vec![1; LEAST]);
    let first = upload.send("1", &vec![2; LEAST]);
    let second = upload.send("2", b"end");
    let page = upload.parts(&[("max-parts", "1")]);
    let page = match (page.is_success(), page.element("IsTruncated").as_deref()) {
        (true, Some("true")) => {
            let next = page.element("NextPartNumberMarker").unwrap_or_else(|| "no marker".into());
            format!("{}, next {next}", numbers(&page))
        }
        _ => numbers(&page),
    };
    let facts = [
        ("parts, one of them sent twice", numbers(&upload.parts(&[]))),
        ("parts, one a page", page),
        ("complete, entity tag wrong", outcome(&upload.complete(&["\"00\"", &second], &[]))),
        ("complete, key free, If-None-Match", outcome(&upload.complete(&[&first, &second], CONDITION))),
        ("the same again", outcome(&upload.complete(&[&first, &second], CONDITION))),
        ("again without a condition", outcome(&upload.complete(&[&first, &second], &[]))),
        ("parts of a completed upload", numbers(&upload.parts(&[]))),
    ];
    facts.map(|(ask, said)| (ask.to_owned(), said)).to_vec()
}

fn completing(server: &Server) -> Facts {
    server.put("taken", b"old");
    let upload = Upload::begun(server, "taken");
    let etag = upload.send("1", b"new");
    let completed = outcome(&upload.complete(&[&etag], CONDITION));
    let overtaken = Upload::begun(server, "overtaken");
    overtaken.send("1", b"part");
    server.put("overtaken", b"put");
    let facts = [
        ("parts, after a put of the key", numbers(&overtaken.parts(&[]))),
        ("complete, key taken, If-None-Match", completed),
        ("the object is then", String::from_utf8(server.read("taken")).unwrap()),
        ("parts of this upload are then", numbers(&upload.parts(&[]))),
        ("abort of this upload", outcome(&upload.abort())),
    ];
    let _ = overtaken.abort();
    facts.map(|(ask, said)| (ask.to_owned(), said)).to_vec()
}

fn odd_parts(server: &Server) -> Facts {
    let begin = |key| Upload::begun(server, key);
    let (small, empty, none, wrong) = (begin("small"), begin("empty"), begin("none"), begin("wrong"));
    let etags = [small.send("1", b"1"), small.send("2", b"2")];
    let of_nothing = empty.send("1", b"");
    let facts = [
        ("complete, a first part of one byte", outcome(&small.complete(&[&etags[0], &etags[1]], &[]))),
        ("complete, one empty part", outcome(&empty.complete(&[&of_nothing], &[]))),
        ("complete, no parts", outcome(&none.complete(&[], &[]))),
        (
            "part, Content-MD5 wrong",
            outcome(&wrong.send_with("1", &[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], b"1")),
        ),
    ];
    for upload in [small, empty, none, wrong] {
        let _ = upload.abort();
    }
    facts.map(|(ask, said)| (ask.to_owned(), said)).to_vec()
}

fn gone(server: &Server) -> Facts {
    let upload = Upload::begun(server, "gone");
    let etag = upload.send("1", b"part");
    let facts = [
        ("abort", outcome(&upload.abort())),
        ("abort again", outcome(&upload.abort())),
        ("parts of an aborted upload", numbers(&upload.parts(&[]))),
        ("part for an aborted upload", outcome(&upload.send_with("1", &[], b"part"))),
        ("complete of an aborted upload", outcome(&upload.complete(&[&etag], &[]))),
    ];
    let never = Upload { id: "0123456789abcdef".into(), ..upload };
    let never = [
        ("abort of an unknown upload", outcome(&never.abort())),
        ("complete of an unknown upload, If-None-Match", outcome(&never.complete(&[&etag], CONDITION))),
    ];
    facts.into_iter().chain(never).map(|(ask, said)| (ask.to_owned(), said)).collect()
}
