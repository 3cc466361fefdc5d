//! The accepted credentials and region.

/// The region that requests are signed for.
pub const REGION: &str = "test-1";
/// The access key ID that may read and write.
pub const KEY_ID: &str = "AKIDEXAMPLE";
/// The secret key that requests are signed with.
pub const SECRET: &str = "sesame/open+it";
