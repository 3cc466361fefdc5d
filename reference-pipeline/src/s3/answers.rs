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

    /// The text of the element of this name right inside it.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let child = children(&self.inner)?.into_iter().find(|child| child.name == name)?;
        Some(unescape(child.inner.trim()).ok()?.into_owned())
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
