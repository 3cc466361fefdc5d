//! The operations that `s3s` calls.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag,
    ETagCondition, GetObjectInput, GetObjectOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    HeadObjectInput, HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutObjectInput,
    PutObjectOutput, StreamingBlob, Timestamp, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
    UploadPartOutput,
};
use s3s::{Body, S3, S3Error, S3Request, S3Response, S3Result, s3_error};

use crate::fault::Fault;
use crate::object::{Properties, Stored};
use crate::state::State;

/// The operations on the server's state. A [`Fault`] that concerns them is an extension of the
/// request.
pub(crate) struct Service(pub(crate) Arc<Mutex<State>>);

pub(crate) fn name_of(bucket: &str, key: &str) -> String {
    format!("{bucket}/{key}")
}

/// Returns the modification time of every object, Wed, 21 Oct 2015 07:28:00 GMT.
pub(crate) fn modified() -> Timestamp {
    (SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_480)).into()
}

fn answer<T>(output: T) -> S3Result<S3Response<T>> {
    Ok(S3Response::new(output))
}

fn len_of(bytes: &Bytes) -> Option<i64> {
    i64::try_from(bytes.len()).ok()
}

/// Returns the whole body if it has the announced MD5.
async fn received(body: Option<StreamingBlob>, content_md5: Option<String>) -> S3Result<Bytes> {
    let bytes = match body {
        Some(body) => Body::from(body).collect().await.map_err(|_| s3_error!(IncompleteBody))?.to_bytes(),
        None => Bytes::new(),
    };
    if content_md5.is_some_and(|expected| expected != BASE64_STANDARD.encode(Md5::digest(&bytes))) {
        return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."));
    }
    Ok(bytes)
}

impl Service {
    /// Runs an action on the server's state.
    fn with<T>(&self, action: impl FnOnce(&mut State) -> S3Result<T>) -> S3Result<S3Response<T>> {
        answer(action(&mut self.0.lock().unwrap())?)
    }

    /// Replaces an object, if a fault does that.
    fn replace(&self, name: &str, fault: Option<&Fault>) {
        if let Some(bytes) = fault.and_then(Fault::replacement) {
            let object = Stored::new(bytes, Default::default());
            self.0.lock().unwrap().objects.insert(name.into(), object);
        }
    }

    /// Returns the requested object, after a fault has changed it.
    fn found(&self, name: &str, if_match: Option<&ETagCondition>, fault: Option<&Fault>) -> S3Result<Stored> {
        self.replace(name, fault);
        let state = self.0.lock().unwrap();
        let is_seen = !matches!(fault, Some(Fault::ReplaceUnseen(_)));
        state.object(name, if_match.filter(|_| is_seen)).cloned()
    }
}

