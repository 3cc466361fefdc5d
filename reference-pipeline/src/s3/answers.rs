//! Answers of S3 in XML, by local names: the namespace differs between servers.

use quick_xml::Reader;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::Event;

/// An element without its attributes.
pub(super) struct Element {
    name: String,
    /// What is between its tags, as it is.
    inner: String,
}

impl Element {
    /// The outermost element.
    pub(super) fn root(xml: &str) -> Option<Self> {
        children(xml)?.into_iter().next()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The elements of this name right inside it.
    pub(super) fn all(&self, name: &str) -> Option<Vec<Self>> {
        Some(children(&self.inner)?.into_iter().filter(|child| child.name == name).collect())
    }

    /// The text of the element of this name right inside it, without blanks around it.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.exact(name).map(|text| text.trim().to_owned())
    }

    /// The text of the element of this name right inside it, as it is.
    pub(super) fn exact(&self, name: &str) -> Option<String> {
        let child = children(&self.inner)?.into_iter().find(|child| child.name == name)?;
        Some(unescape(&child.inner).ok()?.into_owned())
    }

    /// A key right inside it. Keys are percent-encoded if it says so.
    pub(super) fn key(&self, name: &str) -> Option<String> {
        self.key_of(self, name)
    }

    /// A key right inside an entry of this list.
    pub(super) fn key_of(&self, entry: &Self, name: &str) -> Option<String> {
        entry.exact(name).map(|text| if self.is_encoded() { decoded(text) } else { text })
    }

    /// Whether keys are encoded, as was asked for with `encoding-type=url`: not every server does it.
    fn is_encoded(&self) -> bool {
        self.text("EncodingType").as_deref() == Some("url")
    }

    /// The number in it.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Whether a list goes on: where, by these names.
    pub(super) fn goes_on(&self) -> bool {
        self.text("IsTruncated").as_deref() == Some("true")
    }
}

/// A key that came as in a form: `+` is a blank, `%XX` a byte. What is not encoded so is taken as it is.
fn decoded(text: String) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(if byte == b'+' { b' ' } else { byte }));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or(text)
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

/// The body of `CompleteMultipartUpload`: the entity tag of part 1 first.
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
    fn keys_are_taken_as_they_are() {
        let list = |encoding: &str, key: &str| {
            let xml = format!("<L>{encoding}<U><Key>{key}</Key></U><NextKeyMarker>{key}</NextKeyMarker></L>");
            let root = Element::root(&xml).unwrap();
            let of_entry = root.key_of(&root.all("U").unwrap()[0], "Key").unwrap();
            assert_eq!(root.key("NextKeyMarker").unwrap(), of_entry);
            of_entry
        };
        for (key, expected) in
            [(" lead", " lead"), ("trail ", "trail "), ("a+b%41", "a+b%41"), ("a&#13;&amp;", "a\r&")]
        {
            assert_eq!(list("", key), expected);
        }
        let encoded = "<EncodingType>url</EncodingType>";
        for (key, expected) in [
            ("+lead%2B%20", " lead+ "),
            ("..%2Fvictim/%01%c3%bc", "../victim/\u{1}ü"),
            ("50%", "50%"),
            ("%zz%4", "%zz%4"),
            ("%ff", "%ff"),
        ] {
            assert_eq!(list(encoded, key), expected);
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
