//! The settings of a writer.

use std::path::PathBuf;

use stream_v2_format::codec::Compression;
use stream_v2_format::limits::{FRAME_SIZE_LOG2_MAX, FRAME_SIZE_LOG2_MIN};
use stream_v2_format::wire::{HeaderV1, StreamParams, Suite};
use stream_v2_pipeline::{ContentKey, Credentials, EncryptPipeline, OutputFile, Recipients, ResumeKeys};

use crate::error::{Error, Parameter, Problem};
use crate::settings::{Settings, settings_methods};

/// Configures encryption: the key, the parameters of the stream, and the resources of a run.
///
/// | setting | unit | default |
/// |---|---|---|
/// | [`segment_size`](Self::segment_size) | bytes of plaintext | 1 MiB, with compression 2 MiB |
/// | [`frame_size`](Self::frame_size) | bytes of plaintext | 64 KiB |
/// | [`suite`](Self::suite) | | XChaCha20-Poly1305 |
/// | [`plaintext_len`](Self::plaintext_len) | bytes | not declared |
/// | [`compression`](Self::compression) | | none |
/// | [`index`](Self::index) | | index segments only with compression |
/// | [`context`](Self::context) | any bytes | empty |
/// | [`workers`](Self::workers) | threads | one for each core, up to 16 |
/// | [`window`](Self::window) | segments in memory | enough for the workers |
///
/// Every setting has a default. A run that resumes takes the parameters from the stream that it
/// finds; if a parameter was set here to another value, it refuses with
/// [`ErrorKind::OtherParameters`](crate::error::ErrorKind::OtherParameters).
///
/// # Examples
///
/// ```
/// use stream_v2::{ContentKey, Encryptor, Options};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let options = Options::new(&key).segment_size(4 << 20).index(true).workers(2);
/// Encryptor::new(&options)?;
/// # Ok::<(), stream_v2::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    keys: Keys,
    key_id: [u8; 16],
    suite: Option<Suite>,
    frame_size: Option<u32>,
    segment_size: Option<u32>,
    plaintext_len: Option<u64>,
    compression: Option<Compression>,
    index: Option<bool>,
    state_folder: Option<PathBuf>,
    resume_key: bool,
    pub(crate) settings: Settings,
}

/// Where the content key of a stream comes from.
#[derive(Clone, Debug)]
enum Keys {
    Content(ContentKey),
    /// The recipients, and what the caller has, if that is not what they have.
    Recipients(Box<(Recipients, Option<Credentials>)>),
}

impl Options {
    /// Plaintext bytes of a full segment by default, if segments are compressed: 2 MiB.
    ///
    /// It is twice the usual, because a compressor finds less in shorter pieces.
    pub const COMPRESSED_SEGMENT_SIZE: u32 = 2 << 20;

    /// Creates the settings for encryption under `key`, with defaults for everything else.
    #[must_use]
    pub fn new(key: &ContentKey) -> Self {
        Self::with_keys(Keys::Content(key.clone()), key.id())
    }

