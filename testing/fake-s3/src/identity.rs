//! Who may ask, and where.

/// The region that requests are signed for.
pub const REGION: &str = "test-1";
/// Who may read and write.
pub const KEY_ID: &str = "AKIDEXAMPLE";
/// What requests are signed with.
pub const SECRET: &str = "sesame/open+it";
