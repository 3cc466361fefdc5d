//! Requests and their answers.

use hyper::Method;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::object::md5_hex;

/// The operation of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `GET` of an object.
    GetObject,
    /// `HEAD` of an object.
    HeadObject,
    /// `PUT` of an object.
    PutObject,
    /// `POST ?uploads`
    CreateMultipartUpload,
    /// `PUT ?partNumber&uploadId`
    UploadPart,
    /// `PUT ?partNumber&uploadId` with the name of an object to copy.
    UploadPartCopy,
    /// `GET ?tagging`
    GetObjectTagging,
    /// `GET ?uploadId`
    ListParts,
    /// `GET ?uploads` of a bucket.
    ListMultipartUploads,
    /// `GET ?list-type=2` of a bucket.
    ListObjects,
    /// `POST ?uploadId`
    CompleteMultipartUpload,
    /// `DELETE ?uploadId`
    AbortMultipartUpload,
    /// An operation that this server does not know.
    Other,
}

/// A request and what was sent for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `PUT`, ...
    pub method: String,
    /// The requested operation.
    pub operation: Operation,
    /// `BUCKET/KEY`.
    pub name: String,
    /// The path and the query as sent.
    pub target: String,
    /// The id of the upload.
    pub upload: Option<String>,
    /// The number of the part.
    pub part: Option<u16>,
    /// First and last byte.
    pub range: Option<(usize, usize)>,
    /// The status of the answer, even if the answer was cut, or 0 if there was no answer.
    pub status: u16,
    /// Bytes of the body of the answer.
    pub sent: usize,
    /// Bytes of the body of the request.
    pub received: usize,
    /// The MD5, in hexadecimal, of an object or a part that was sent.
    pub md5: Option<String>,
}

impl Request {
    /// Describes a request that is not yet answered.
    pub(crate) fn of(parts: &Parts, body: &[u8]) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
        };
        let name =
            percent_decode_str(parts.uri.path().strip_prefix('/').unwrap_or_default()).decode_utf8_lossy();
        let is_object = name.split_once('/').is_some_and(|(_, key)| !key.is_empty());
        let (upload, part) = (value("uploadId"), value("partNumber"));
        let operation = match (&parts.method, is_object, upload.is_some()) {
            (&Method::GET, true, true) => Operation::ListParts,
            (&Method::GET, true, false) if value("tagging").is_some() => Operation::GetObjectTagging,
            (&Method::GET, true, false) => Operation::GetObject,
            (&Method::HEAD, true, _) => Operation::HeadObject,
            (&Method::PUT, true, true) if parts.headers.contains_key("x-amz-copy-source") => {
                Operation::UploadPartCopy
            }
            (&Method::PUT, true, true) => Operation::UploadPart,
            (&Method::PUT, true, false) => Operation::PutObject,
            (&Method::POST, true, true) => Operation::CompleteMultipartUpload,
            (&Method::POST, true, false) if value("uploads").is_some() => Operation::CreateMultipartUpload,
            (&Method::DELETE, true, true) => Operation::AbortMultipartUpload,
            (&Method::GET, false, _) if value("uploads").is_some() => Operation::ListMultipartUploads,
            (&Method::GET, false, _) if value("list-type").is_some() => Operation::ListObjects,
            _ => Operation::Other,
        };
        let is_content = matches!(operation, Operation::PutObject | Operation::UploadPart);
        Self {
            method: parts.method.as_str().to_owned(),
            operation,
            name: name.into_owned(),
            target: parts.uri.to_string(),
            upload,
            part: part.and_then(|part| part.parse().ok()),
            range: range(parts),
            status: 0,
            sent: 0,
            received: body.len(),
            md5: is_content.then(|| md5_hex(body)),
        }
    }
}

fn range(parts: &Parts) -> Option<(usize, usize)> {
    let range = parts.headers.get("range")?.to_str().ok()?;
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}
