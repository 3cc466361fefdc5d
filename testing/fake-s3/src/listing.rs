//! Lists of uploads and of parts, in pages.

use std::ops::Bound;

use s3s::dto::{
    ETag, EncodingType, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ListPartsInput, ListPartsOutput, MultipartUpload, Object, Part,
};
use s3s::{S3Result, s3_error};

use crate::service::{modified, name_of};
use crate::state::{Manners, State};

/// Entries in a page, unless fewer are requested.
const PAGE_MAX: usize = 1000;

impl Manners {
    /// Returns the number of entries in a page.
    fn page_len(&self, wanted: Option<i32>) -> S3Result<usize> {
        let wanted = usize::try_from(wanted.unwrap_or(i32::MAX));
        let wanted = wanted.map_err(|_| s3_error!(InvalidArgument, "A page is not shorter than nothing"))?;
        Ok(wanted.min(PAGE_MAX).min(self.page.unwrap_or(PAGE_MAX)))
    }
}

impl State {
    /// Lists parts in order of their numbers.
    pub(crate) fn list_parts(&mut self, input: ListPartsInput) -> S3Result<ListPartsOutput> {
        let page = self.manners.page_len(input.max_parts)?;
        let lists_twice = self.manners.lists_twice;
        let upload = self.uploads.of(&name_of(&input.bucket, &input.key), &input.upload_id)?;
        let marker = input.part_number_marker.unwrap_or(0);
        let behind = u16::try_from(marker).map_err(|_| s3_error!(InvalidArgument, "No marker of a part"))?;
        let mut rest = upload.parts.range((Bound::Excluded(behind), Bound::Unbounded));
        let mut parts = Vec::new();
        let mut next = None;
        for (number, sent) in rest.by_ref().take(page) {
            let first = if lists_twice { 0 } else { sent.len() - 1 };
            parts.extend(sent[first..].iter().map(|part| Part {
                e_tag: Some(ETag::Strong(part.etag.clone())),
                last_modified: Some(modified()),
                part_number: Some(i32::from(*number)),
                size: i64::try_from(part.bytes.len()).ok(),
                ..Part::default()
            }));
            next = Some(i32::from(*number));
        }
        let is_truncated = rest.next().is_some();
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            is_truncated: Some(is_truncated),
            key: Some(input.key),
            max_parts: i32::try_from(page).ok(),
            next_part_number_marker: next.filter(|_| is_truncated),
            part_number_marker: Some(marker),
            parts: Some(parts),
            upload_id: Some(input.upload_id),
            ..ListPartsOutput::default()
        })
    }

    /// Lists objects by their keys. The last key of a page is the token of the next one.
    pub(crate) fn list_objects(&self, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "Objects are not listed by delimiter"));
        }
        let page = self.manners.page_len(input.max_keys)?;
        let encoding = input.encoding_type.filter(|encoding| encoding.as_str() == EncodingType::URL);
        let encoded = |text: &str| match encoding {
            Some(_) => form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            None => text.to_owned(),
        };
        let bucket = format!("{}/", input.bucket);
        let (prefix, token) = (input.prefix.unwrap_or_default(), input.continuation_token);
        let is_behind = |key: &str| token.as_deref().is_none_or(|token| key > token);
        let mut found: Vec<_> = self
            .objects
            .iter()
            .filter_map(|(name, object)| Some((name.strip_prefix(&bucket)?, object)))
            .filter(|(key, _)| key.starts_with(&prefix) && is_behind(key))
            .collect();
        let is_truncated = found.len() > page;
        found.truncate(page);
        let last = found.last().map(|(key, _)| (*key).to_owned()).filter(|_| is_truncated);
        let object = |(key, object): &(&str, &crate::object::Stored)| Object {
            key: Some(encoded(key)),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(modified()),
            size: i64::try_from(object.bytes.len()).ok(),
            ..Object::default()
        };
        Ok(ListObjectsV2Output {
            contents: Some(found.iter().map(object).collect()),
            encoding_type: encoding.clone(),
            is_truncated: Some(is_truncated),
            key_count: i32::try_from(found.len()).ok(),
            next_continuation_token: last,
            prefix: Some(encoded(&prefix)),
            name: Some(input.bucket),
            ..ListObjectsV2Output::default()
        })
    }

    /// Lists uploads by the keys of their objects. Uploads of one object are in the order in which
    /// they began.
    pub(crate) fn list_uploads(
        &self,
        input: ListMultipartUploadsInput,
    ) -> S3Result<ListMultipartUploadsOutput> {
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "Uploads are not listed by delimiter"));
        }
        let page = self.manners.page_len(input.max_uploads)?;
        let encoding = input.encoding_type.filter(|encoding| encoding.as_str() == EncodingType::URL);
        let encoded = |text: &str| match encoding {
            Some(_) => form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            None => text.to_owned(),
        };
        let bucket = format!("{}/", input.bucket);
        let prefix = input.prefix.unwrap_or_default();
        let key_marker = input.key_marker.unwrap_or_default();
        // S3 ignores the upload ID marker without a key marker.
        let id_marker = input.upload_id_marker.filter(|_| !key_marker.is_empty());
        let is_behind = |key: &str, id: &str| {
            let is_later = id_marker.as_deref().is_some_and(|marker| key == key_marker && id > marker);
            is_later || key > key_marker.as_str()
        };
        let all = self.uploads.unfinished.iter();
        let mut found: Vec<(&str, &str)> = all
            .filter_map(|(id, upload)| Some((upload.name.strip_prefix(&bucket)?, id.as_str())))
            .filter(|(key, id)| key.starts_with(&prefix) && is_behind(key, id))
            .collect();
        found.sort_unstable();
        let is_truncated = found.len() > page;
        found.truncate(page);
        let last = found.last().copied().filter(|_| is_truncated);
        let upload = |(key, id): &(&str, &str)| MultipartUpload {
            initiated: Some(modified()),
            key: Some(encoded(key)),
            upload_id: Some((*id).to_owned()),
            ..MultipartUpload::default()
        };
        Ok(ListMultipartUploadsOutput {
            is_truncated: Some(is_truncated),
            key_marker: Some(encoded(&key_marker)),
            max_uploads: i32::try_from(page).ok(),
            next_key_marker: last.map(|(key, _)| encoded(key)),
            next_upload_id_marker: last.map(|(_, id)| id.to_owned()),
            prefix: Some(encoded(&prefix)),
            uploads: Some(found.iter().map(upload).collect()),
            bucket: Some(input.bucket),
            encoding_type: encoding,
            upload_id_marker: id_marker,
            ..ListMultipartUploadsOutput::default()
        })
    }
}
