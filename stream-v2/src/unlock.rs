//! The settings of a reader.

use stream_v2_format::envelope::DetachedEnvelope;
use stream_v2_format::limits::SEGMENT_SIZE_MAX;
use stream_v2_pipeline::{ContentKey, Credentials, DecryptPipeline};

use crate::settings::{Settings, settings_methods};

/// Configures decryption: the key, limits, and the resources of a run.
///
/// | setting | unit | default |
/// |---|---|---|
/// | [`segment_size_max`](Self::segment_size_max) | bytes of plaintext | 64 MiB |
/// | [`memory_limit`](Self::memory_limit) | bytes | no limit for segments, 1 GiB for a passphrase |
/// | [`links_max`](Self::links_max) | links between runs | no limit |
/// | [`context`](Self::context) | any bytes | empty |
/// | [`workers`](Self::workers) | threads | one for each core, up to 16 |
/// | [`window`](Self::window) | segments in memory | enough for the workers |
///
/// # Examples
///
/// ```
/// use std::io::Read;
/// use stream_v2::{ContentKey, Decryptor, Unlock, encrypt};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let stream = encrypt(&key, "hello")?;
/// let unlock = Unlock::new(&key).segment_size_max(1 << 20);
/// let mut plaintext = String::new();
/// Decryptor::new(std::io::Cursor::new(stream))?.unlock(&unlock)?.read_to_string(&mut plaintext)?;
/// assert_eq!(plaintext, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unlock {
    credentials: Credentials,
    segment_size_max: u32,
    memory_max: u64,
    links_max: u32,
    salvage: bool,
    pub(crate) settings: Settings,
}

impl Unlock {
    /// Creates the settings for streams that are encrypted under `key`.
    #[must_use]
    pub fn new(key: &ContentKey) -> Self {
        Self::with(Credentials::new().with_content_key(key.clone()))
    }

    /// Unlocks streams with key files and passphrases, in the order of the specification (§12.6).
    ///
    /// # Examples
    ///
    /// ```
    /// use stream_v2::key::{Credentials, Passphrase};
    /// use stream_v2::{Unlock, key};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("backup.key");
    /// # key::create(&path)?;
    /// let passphrase = Passphrase::asked(|| Ok(b"from a terminal".to_vec().into()));
    /// let credentials = Credentials::new().with_key_file(key::read_file(&path)?);
    /// let unlock = Unlock::with(credentials.with_passphrase(passphrase));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with(credentials: Credentials) -> Self {
        Self {
            credentials,
            segment_size_max: SEGMENT_SIZE_MAX,
            memory_max: u64::MAX,
            links_max: u32::MAX,
            salvage: false,
            settings: Settings::default(),
        }
    }

    settings_methods!();

    /// Opens a stream with an envelope that is kept apart from it (§12.4).
    ///
    /// The stream's own envelope is ignored, also if it is damaged. Read the stream with
    /// [`Decryptor::for_unlock`](crate::Decryptor::for_unlock) then. A detached envelope belongs to
    /// one stream. [`rewrap::read_detached`](crate::rewrap::read_detached) reads one.
    #[must_use]
    pub fn detached_envelope(mut self, envelope: DetachedEnvelope) -> Self {
        self.credentials = self.credentials.with_detached_envelope(envelope);
        self
    }

    /// Returns whether streams are opened with a detached envelope.
    pub(crate) const fn is_detached(&self) -> bool {
        self.credentials.detached_envelope().is_some()
    }

    /// Refuses streams with segments of more than so many plaintext bytes.
    ///
    /// This bounds memory: each segment of the window takes two buffers of about that size. The
    /// default is the limit of the format, 64 MiB.
    #[must_use]
    pub const fn segment_size_max(mut self, bytes: u32) -> Self {
        self.segment_size_max = bytes;
        self
    }

    /// Spends at most so many bytes of memory on segments, or on a passphrase.
    ///
    /// A run gets fewer workers if it has to. A stream is refused with `limit.policy` if two
    /// buffers of one segment do not fit, or what Argon2id takes for its passphrase. Small amounts
    /// beside these are not counted.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.credentials = self.credentials.with_memory_limit(bytes);
        self.memory_max = bytes;
        self
    }

    /// Lets a range reader follow at most so many links from run to run (§15.5).
    ///
    /// Each resume of a writer adds a link, and each takes a read. By default there is no limit.
    #[must_use]
    pub const fn links_max(mut self, links: u32) -> Self {
        self.links_max = links;
        self
    }

    /// Salvages the committed part of a stream that has no end.
    ///
    /// A run or a reader then gives the plaintext of every whole segment and still ends with
    /// [`ErrorKind::Truncated`](crate::error::ErrorKind::Truncated).
    #[must_use]
    pub const fn salvage(mut self, salvage: bool) -> Self {
        self.salvage = salvage;
        self
    }

    /// Compares all of a partial output with the stream before a run resumes.
    ///
    /// By default the last segment is compared. What is before it is trusted: use this if others
    /// can write to the partial output.
    #[must_use]
    pub const fn compare_output(mut self, compare: bool) -> Self {
        self.settings.compare = compare;
        self
    }

    /// Returns the pipeline with these settings, for jobs that this crate has no call for.
    #[must_use]
    pub fn pipeline(&self) -> DecryptPipeline<'_> {
        let Settings { context, parallelism, durability, shutdown, telemetry, .. } = &self.settings;
        let mut pipeline = DecryptPipeline::with_credentials(&self.credentials).with_context(context);
        (pipeline.segment_size_max, pipeline.links_max) = (self.segment_size_max, self.links_max);
        pipeline.memory_max = self.memory_max;
        pipeline.salvage = self.salvage;
        (pipeline.parallelism, pipeline.durability) = (*parallelism, *durability);
        (pipeline.shutdown, pipeline.telemetry) = (shutdown.clone(), telemetry.clone());
        pipeline
    }
}
