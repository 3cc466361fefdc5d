//! Objects: reading, ranges, conditions and refusals.

use stream_v2_s3_servers::{Answer, Ask, Server};

use crate::{Facts, outcome};

const TEN: &[u8] = b"0123456789";

/// Returns the status and the received bytes.
fn range(answer: &Answer) -> String {
    let bytes = if answer.is_success() { answer.text() } else { String::new() };
    [outcome(answer), bytes].join(" ").trim_end().to_owned()
}

pub(crate) fn facts(server: &Server) -> Facts {
    server.put("ten", TEN);
    let mut facts = Facts::new();
    let mut fact = |ask: &str, said: String| facts.push((ask.to_owned(), said));
    let get = |key, headers: &[(&str, &str)]| server.ask(&Ask { key, headers, ..Ask::default() });
    for (what, bytes) in [
        ("range in the middle", "bytes=2-4"),
        ("range over the end", "bytes=8-20"),
        ("range behind the end", "bytes=10-12"),
        ("last three bytes", "bytes=-3"),
        ("last thirty bytes", "bytes=-30"),
    ] {
        fact(what, range(&get("ten", &[("range", bytes)])));
    }
    let etag = get("ten", &[]).header("etag").unwrap().to_owned();
    fact("read, If-Match right", outcome(&get("ten", &[("if-match", &etag)])));
    fact("read, If-Match wrong", outcome(&get("ten", &[("if-match", "\"00\"")])));
    fact(
        "HEAD of an absent object",
        outcome(&server.ask(&Ask { method: "HEAD", key: "no", ..Ask::default() })),
    );
    fact("GET of an absent object", outcome(&get("no", &[])));
    let put = |key, headers: &[(&str, &str)], body| {
        server.ask(&Ask { method: "PUT", key, headers, body, ..Ask::default() })
    };
    fact("put, If-None-Match, free", outcome(&put("free", &[("if-none-match", "*")], b"1")));
    fact("put, If-None-Match, taken", outcome(&put("free", &[("if-none-match", "*")], b"2")));
    fact("put, Content-MD5 wrong", outcome(&put("md5", &[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], TEN)));
    let ask = Ask { key: "ten", ..Ask::default() };
    let key_id = server.kind().key_id();
    fact("secret wrong", outcome(&server.ask_as((key_id, "wrong"), &ask).unwrap()));
    fact("key id unknown", outcome(&server.ask_as(("GK999999999999999999999999", "wrong"), &ask).unwrap()));
    let elsewhere = |method, query: &[(&str, &str)]| {
        server.ask(&Ask { method, bucket: "no-such-bucket", key: "no", query, ..Ask::default() })
    };
    fact("GET in an absent bucket", outcome(&elsewhere("GET", &[])));
    fact("upload begun in an absent bucket", outcome(&elsewhere("POST", &[("uploads", "")])));
    facts
}
