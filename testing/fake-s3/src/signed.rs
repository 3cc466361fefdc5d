//! Checks of signatures that `s3s` does not make.

use s3s::access::{S3Access, S3AccessContext};
use s3s::{S3Result, s3_error};

use crate::identity::REGION;

/// Seven days.
const EXPIRES_MAX: u32 = 604_800;

/// Refuses a request unless everything that determines its answer is signed, for this region, and
/// for a limited time.
pub(crate) struct Signed;

/// What a signature declares about itself, in the headers or in the query.
#[derive(Default)]
struct Signature {
    headers: String,
    credential: String,
    /// Whether it declares a validity time. A signature in the headers is valid around the time of
    /// the request, which `s3s` checks.
    is_timed: bool,
    is_in_query: bool,
}

impl Signature {
    fn of(context: &S3AccessContext<'_>) -> Self {
        let header = context.headers().get("authorization").and_then(|value| value.to_str().ok());
        header.map_or_else(|| Self::of_query(context.uri().query().unwrap_or_default()), Self::of_header)
    }

    fn of_header(value: &str) -> Self {
        let field = |name: &str| {
            let fields = value.split([' ', ',']).filter_map(|field| field.split_once('='));
            fields.filter(|(found, _)| *found == name).map(|(_, value)| value.to_owned()).next()
        };
        let field = |name| field(name).unwrap_or_default();
        let (headers, credential) = (field("SignedHeaders"), field("Credential"));
        Self { headers, credential, is_timed: true, is_in_query: false }
    }

    fn of_query(query: &str) -> Self {
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let is_timed =
            value("X-Amz-Expires").parse().is_ok_and(|seconds| (1..=EXPIRES_MAX).contains(&seconds));
        let (headers, credential) = (value("X-Amz-SignedHeaders"), value("X-Amz-Credential"));
        Self { headers, credential, is_timed, is_in_query: true }
    }

    fn has(&self, name: &str) -> bool {
        self.headers.split(';').any(|signed| signed == name)
    }
}

#[async_trait::async_trait]
impl S3Access for Signed {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let signature = Signature::of(context);
        let decides = |name: &str| {
            let names = ["content-md5", "host", "if-match", "if-none-match", "range"];
            name.starts_with("x-amz-") || names.contains(&name)
        };
        if context.headers().keys().any(|name| decides(name.as_str()) && !signature.has(name.as_str())) {
            return Err(s3_error!(
                AccessDenied,
                "There were headers present in the request which were not signed"
            ));
        }
        let is_here = signature.credential.split('/').nth(2) == Some(REGION);
        match (is_here && signature.is_timed, signature.is_in_query) {
            (true, _) => Ok(()),
            (false, true) => Err(s3_error!(
                AuthorizationQueryParametersError,
                "The region or the expiration of the signature is wrong"
            )),
            (false, false) => {
                Err(s3_error!(AuthorizationHeaderMalformed, "The region of the signature is wrong"))
            }
        }
    }
}
