//! Answers of S3 in XML, read by local names, because the namespace differs between servers.

use quick_xml::Reader;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::Event;

/// An element without its attributes.
pub(super) struct Element {
    name: String,
    /// The text between its tags, as it is.
    inner: String,
}

impl Element {
    /// Returns the outermost element.
    pub(super) fn root(xml: &str) -> Option<Self> {
        children(xml)?.into_iter().next()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the direct children of this name.
    pub(super) fn all(&self, name: &str) -> Option<Vec<Self>> {
        Some(children(&self.inner)?.into_iter().filter(|child| child.name == name).collect())
    }

    /// Returns the text of the direct child of this name, without blanks around it.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.exact(name).map(|text| text.trim().to_owned())
    }

    /// Returns the text of the direct child of this name, as it is.
    pub(super) fn exact(&self, name: &str) -> Option<String> {
        let child = children(&self.inner)?.into_iter().find(|child| child.name == name)?;
        Some(unescape(&child.inner).ok()?.into_owned())
    }

    /// Returns the most likely key in a direct child.
    pub(super) fn key(&self, name: &str) -> Option<String> {
        self.key_in(self.is_url_encoded(), name).map(|(key, _)| key)
    }

    /// Returns whether this list declares its keys as percent-encoded.
    pub(super) fn is_url_encoded(&self) -> bool {
        self.text("EncodingType").as_deref() == Some("url")
    }

    /// Returns the most likely key in a direct child of this list entry, and the other possible
    /// one.
    ///
    /// Keys are requested with `encoding-type=url`. Some servers encode and do not declare it, and
    /// others declare it and do not encode.
    pub(super) fn key_in(&self, says_so: bool, name: &str) -> Option<(String, Option<String>)> {
        let text = self.exact(name)?;
        let decoded = decoded(&text, says_so).filter(|decoded| *decoded != text);
        let Some(decoded) = decoded else { return Some((text, None)) };
        let may_be_encoded =
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"&?#\\".contains(&byte));
        Some(if may_be_encoded { (decoded, Some(text)) } else { (text, Some(decoded)) })
    }

    /// Returns the number in the direct child of this name.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Returns whether a list has another page. These names contain its place.
    pub(super) fn goes_on(&self) -> bool {
        self.text("IsTruncated").as_deref() == Some("true")
    }
}

/// Decodes a key that came percent-encoded, or as in a form, in which `+` is a blank.
fn decoded(text: &str, is_form: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let plain = if byte == b'+' && is_form { b' ' } else { byte };
        bytes.push(code.unwrap_or(plain));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).ok()
}

fn children(xml: &str) -> Option<Vec<Element>> {
    let mut reader = Reader::from_str(xml);
    let mut children = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Eof => return Some(children),
            Event::Start(start) => {
                let name = String::from_utf8(start.local_name().as_ref().to_vec()).ok()?;
                let inner = reader.read_text(start.name()).ok()?.decode().ok()?.into_owned();
                children.push(Element { name, inner });
            }
            Event::Empty(empty) => {
                let name = String::from_utf8(empty.local_name().as_ref().to_vec()).ok()?;
                children.push(Element { name, inner: String::new() });
            }
            _ => {}
        }
    }
}

/// Returns the body of `CompleteMultipartUpload`: the entity tag of part 1 first.
pub(super) fn complete_body(etags: &[&str]) -> String {
    let parts = (1..).zip(etags).map(|(number, etag): (u32, _)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag></Part>", escape(*etag))
    });
    let parts: String = parts.collect();
    format!(
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{parts}</CompleteMultipartUpload>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_whatever_their_namespace_is() {
        let xml = "<?xml version=\"1.0\"?>\n<a:ListPartsResult xmlns:a=\"x\"><a:IsTruncated>true</a:IsTruncated><Owner><ID>1</ID></Owner>\
                   <Part><PartNumber>1</PartNumber><ETag>&quot;e&quot;</ETag><Size> 5 </Size></Part><Part><Size/></Part></a:ListPartsResult>";
        let root = Element::root(xml).unwrap();
        assert_eq!((root.name(), root.goes_on()), ("ListPartsResult", true));
        let parts = root.all("Part").unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(
            (parts[0].number("PartNumber"), parts[0].text("ETag").unwrap()),
            (Some(1_u16), "\"e\"".into())
        );
        assert_eq!((parts[0].number("Size"), parts[1].number::<u64>("Size")), (Some(5_u64), None));
        assert_eq!(root.text("ID"), None);
    }

    #[test]
    fn keys_are_taken_as_they_most_likely_are() {
        let keys = |encoding: &str, key: &str| {
            let xml = format!("<L>{encoding}<U><Key>{key}</Key></U><NextKeyMarker>{key}</NextKeyMarker></L>");
            let root = Element::root(&xml).unwrap();
            let keys = root.all("U").unwrap()[0].key_in(root.is_url_encoded(), "Key").unwrap();
            assert_eq!(root.key("NextKeyMarker").unwrap(), keys.0);
            keys
        };
        let says_so = "<EncodingType>url</EncodingType>";
        for (encoding, key, expected, otherwise) in [
            ("", " lead", " lead", None),
            ("", "trail ", "trail ", None),
            ("", "a+b", "a+b", None),
            ("", "a&#13;&amp;", "a\r&", None),
            ("", "%20lead", " lead", Some("%20lead")),
            ("", "50%", "50%", None),
            ("", "%zz%4", "%zz%4", None),
            ("", "a b%2e", "a b%2e", Some("a b.")),
            (says_so, "+lead%2B%20", " lead+ ", Some("+lead%2B%20")),
            (says_so, "..%2Fvictim/%01%c3%bc", "../victim/\u{1}ü", Some("..%2Fvictim/%01%c3%bc")),
            (says_so, "%2e &lt;", "%2e <", Some(". <")),
            (says_so, "%ff", "%ff", None),
        ] {
            assert_eq!(keys(encoding, key), (expected.into(), otherwise.map(str::to_owned)), "{key}");
        }
    }

    #[test]
    fn what_is_no_xml_is_none() {
        for wrong in ["", "{}", "<a", "<a><b></a>", "<a>"] {
            assert!(Element::root(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn parts_are_numbered_from_one() {
        let body = complete_body(&["\"a\"", "b"]);
        let root = Element::root(&body).unwrap();
        let parts = root.all("Part").unwrap();
        assert_eq!(parts[0].text("ETag").unwrap(), "\"a\"");
        assert_eq!(parts[1].number("PartNumber"), Some(2_u16));
    }
}