    /// Encrypts each stream under a content key of its own, which an envelope wraps for
    /// `recipients` (§12).
    ///
    /// The same recipients resume the stream. If the caller can read none of their streams, it also
    /// takes a [`state_folder`](Self::state_folder). [`Unlock::with`](crate::Unlock::with) reads
    /// the stream.
    ///
    /// # Examples
    ///
    /// ```
    /// use stream_v2::key::{Credentials, Recipients};
    /// use stream_v2::{Options, Unlock, decrypt_file, encrypt_file, key};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = |name| folder.path().join(name);
    /// # std::fs::write(path("dump"), "hello")?;
    /// # key::create(path("backup.key"))?;
    /// let file = key::read_file(path("backup.key"))?;
    /// let options = Options::for_recipients(Recipients::new().with_key_file(file.clone()));
    /// encrypt_file(&options, path("dump"), path("dump.sv2"))?;
    /// let unlock = Unlock::with(Credentials::new().with_key_file(file));
    /// decrypt_file(&unlock, path("dump.sv2"), path("copy"))?;
    /// assert_eq!(std::fs::read(path("copy"))?, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn for_recipients(recipients: Recipients) -> Self {
        Self::with_keys(Keys::Recipients(Box::new((recipients, None))), [0; 16])
    }

    fn with_keys(keys: Keys, key_id: [u8; 16]) -> Self {
        Self {
            keys,
            key_id,
            suite: None,
            frame_size: None,
            segment_size: None,
            plaintext_len: None,
            compression: None,
            index: None,
            state_folder: None,
            resume_key: true,
            settings: Settings::default(),
        }
    }

    settings_methods!();

    /// Sets the 16 bytes by which a stream names its key; they are not secret.
    ///
    /// The default is [`ContentKey::id`]. A stream for recipients names no key in its header.
    #[must_use]
    pub const fn key_id(mut self, key_id: [u8; 16]) -> Self {
        self.key_id = key_id;
        self
    }

    /// Sets the cipher suite: XChaCha20-Poly1305 by default.
    #[must_use]
    pub const fn suite(mut self, suite: Suite) -> Self {
        self.suite = Some(suite);
        self
    }

    /// Sets the plaintext bytes of a full frame.
    ///
    /// It is a power of two from 4 KiB to 16 MiB, and 64 KiB by default. A frame is the smallest
    /// part of a stream that is encrypted at once.
    #[must_use]
    pub const fn frame_size(mut self, bytes: u32) -> Self {
        self.frame_size = Some(bytes);
        self
    }

    /// Sets the plaintext bytes of a full segment.
    ///
    /// It is a multiple of the frame size and at most 64 MiB. The default is 1 MiB, and 2 MiB with
    /// compression. A segment is the smallest part of a stream that is committed, resumed after, or
    /// read by a range.
    #[must_use]
    pub const fn segment_size(mut self, bytes: u32) -> Self {
        self.segment_size = Some(bytes);
        self
    }

    /// Declares the length of the plaintext in the stream header, where anyone can read it.
    ///
    /// The source must have that many bytes. By default the length is not declared.
    #[must_use]
    pub const fn plaintext_len(mut self, bytes: u64) -> Self {
        self.plaintext_len = Some(bytes);
        self
    }

    /// Compresses the segments that become shorter that way (§10). By default none is compressed.
    ///
    /// The length of a compressed segment tells something about its plaintext. Do not compress
    /// where others choose a part of the plaintext, and can see how long the stream becomes
    /// (§21.3).
    ///
    /// The stream then has index segments, unless [`index`](Self::index) says otherwise. A run that
    /// resumes may have another compression, or none. A stream that was begun without compression
    /// and without index segments promises full segments, and cannot be resumed with compression.
    #[must_use]
    pub const fn compression(mut self, compression: Option<Compression>) -> Self {
        self.compression = compression;
        self
    }

    /// Sets whether the stream has index segments, by which a range reader finds segments (§11).
    ///
    /// They also prove that a range belongs to the whole stream that the final segment ends.
    ///
    /// By default a stream without compression has none, and promises full segments instead
    /// (UNIFORM). A stream cannot have both.
    #[must_use]
    pub const fn index(mut self, index: bool) -> Self {
        self.index = Some(index);
        self
    }

    /// Compares all committed plaintext with the source before a run resumes.
    ///
    /// By default a source that can seek is checked by its length, its time of modification and the
    /// last segments. A source that cannot seek is always compared, and so is every source if the
    /// journal is missing or cannot be used.
    #[must_use]
    pub const fn compare_source(mut self, compare: bool) -> Self {
        self.settings.compare = compare;
        self
    }

    /// Sets what the caller has to open the envelope of a stream that it resumes.
    ///
    /// The default is what its recipients have: key files and passphrases. A stream without an
    /// envelope does not need it.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        if let Keys::Recipients(keys) = &mut self.keys {
            keys.1 = Some(credentials);
        }
        self
    }

    /// Sets the folder for resume keys, which holds files of this user alone (§19.9).
    ///
    /// A writer that encrypts for others cannot open its own stream after an interruption. So it
    /// keeps the content key in the folder `resume-keys` of `state` until the stream is complete.
    /// Calls for outputs that resume write it, use it and remove it by themselves. They keep none
    /// if the caller can open the stream.
    ///
    /// By default there is no such folder. Then only something that opens the envelope resumes the
    /// stream.
    ///
    /// # Examples
    ///
    /// ```
    /// use stream_v2::key::{Credentials, Recipients};
    /// use stream_v2::{Options, encrypt_file, key};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = |name| folder.path().join(name);
    /// # std::fs::write(path("dump"), "hello")?;
    /// # key::create(path("backup.key"))?;
    /// # let recipients = Recipients::new().with_key_file(key::read_file(path("backup.key"))?);
    /// let options = Options::for_recipients(recipients)
    ///     .credentials(Credentials::new()) // nothing that opens the stream
    ///     .state_folder(path("state"));
    /// encrypt_file(&options, path("dump"), path("dump.sv2"))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state_folder(mut self, state: impl Into<PathBuf>) -> Self {
        self.state_folder = Some(state.into());
        self
    }

    /// Sets whether a new stream keeps a resume key in the state folder, if it needs one.
    ///
    /// It does by default. A resume key that is there is used and removed in any case.
    #[must_use]
    pub const fn resume_key(mut self, keeps: bool) -> Self {
        self.resume_key = keeps;
        self
    }

    /// Returns an output with the place of its resume key.
    pub(crate) fn keeping(&self, output: &OutputFile) -> OutputFile {
        let output = output.clone();
        match &self.state_folder {
            Some(state) => output.with_resume_keys(ResumeKeys::new(state).keeping(self.resume_key)),
            None => output,
        }
    }

    /// Returns the pipeline with these settings, for jobs that this crate has no call for.
    #[must_use]
    pub fn pipeline(&self) -> EncryptPipeline<'_> {
        let Settings { context, parallelism, durability, shutdown, telemetry, .. } = &self.settings;
        let pipeline = match &self.keys {
            Keys::Content(key) => EncryptPipeline::new(key),
            Keys::Recipients(keys) => EncryptPipeline::for_recipients(&keys.0),
        };
        let mut pipeline = pipeline.with_context(context);
        if let Keys::Recipients(keys) = &self.keys
            && let Some(credentials) = &keys.1
        {
            pipeline = pipeline.with_credentials(credentials);
        }
        pipeline.params = self.params();
        pipeline.set_compression(self.compression);
        pipeline.set_index(self.index.unwrap_or(self.compression.is_some()));
        (pipeline.parallelism, pipeline.durability) = (*parallelism, *durability);
        (pipeline.shutdown, pipeline.telemetry) = (shutdown.clone(), telemetry.clone());
        pipeline
    }

    /// Refuses parameters that no stream can have.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let low = 1u32 << FRAME_SIZE_LOG2_MIN;
        let high = 1u32 << FRAME_SIZE_LOG2_MAX;
        if let Some(size) = self.frame_size.filter(|size| !size.is_power_of_two()) {
            let message = format!("frame_size is {size}, expected a power of two from {low} to {high}");
            return Err(Problem::Option(message).into());
        }
        let mut params = self.params();
        params.epoch_segments = params.default_epoch();
        params.check().map_err(|error| Problem::Option(error.to_string()).into())
    }

    fn params(&self) -> StreamParams {
        let mut params = StreamParams::new([0; 32]);
        params.key_id = self.key_id;
        params.suite = self.suite.unwrap_or(params.suite);
        let default =
            if self.compression.is_some() { Self::COMPRESSED_SEGMENT_SIZE } else { params.segment_size };
        params.segment_size = self.segment_size.unwrap_or(default);
        // At most 31, as the size is a u32.
        let log2 = |size: u32| u8::try_from(size.max(1).ilog2()).unwrap_or(u8::MAX);
        params.frame_size_log2 = self.frame_size.map_or(params.frame_size_log2, log2);
        params.plaintext_len = self.plaintext_len;
        params
    }

    /// Refuses to resume a stream that was begun with another value of a parameter that was set.
    pub(crate) fn refuse_other_parameters(&self, header: &HeaderV1) -> Result<(), Error> {
        let found = header.params();
        //= spec/stream-v2.md#sv2-res-005
        //# and answer `misuse` to a caller who asks for others.
        let parameter = if self.segment_size.is_some_and(|asked| asked != found.segment_size) {
            Parameter::SegmentSize(found.segment_size)
        } else if self.frame_size.is_some_and(|asked| asked != header.frame_size()) {
            Parameter::FrameSize(header.frame_size())
        } else if self.suite.is_some_and(|asked| asked != found.suite) {
            Parameter::Suite(found.suite)
        } else if self.plaintext_len.is_some_and(|asked| Some(asked) != found.plaintext_len) {
            Parameter::PlaintextLen(found.plaintext_len)
        } else {
            return Ok(());
        };
        Err(Problem::OtherParameters(parameter).into())
    }
}
