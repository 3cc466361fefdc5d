//! The servers, and what the tests of the library and of the command must know about each.

/// A server that can be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SeaweedFS: `SV2_TEST_WEED`.
    Seaweed,
    /// The gateway of Ceph, with a monitor and a store in memory: `SV2_TEST_CEPH`, a folder.
    Ceph,
    /// Garage: `SV2_TEST_GARAGE`.
    Garage,
    /// Moto, in memory: `SV2_TEST_MOTO`.
    Moto,
    /// s3rver, a server for developers, which lacks most of uploads: `SV2_TEST_S3RVER`.
    S3rver,
}

/// What a server does otherwise than S3, as far as tests of uploads and downloads depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// It has everything again after it was killed.
    pub keeps: bool,
    /// It lists uploads and their parts, and aborts them.
    pub manages_uploads: bool,
    /// It says that an aborted upload does not exist when a part is sent to it.
    pub misses_aborted: bool,
    /// What it says of a wrong secret, if it looks at it.
    pub wrong_secret: Option<&'static str>,
    /// `If-None-Match` is looked at when an upload is completed.
    pub completes_conditionally: bool,
    /// `If-None-Match` is looked at when an object is put.
    pub puts_conditionally: bool,
    /// An object that is put ends the unfinished uploads of its key.
    pub put_ends_uploads: bool,
    /// Keys that it refuses.
    pub refused_keys: &'static [&'static str],
}

const GOOD: Quirks = Quirks {
    keeps: true,
    manages_uploads: true,
    misses_aborted: true,
    wrong_secret: Some("SignatureDoesNotMatch"),
    completes_conditionally: true,
    puts_conditionally: true,
    put_ends_uploads: false,
    refused_keys: &[],
};

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Seaweed, Self::Ceph, Self::Garage, Self::Moto, Self::S3rver];

    /// The one that the environment names.
    ///
    /// # Panics
    /// If there is no server of that name.
    #[must_use]
    pub fn from_env() -> Self {
        let name = std::env::var("SV2_TEST_SERVER").unwrap_or_else(|_| "seaweed".into());
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.unwrap_or_else(|| panic!("SV2_TEST_SERVER is {name}, expected one of {:?}", Self::ALL))
    }

    /// The name in `SV2_TEST_SERVER`, and of the column in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seaweed => "seaweed",
            Self::Ceph => "ceph",
            Self::Garage => "garage",
            Self::Moto => "moto",
            Self::S3rver => "s3rver",
        }
    }

    /// What it does otherwise.
    #[must_use]
    pub const fn quirks(self) -> Quirks {
        match self {
            Self::Seaweed => Quirks { refused_keys: &["a/../b", "..", "../up", "a/./b"], ..GOOD },
            Self::Ceph => Quirks { completes_conditionally: false, ..GOOD },
            Self::Garage => Quirks {
                wrong_secret: Some("AccessDenied"),
                put_ends_uploads: true,
                completes_conditionally: false,
                puts_conditionally: false,
                ..GOOD
            },
            Self::Moto => Quirks {
                keeps: false,
                misses_aborted: false,
                wrong_secret: None,
                refused_keys: &["\n"],
                ..GOOD
            },
            Self::S3rver => Quirks {
                manages_uploads: false,
                wrong_secret: None,
                completes_conditionally: false,
                puts_conditionally: false,
                refused_keys: &["a//b", "/begins"],
                ..GOOD
            },
        }
    }

    /// The id of the key that may do everything.
    #[must_use]
    pub const fn key_id(self) -> &'static str {
        match self {
            // It takes ids of this form only.
            Self::Garage => "GK0123456789abcdef01234567",
            // It knows no other.
            Self::S3rver => "S3RVER",
            _ => "sv2-test",
        }
    }

    /// Its secret.
    #[must_use]
    pub const fn secret(self) -> &'static str {
        match self {
            Self::Garage => "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            Self::S3rver => "S3RVER",
            _ => "not-a-secret",
        }
    }

    /// What the environment says where its program is.
    pub(crate) fn program(self) -> String {
        let name = match self {
            Self::Seaweed => "SV2_TEST_WEED",
            Self::Ceph => "SV2_TEST_CEPH",
            Self::Garage => "SV2_TEST_GARAGE",
            Self::Moto => "SV2_TEST_MOTO",
            Self::S3rver => "SV2_TEST_S3RVER",
        };
        std::env::var(name).unwrap_or_else(|_| panic!("{name} names no server: .ci/s3-servers"))
    }
}
