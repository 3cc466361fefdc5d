//! Lists of unfinished uploads.

use stream_v2_s3_servers::{Answer, Ask, Server, encoded};

use crate::uploads::Upload;
use crate::{Facts, outcome};

fn list(server: &Server, query: &[(&str, &str)]) -> Answer {
    server.ask(&Ask { query: &[query, &[("uploads", "")]].concat(), ..Ask::default() })
}

/// Returns the keys in order, or the refusal. Not every server lists them in order.
fn keys(answer: &Answer) -> String {
    let mut keys = answer.elements("Key");
    keys.sort_unstable();
    if answer.is_success() { keys.join(", ") } else { outcome(answer) }
}

/// Reads pages of two entries as a client does, and returns their keys and markers.
fn pages(server: &Server) -> (String, String) {
    let (mut pages, mut kinds) = (Vec::new(), Vec::new());
    let mut markers = Vec::<(&str, String)>::new();
    loop {
        let query: Vec<_> = markers.iter().map(|(name, text)| (*name, &**text)).collect();
        let page = list(server, &[&query[..], &[("max-uploads", "2")]].concat());
        pages.push(keys(&page));
        if page.element("IsTruncated").as_deref() != Some("true") || pages.len() > 5 {
            return (pages.join(" + "), if kinds.is_empty() { "one page".into() } else { kinds.join(", ") });
        }
        let next = |(marker, next)| page.element(next).map(|text| (marker, text));
        let names = [("key-marker", "NextKeyMarker"), ("upload-id-marker", "NextUploadIdMarker")];
        markers = names.into_iter().filter_map(next).collect();
        kinds.push(match &markers[..] {
            [] => "none",
            [("key-marker", _)] => "key",
            [_] => "id",
            _ => "both",
        });
    }
}

pub(crate) fn facts(server: &Server) -> Facts {
    let uploads: Vec<_> =
        ["p/1", "p/2", "p/2", "q", "r s"].iter().map(|key| Upload::begun(server, key)).collect();
    let (pages, markers) = pages(server);
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
        ("in pages of two", pages),
        ("markers of the next page", markers),
        ("keys, encoding-type=url", form.to_owned()),
        ("EncodingType in the answer", echo.unwrap_or_else(|| "none".into())),
    ];
    for upload in uploads {
        let _ = upload.abort();
    }
    let facts = facts.map(|(ask, said)| (ask.to_owned(), if said.is_empty() { "none".into() } else { said }));
    facts.to_vec()
}
