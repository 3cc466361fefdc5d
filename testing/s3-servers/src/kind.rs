//! The servers, and the facts about each that the tests of the library and the command need.

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

/// The differences between a server and S3 that affect tests of uploads and downloads.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// Its data survives a kill.
    pub keeps: bool,
    /// It can list uploads and their parts, and can abort them.
    pub manages_uploads: bool,
    /// It reports that an aborted upload does not exist when a part is sent to it.
    pub misses_aborted: bool,
    /// Its answer to a wrong secret, if it checks the secret.
    pub wrong_secret: Option<&'static str>,
    /// It checks `If-None-Match` when an upload is completed.
    pub completes_conditionally: bool,
    /// It checks `If-None-Match` when an object is put.
    pub puts_conditionally: bool,
    /// Putting an object ends the unfinished uploads of its key.
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
    /// All servers.
    pub const ALL: [Self; 5] = [Self::Seaweed, Self::Ceph, Self::Garage, Self::Moto, Self::S3rver];

    /// Returns the server that the environment names.
    ///
    /// # Panics
    /// - if there is no server of that name.
    #[must_use]
    pub fn from_env() -> Self {
        let name = std::env::var("SV2_TEST_SERVER").unwrap_or_else(|_| "seaweed".into());
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.unwrap_or_else(|| panic!("SV2_TEST_SERVER is {name}, expected one of {:?}", Self::ALL))
    }

    /// Returns the name that `SV2_TEST_SERVER` and the column of the table use.
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

    /// Returns its differences from S3.
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

    /// Returns the id of the key that may do everything.
    #[must_use]
    pub const fn key_id(self) -> &'static str {
        match self {
            // Garage accepts only ids of this form.
            Self::Garage => "GK0123456789abcdef01234567",
            // s3rver accepts only this id.
            Self::S3rver => "S3RVER",
            _ => "sv2-test",
        }
    }

    /// Returns the secret of the key.
    #[must_use]
    pub const fn secret(self) -> &'static str {
        match self {
            Self::Garage => "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            Self::S3rver => "S3RVER",
            _ => "not-a-secret",
        }
    }

    /// Returns the path of its program, which the environment gives.
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