#[async_trait::async_trait]
impl S3 for Service {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let S3Request { input, extensions, .. } = request;
        let fault = extensions.get::<Fault>();
        let object = self.found(&name_of(&input.bucket, &input.key), input.if_match.as_ref(), fault)?;
        let range = input.range.filter(|_| !matches!(fault, Some(Fault::Whole)));
        let total = object.bytes.len();
        let (bytes, content_range) = match range {
            None => (object.bytes, None),
            Some(range) => {
                let invalid = |_| s3_error!(InvalidRange, "The requested range is not satisfiable.");
                let range = range.check(total as u64).map_err(invalid)?;
                let index = |offset| usize::try_from(offset).map_err(S3Error::internal_error);
                let (first, mut end) = (index(range.start)?, index(range.end)?);
                if let Some(Fault::Fewer(len)) = fault {
                    end = end.min(first + len.max(&1));
                }
                let content_range = format!("bytes {first}-{}/{total}", end.saturating_sub(1));
                (object.bytes.slice(first..end), Some(content_range))
            }
        };
        answer(GetObjectOutput {
            accept_ranges: Some("bytes".into()),
            content_length: len_of(&bytes),
            body: Some(Body::from(bytes).into()),
            content_range,
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(modified()),
            metadata: Some(object.metadata),
            ..GetObjectOutput::default()
        })
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let S3Request { input, extensions, .. } = request;
        let name = name_of(&input.bucket, &input.key);
        let object = self.found(&name, input.if_match.as_ref(), extensions.get::<Fault>())?;
        answer(HeadObjectOutput {
            accept_ranges: Some("bytes".into()),
            content_length: len_of(&object.bytes),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(modified()),
            metadata: Some(object.metadata),
            content_type: object.properties.content_type,
            storage_class: object.properties.storage_class.map(Into::into),
            object_lock_mode: object.properties.is_locked.then(|| "COMPLIANCE".to_owned().into()),
            ..HeadObjectOutput::default()
        })
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        if input.if_match.is_some() {
            return Err(s3_error!(NotImplemented, "PUT does not know If-Match"));
        }
        let bytes = received(input.body, input.content_md5).await?;
        let name = name_of(&input.bucket, &input.key);
        self.with(|state| {
            state.check_absent(&name, input.if_none_match.as_ref())?;
            let object = Stored::new(bytes, input.metadata.unwrap_or_default());
            let e_tag = Some(ETag::Strong(object.etag.clone()));
            state.objects.insert(name, object);
            Ok(PutObjectOutput { e_tag, ..PutObjectOutput::default() })
        })
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        let name = name_of(&input.bucket, &input.key);
        self.with(|state| {
            let properties = Properties {
                content_type: input.content_type,
                storage_class: input.storage_class.map(|class| class.as_str().to_owned()),
                tagging: input.tagging,
                is_locked: false,
            };
            let metadata = input.metadata.unwrap_or_default();
            let upload_id = Some(state.uploads.begin(name, metadata, properties));
            let (bucket, key) = (Some(input.bucket), Some(input.key));
            Ok(CreateMultipartUploadOutput { bucket, key, upload_id, ..Default::default() })
        })
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let name = name_of(&input.bucket, &input.key);
        let bytes = received(input.body, input.content_md5).await?;
        self.with(|state| {
            let etag = state.uploads.add(&name, &input.upload_id, input.part_number, bytes)?;
            Ok(UploadPartOutput { e_tag: Some(ETag::Strong(etag)), ..UploadPartOutput::default() })
        })
    }

    async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let S3Request { input, extensions, .. } = request;
        self.replace(&name_of(&input.bucket, &input.key), extensions.get::<Fault>());
        self.with(|state| state.copy_part(&input))
    }

    async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let input = request.input;
        self.with(|state| state.tags(&name_of(&input.bucket, &input.key)))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.with(|state| state.list_objects(request.input))
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        self.with(|state| state.list_parts(request.input))
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        self.with(|state| state.list_uploads(request.input))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let S3Request { input, extensions, .. } = request;
        self.replace(&name_of(&input.bucket, &input.key), extensions.get::<Fault>());
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let incomplete = || s3_error!(MalformedXML, "A part has a number and an ETag");
        let named = parts.into_iter().map(|part| Some((part.part_number?, part.e_tag?.into_value())));
        let named: Vec<_> = named.collect::<Option<_>>().ok_or_else(incomplete)?;
        let name = name_of(&input.bucket, &input.key);
        self.with(|state| {
            let conditions = (input.if_none_match.as_ref(), input.if_match.as_ref());
            let etag = state.complete(&name, &input.upload_id, &named, conditions)?;
            Ok(CompleteMultipartUploadOutput {
                bucket: Some(input.bucket),
                e_tag: Some(ETag::Strong(etag)),
                key: Some(input.key),
                ..CompleteMultipartUploadOutput::default()
            })
        })
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let name = name_of(&input.bucket, &input.key);
        self.with(|state| {
            state.uploads.abort(&name, &input.upload_id)?;
            Ok(AbortMultipartUploadOutput::default())
        })
    }
}
