//! Completing a multipart upload.

use s3s::dto::ETagCondition;
use s3s::{S3Result, s3_error};

use crate::object::{Stored, md5_hex};
use crate::state::State;
use crate::uploads::{Completed, Unfinished, no_such_upload, part_number};

/// The smallest part that may precede another part, in bytes.
const PART_LEN_MIN: usize = 5 << 20;

impl State {
    /// Makes an object of the named parts and returns its ETag.
    pub(crate) fn complete(
        &mut self,
        name: &str,
        id: &str,
        named: &[(i32, String)],
        (if_none_match, if_match): (Option<&ETagCondition>, Option<&ETagCondition>),
    ) -> S3Result<String> {
        let named = named.iter().map(|(number, etag)| Ok((part_number(*number)?, etag.clone())));
        let named = named.collect::<S3Result<Vec<_>>>()?;
        let before = self.uploads.completed.get(id).filter(|_| !self.manners.forgets_completed);
        if let Some(completed) = before {
            let is_same = completed.name == name && completed.parts == named;
            return if is_same { Ok(completed.etag.clone()) } else { Err(no_such_upload()) };
        }
        let parts = chosen(self.uploads.of(name, id)?, &named)?;
        let whole = parts.len() - 1;
        if !self.manners.allows_small_parts
            && parts[..whole].iter().any(|part| part.bytes.len() < PART_LEN_MIN)
        {
            return Err(s3_error!(
                EntityTooSmall,
                "Your proposed upload is smaller than the minimum allowed size"
            ));
        }
        self.check_absent(name, if_none_match)?;
        if if_match.is_some() {
            self.object(name, if_match)?;
        }

        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.bytes.iter().copied()).collect();
        let etag = etag_of(&parts);
        let upload = self.uploads.unfinished.remove(id).ok_or_else(no_such_upload)?;
        let (metadata, properties) = (upload.metadata, upload.properties);
        let object = Stored { bytes: bytes.into(), etag: etag.clone(), metadata, properties };
        self.objects.insert(name.into(), object);
        let completed = Completed { name: name.into(), parts: named, etag: etag.clone() };
        self.uploads.completed.insert(id.into(), completed);
        Ok(etag)
    }
}

/// Returns the named parts if they exist and are in order.
fn chosen(upload: &Unfinished, named: &[(u16, String)]) -> S3Result<Vec<Stored>> {
    if named.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    if !named.is_sorted_by(|(before, _), (after, _)| before < after) {
        return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
    }
    let part = |(number, etag): &(u16, String)| {
        let part = upload.parts.get(number).and_then(|sent| sent.last());
        part.filter(|part| part.etag == *etag)
            .cloned()
            .ok_or_else(|| s3_error!(InvalidPart, "One or more of the specified parts could not be found."))
    };
    named.iter().map(part).collect()
}

/// Returns the MD5 of the parts' MD5s, followed by their count.
fn etag_of(parts: &[Stored]) -> String {
    let digests: Vec<u8> = parts.iter().flat_map(|part| hex::decode(&part.etag).unwrap()).collect();
    format!("{}-{}", md5_hex(&digests), parts.len())
}
