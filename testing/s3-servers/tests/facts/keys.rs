//! Unusual keys. Uploads under them are begun, listed and aborted, and an object is put, read and
//! deleted.

use stream_v2_s3_servers::{Ask, Server, encoded};

use crate::uploads::Upload;
use crate::{Facts, outcome};

/// Returns the name of each key in the table, and the key.
fn odd() -> Vec<(String, String)> {
    let plain = [
        "a//b",
        "/begins",
        "ends/",
        "a/../b",
        "..",
        "../up",
        "a/./b",
        "%2e",
        "%2e%2e/x",
        "+",
        "?",
        "#",
        "&",
        "<",
        "\"",
        "'",
        "*",
        "a\\b",
        "ü日",
        "NoSuchBucket",
    ];
    let named = [
        ("key of a blank and `lead`", " lead"),
        ("key of `trail` and a blank", "trail "),
        ("key of a tab", "\t"),
        ("key of a line feed", "\n"),
        ("key of U+0001", "\u{1}"),
        ("key of U+007F", "\u{7f}"),
    ];
    let plain = plain.iter().map(|key| (format!("key `{key}`"), (*key).to_owned()));
    let named = named.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned()));
    let long = ("key of 1024 bytes".to_owned(), "x".repeat(1024));
    plain.chain(named).chain([long]).collect()
}

/// Begins an upload under this key, and reports how it is listed and whether it can be aborted.
fn upload(server: &Server, key: &str) -> Vec<String> {
    let upload = match Upload::begin(server, key) {
        Ok(upload) => upload,
        Err(answer) => return vec![format!("upload {}", outcome(&answer))],
    };
    let query = [("uploads", ""), ("encoding-type", "url")];
    let listed = server.ask(&Ask { query: &query, ..Ask::default() });
    let place = listed.elements("UploadId").iter().position(|id| *id == upload.id);
    let name = place.and_then(|place| listed.elements("Key").get(place).cloned());
    let mut said = Vec::new();
    match name.map(|name| quick_xml::escape::unescape(&name).map_or(name.clone(), |plain| plain.into_owned()))
    {
        None => said.push("not listed".to_owned()),
        Some(name) if name == key || name.replace('/', "%2F") == encoded(key) => {}
        Some(name) => said.push(format!("listed as {}", name.escape_debug())),
    }
    let aborted = upload.abort();
    if !aborted.is_success() {
        said.push(format!("abort {}", outcome(&aborted)));
    }
    said
}

/// Puts, reads and deletes an object under this key, and reports the results.
fn object(server: &Server, key: &str) -> Vec<String> {
    let Ok(put) = server.try_ask(&Ask { method: "PUT", key, body: b"odd", ..Ask::default() }) else {
        return vec!["put without an answer".into()];
    };
    if !put.is_success() {
        return vec![format!("put {}", outcome(&put))];
    }
    let mut said = Vec::new();
    let got = server.ask(&Ask { key, ..Ask::default() });
    if got.body != b"odd" {
        said.push(format!("get {}", outcome(&got)));
    }
    let removed = server.ask(&Ask { method: "DELETE", key, ..Ask::default() });
    if !removed.is_success() {
        said.push(format!("delete {}", outcome(&removed)));
    }
    said
}

pub(crate) fn facts(server: &Server) -> Facts {
    let fact = |(name, key): (String, String)| {
        let said = [upload(server, &key), object(server, &key)].concat();
        (name, if said.is_empty() { "good".to_owned() } else { said.join("; ") })
    };
    odd().into_iter().map(fact).collect()
}
