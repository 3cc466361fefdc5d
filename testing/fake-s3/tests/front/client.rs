//! A client that sends requests with and without a correct signature.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusty_s3::{Bucket, Method, UrlStyle};
use stream_v2_fake_s3::{Front, KEY_ID, REGION, SECRET};
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

pub(crate) struct Client {
    agent: Agent,
    bucket: Bucket,
    secret: &'static str,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    /// Returns the content of the first element of that name.
    pub(crate) fn element(&self, name: &str) -> &str {
        self.elements(name).first().copied().unwrap_or_default()
    }

    pub(crate) fn elements(&self, name: &str) -> Vec<&str> {
        let begins = self.text().split(&format!("<{name}>")).skip(1).collect::<Vec<_>>();
        begins.into_iter().map(|rest| rest.split_once(&format!("</{name}>")).unwrap().0).collect()
    }

    /// Returns the status and the code of an error.
    pub(crate) fn error(&self) -> (u16, &str) {
        (self.status, self.element("Code"))
    }
}

/// Pairs of names and values.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

impl Client {
    pub(crate) fn of(front: &Front) -> Self {
        Self::with(front, REGION, SECRET)
    }

    pub(crate) fn with(front: &Front, region: &'static str, secret: &'static str) -> Self {
        let endpoint = front.endpoint().parse().unwrap();
        let bucket = Bucket::new(endpoint, UrlStyle::Path, "bucket", region).unwrap();
        let agent = Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent();
        Self { agent, bucket, secret }
    }

    /// Sends a request with signed headers.
    pub(crate) fn ask(
        &self,
        method: Method,
        key: &str,
        query: Pairs<'_>,
        headers: Pairs<'_>,
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let query: BTreeMap<_, _> = query.iter().copied().collect();
        let signed: BTreeMap<_, _> = headers.iter().copied().collect();
        let url = rusty_s3::signing::sign(
            &Timestamp::now(),
            method,
            self.bucket.object_url(key),
            KEY_ID,
            self.secret,
            None,
            self.bucket.region(),
            60,
            query.iter().map(|(name, value)| (*name, *value)),
            signed.iter().map(|(name, value)| (*name, *value)),
        );
        self.send(method, url.as_str(), headers, body)
    }

    /// Sends a request unchanged.
    pub(crate) fn send(
        &self,
        method: Method,
        url: &str,
        headers: Pairs<'_>,
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let request = Request::builder().method(method.to_str()).uri(url);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = match method {
            Method::Put | Method::Post => self.agent.run(request.body(body)?),
            _ => self.agent.run(request.body(())?),
        };
        let mut answer = answer?;
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
        Ok(Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body })
    }

    pub(crate) fn get(&self, key: &str, headers: Pairs<'_>) -> Answer {
        self.ask(Method::Get, key, &[], headers, b"").unwrap()
    }

    pub(crate) fn put(&self, key: &str, headers: Pairs<'_>, body: &[u8]) -> Answer {
        self.ask(Method::Put, key, &[], headers, body).unwrap()
    }

    /// Begins an upload and returns its id.
    pub(crate) fn begin(&self, key: &str, headers: Pairs<'_>) -> String {
        let answer = self.ask(Method::Post, key, &[("uploads", "")], headers, b"").unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.element("UploadId").replace("&amp;", "&")
    }

    pub(crate) fn part(
        &self,
        key: &str,
        id: &str,
        number: u16,
        headers: Pairs<'_>,
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let query = [("partNumber", &*number.to_string()), ("uploadId", id)];
        self.ask(Method::Put, key, &query, headers, body)
    }

    pub(crate) fn complete(
        &self,
        key: &str,
        id: &str,
        headers: Pairs<'_>,
        parts: &[(u16, &str)],
    ) -> Result<Answer, ureq::Error> {
        let part = |(number, etag): &(u16, &str)| {
            format!("<Part><ETag>{etag}</ETag><PartNumber>{number}</PartNumber></Part>")
        };
        let parts: String = parts.iter().map(part).collect();
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        self.ask(Method::Post, key, &[("uploadId", id)], headers, body.as_bytes())
    }

    pub(crate) fn list_parts(&self, key: &str, id: &str, query: Pairs<'_>) -> Answer {
        let query = [&[("uploadId", id)], query].concat();
        self.ask(Method::Get, key, &query, &[], b"").unwrap()
    }
}
