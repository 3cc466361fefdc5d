//! Lists of unfinished uploads.

use stream_v2_s3_servers::{Answer, Ask, Server, encoded};

use crate::uploads::Upload;
use crate::{Facts, outcome};

fn list(server: &Server, query: &[(&str, &str)]) -> Answer {
    server.ask(&Ask { query: &[query, &[("uploads", "")]].concat(), ..Ask::default() })
}

/// The keys, or the refusal.
fn keys(answer: &Answer) -> String {
    if answer.is_success() { answer.elements("Key").join(", ") } else { outcome(answer) }
}

/// Every page of two, as a client reads them that takes the markers from the page before.
fn pages(server: &Server) -> String {
    let mut markers = Vec::<(&str, String)>::new();
    let mut pages = Vec::new();
    while pages.len() < 5 {
        let query: Vec<_> = markers.iter().map(|(name, text)| (*name, &**text)).collect();
        let page = list(server, &[&query[..], &[("max-uploads", "2")]].concat());
        pages.push(keys(&page));
        if page.element("IsTruncated").as_deref() != Some("true") {
            return pages.join(" + ");
        }
        let next = |(marker, next)| page.element(next).map(|text| (marker, text));
        let names = [("key-marker", "NextKeyMarker"), ("upload-id-marker", "NextUploadIdMarker")];
        markers = names.into_iter().filter_map(next).collect();
        if markers.len() < 2 {
            pages.push("no markers".into());
            return pages.join(" + ");
        }
    }
    format!("{} without end", pages.join(" + "))
}

pub(crate) fn facts(server: &Server) -> Facts {
    let uploads: Vec<_> =
        ["p/1", "p/2", "p/2", "q", "r s"].iter().map(|key| Upload::begun(server, key)).collect();
    let url = list(server, &[("prefix", "r"), ("encoding-type", "url")]);
    let form = match keys(&url) {
        key if key == encoded("r s") => "encoded",
        key if key == "r s" => "as they are",
        _ => "none",
    };
    let echo = url.element("EncodingType").filter(|echo| !echo.is_empty());
    let facts = [
        ("unfinished uploads", keys(&list(server, &[]))),
        ("those with the prefix p/", keys(&list(server, &[("prefix", "p/")]))),
        ("in pages of two", pages(server)),
        ("keys, encoding-type=url", form.to_owned()),
        ("EncodingType in the answer", echo.unwrap_or_else(|| "none".into())),
    ];
    for upload in uploads {
        let _ = upload.abort();
    }
    let facts = facts.map(|(ask, said)| (ask.to_owned(), if said.is_empty() { "none".into() } else { said }));
    facts.to_vec()
}
