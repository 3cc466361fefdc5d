//! Parts that are copied from an object, and the tags of an object.

use s3s::dto::{
    CopyPartResult, CopySource, ETag, GetObjectTaggingOutput, Tag, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Result, s3_error};

use crate::service::{modified, name_of};
use crate::state::State;

impl State {
    /// Adds a part whose bytes are those of a range of an object.
    pub(crate) fn copy_part(&mut self, input: &UploadPartCopyInput) -> S3Result<UploadPartCopyOutput> {
        let CopySource::Bucket { bucket, key, version_id: None } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "Only whole names are copied"));
        };
        let source = self.object(&name_of(bucket, key), input.copy_source_if_match.as_ref())?;
        let bytes = match &input.copy_source_range {
            None => source.bytes.clone(),
            Some(range) => {
                let invalid = || s3_error!(InvalidRange, "The requested range is not satisfiable.");
                let (first, last) = range
                    .strip_prefix("bytes=")
                    .and_then(|range| range.split_once('-'))
                    .ok_or_else(invalid)?;
                let (first, last): (usize, usize) =
                    first.parse().ok().zip(last.parse().ok()).ok_or_else(invalid)?;
                if first > last || last >= source.bytes.len() {
                    return Err(invalid());
                }
                source.bytes.slice(first..=last)
            }
        };
        let name = name_of(&input.bucket, &input.key);
        let etag = self.uploads.add(&name, &input.upload_id, input.part_number, bytes)?;
        let copy_part_result = Some(CopyPartResult {
            e_tag: Some(ETag::Strong(etag)),
            last_modified: Some(modified()),
            ..CopyPartResult::default()
        });
        Ok(UploadPartCopyOutput { copy_part_result, ..UploadPartCopyOutput::default() })
    }

    /// Returns the tags of an object.
    pub(crate) fn tags(&self, name: &str) -> S3Result<GetObjectTaggingOutput> {
        let tagging = self.object(name, None)?.properties.tagging.as_deref().unwrap_or_default();
        let tags = form_urlencoded::parse(tagging.as_bytes())
            .map(|(key, value)| Tag { key: Some(key.into_owned()), value: Some(value.into_owned()) });
        Ok(GetObjectTaggingOutput { tag_set: tags.collect(), version_id: None })
    }
}
