//! §20 Registries: every value that the format assigns.

/// Declares an enum with its values, its parser and its names.
macro_rules! registry {
    ($(#[$doc:meta])* $name:ident: $int:ty { $($(#[$vdoc:meta])* $variant:ident = $value:literal $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Returns the variant of an assigned value, or `None` if the value is not assigned.
            #[must_use]
            pub const fn from_value(value: $int) -> Option<Self> {
                match value { $($value => Some(Self::$variant),)+ _ => None }
            }

            /// Returns the value on the wire.
            #[must_use]
            pub const fn value(self) -> $int {
                match self { $(Self::$variant => $value,)+ }
            }

            /// Returns the registered name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

registry! {
    /// The AEAD, key schedule and tags of a stream (§20.1).
    Suite: u16 {
        /// XChaCha20-Poly1305 and HMAC-SHA3-256; mandatory.
        XChaCha20Poly1305 = 0x0001 "xchacha20-poly1305",
        /// AES-256-GCM and HMAC-SHA3-256; optional.
        Aes256Gcm = 0x0002 "aes-256-gcm",
    }
}

registry! {
    /// The kind of a segment (§20.2).
    SegmentKind: u8 {
        /// Plaintext of the stream.
        Data = 0 "data",
        /// Sizes and tags of the data segments before it (§11).
        Index = 1 "index",
        /// The end of the stream (§9).
        Final = 2 "final",
    }
}

registry! {
    /// The compression of a data segment's plaintext (§20.3).
    Codec: u8 {
        /// No compression; mandatory.
        None = 0 "none",
        /// One Zstandard frame (features `zstd` and `zstd-portable`).
        Zstandard = 1 "zstd",
        /// One LZ4 block (feature `lz4`).
        Lz4 = 2 "lz4",
    }
}

impl Codec {
    /// Returns the codec, or `None` if it is not built in (`unsupported`).
    #[must_use]
    pub const fn implemented(value: u8) -> Option<Self> {
        match Self::from_value(value) {
            Some(Self::None) => Some(Self::None),
            Some(Self::Zstandard) if cfg!(feature = "zstd-decode") => Some(Self::Zstandard),
            Some(Self::Lz4) if cfg!(feature = "lz4") => Some(Self::Lz4),
            Some(Self::Zstandard | Self::Lz4) | None => None,
        }
    }
}

registry! {
    /// The input and algorithm of a segment's digest (§20.4).
    DigestAlg: u16 {
        /// HMAC-SHA3-256 over the bound prefix and the frame tags; the default of writers.
        HmacSha3OverTags = 0x0001 "hmac-sha3-256-tags",
        /// SHA3-256 over the bound prefix and the data frames.
        ///
        /// It is for commitments that bind holders of the key.
        Sha3OverFrames = 0x0002 "sha3-256-frames",
    }
}

registry! {
    /// The type of a frame (§20.5).
    FrameType: u8 {
        /// Payload.
        Data = 1 "data",
        /// The digest of the data frames.
        Digest = 2 "digest",
        /// The last frame of a segment.
        Terminator = 3 "terminator",
    }
}

registry! {
    /// The type of an envelope stanza (§20.6).
    StanzaType: u16 {
        /// A password.
        Argon2id = 0x0001 "argon2id",
        /// An age file.
        Age = 0x0002 "age",
        /// Another key, such as that of a key file.
        Key = 0x0003 "key",
        /// Zero bytes.
        Padding = 0xFFFF "padding",
    }
}

registry! {
    /// The owner of a journal (§20.7).
    JournalRole: u8 {
        /// A writer.
        Encrypt = 1 "encrypt",
        /// A reader.
        Decrypt = 2 "decrypt",
    }
}

registry! {
    /// The type of a journal record (§20.8).
    JournalRecordType: u8 {
        /// The output is durable up to and including a segment.
        Commit = 1 "commit",
        /// Only the final segment, or only the name, is missing.
        Ending = 2 "ending",
    }
}

/// Declares a set of flag bits with its constants and its parser.
macro_rules! flags {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $flag:ident $read:ident = $bit:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name(u16);

        impl $name {
            /// No flag set.
            pub const NONE: Self = Self(0);
            $($(#[$fdoc])* pub const $flag: Self = Self(1 << $bit);)+

            /// Returns the flags in `value`, or `None` if a bit is not assigned.
            #[must_use]
            pub const fn from_value(value: u16) -> Option<Self> {
                if value & !(0 $(| 1 << $bit)+) == 0 { Some(Self(value)) } else { None }
            }

            /// Returns the value on the wire.
            #[must_use]
            pub const fn value(self) -> u16 {
                self.0
            }

            /// Returns these flags, plus those of `other` if `condition` is true.
            #[must_use]
            pub const fn with(self, other: Self, condition: bool) -> Self {
                if condition { Self(self.0 | other.0) } else { self }
            }

            $($(#[$fdoc])* #[must_use] pub const fn $read(self) -> bool { self.0 & (1 << $bit) != 0 })+
        }
    };
}

flags! {
    /// The flags of a stream header (§4).
    StreamFlags {
        /// No codec, no index segments, and every data segment but the last is full.
        UNIFORM uniform = 0,
    }
}

flags! {
    /// The flags of a segment header (§6).
    SegmentFlags {
        /// First segment of a key epoch after the first.
        REKEY rekey = 0,
        /// First segment of a writer run.
        RUN_START run_start = 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unassigned_values_are_not_known() {
        assert_eq!(Suite::from_value(0), None);
        assert_eq!(Suite::from_value(2), Some(Suite::Aes256Gcm));
        assert_eq!(SegmentKind::from_value(3), None);
        assert_eq!(StreamFlags::from_value(2), None);
        assert_eq!(SegmentFlags::from_value(4), None);
        assert_eq!(
            SegmentFlags::from_value(3).map(|flags| (flags.rekey(), flags.run_start())),
            Some((true, true))
        );
    }
}
