//! What `s3s` does not ask of a signature that it has found to be right.

use s3s::access::{S3Access, S3AccessContext};
use s3s::{S3Result, s3_error};

use crate::REGION;

/// Seven days.
const EXPIRES_MAX: u32 = 604_800;

/// Refuses requests that are not signed with all that decides about their answer, for this region, and for a time.
pub(crate) struct Signed;

#[async_trait::async_trait]
impl S3Access for Signed {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let query = context.uri().query().unwrap_or_default();
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(found, _)| found == name).map(|(_, value)| value).unwrap_or_default()
        };
        let signed = value("X-Amz-SignedHeaders");
        let is_signed = |name: &str| signed.split(';').any(|signed| signed == name);
        let decides = |name: &str| {
            let names = ["content-md5", "host", "if-match", "if-none-match", "range"];
            name.starts_with("x-amz-") || names.contains(&name)
        };
        if context.headers().keys().any(|name| decides(name.as_str()) && !is_signed(name.as_str())) {
            return Err(s3_error!(
                AccessDenied,
                "There were headers present in the request which were not signed"
            ));
        }
        let is_here = value("X-Amz-Credential").split('/').nth(2) == Some(REGION);
        let is_timed =
            value("X-Amz-Expires").parse().is_ok_and(|seconds| (1..=EXPIRES_MAX).contains(&seconds));
        if !is_here || !is_timed {
            return Err(s3_error!(
                AuthorizationQueryParametersError,
                "The region or the expiration of the signature is wrong"
            ));
        }
        Ok(())
    }
}
