//! Replaces envelopes (§12.4): unwraps the content key of a stream, and wraps it for others.
//!
//! No segment changes. The new envelope overwrites the old one (`in_place.rs`), is written with the
//! same segments (`new_stream.rs`), or is kept apart from the stream (`detached_file.rs`).
//! Replacing an envelope revokes nothing: whoever had the content key keeps it.

mod copy;
mod detached_file;
mod in_place;
mod new_stream;
mod prepared;

use sha2::{Digest, Sha256};
use stream_v2_format::crypto::StreamOpener;
use stream_v2_format::envelope::{DetachedEnvelope, Envelope, EnvelopeView, KeyView, Stanza};
use stream_v2_format::wire::{HeaderV1, StanzaType};
use stream_v2_format::{self as format, Misuse};

use crate::error::{Error, Stage};
use crate::keys::{Credentials, Opened, OpenedBy, Recipients};
use crate::pipeline::{DecryptPipeline, ReaderKeys};
use crate::source::ReadAt;

pub use detached_file::write_detached;
pub use prepared::{Prepared, Replaced};

/// Replaces the envelopes of streams: what opens the old ones, and for whom the new ones are.
///
/// # Examples
///
/// ```
/// use stream_v2_pipeline::{ContentKey, Credentials, KeyFile, OutputFile, Recipients, Rewrap};
/// # use stream_v2_pipeline::{EncryptPipeline, FileSink, SourceStamp};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("dump.sv2");
/// # let file = |key| KeyFile::parse(KeyFile::text(&[key; 32]).as_bytes()).unwrap();
/// # let (old, new) = (file(1), file(2));
/// let output = OutputFile::new(path);
/// # let first = Recipients::new().with_key_file(old.clone());
/// # EncryptPipeline::for_recipients(&first)
/// #     .run_to_file(&b"hello"[..], SourceStamp::default(), FileSink::create(&output)?, None)?;
/// # std::fs::remove_file(output.journal()).ok();
/// let credentials = Credentials::new().with_key_file(old);
/// let recipients = Recipients::new().with_key_file(new);
/// Rewrap::new(&credentials, &recipients).in_place(&output, None)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Rewrap<'a> {
    credentials: &'a Credentials,
    recipients: &'a Recipients,
    context: &'a [u8],
    wraps_brought: bool,
}

impl<'a> Rewrap<'a> {
    /// Returns a replacement for streams with an empty context.
    #[must_use]
    pub const fn new(credentials: &'a Credentials, recipients: &'a Recipients) -> Self {
        Self { credentials, recipients, context: b"", wraps_brought: false }
    }

    /// Expects streams to be bound to `context`.
    #[must_use]
    pub const fn with_context(self, context: &'a [u8]) -> Self {
        Self { context, ..self }
    }

    /// Says that no other stream has a content key of the credentials.
    ///
    /// By default such a key is not wrapped, because a recipient of one stream could open all
    /// others (SV2-ENV-034). It may be in a key file that is the content key of many streams.
    #[must_use]
    pub const fn wrapping_brought_keys(self, wraps: bool) -> Self {
        Self { wraps_brought: wraps, ..self }
    }

    /// Unwraps the content key of the stream `header`, whose `envelope` and CRC were parsed before.
    ///
    /// # Errors
    ///
    /// - the errors of [`Credentials::open`].
    /// - `misuse` for a content key that the caller brought.
    pub fn unlock(&self, header: &HeaderV1, envelope: &[u8]) -> Result<Unlocked, Error> {
        self.unlock_by(self.credentials, header, envelope)
    }

    fn unlock_by(
        &self,
        credentials: &Credentials,
        header: &HeaderV1,
        envelope: &[u8],
    ) -> Result<Unlocked, Error> {
        //= spec/stream-v2.md#sv2-env-028
        //# A tool that replaces an envelope MUST verify header_tag under the content key that it
        //# wraps, before it writes.
        let opened = credentials.open_with_key(header, envelope, self.context)?;
        //= spec/stream-v2.md#sv2-env-034
        //# A tool MUST NOT wrap a content key that its caller brought, unless its caller says that
        //# no other stream has it.
        if opened.by.is_content_key() && !self.wraps_brought {
            return Err(misuse(Misuse::WrapsBrought));
        }
        Ok(Unlocked(opened))
    }

    /// Unlocks an envelope that is already one for exactly the new recipients.
    ///
    /// An interrupted call may have written it, after which the credentials open it no more.
    /// Returns `None` if it is another one, or if that cannot be known.
    #[must_use]
    pub fn unlock_done(&self, header: &HeaderV1, envelope: &[u8]) -> Option<Unlocked> {
        let stanzas = named(&EnvelopeView::after(header, envelope)?);
        let recipients = self.recipients.each();
        if stanzas.len() != recipients.len() {
            return None;
        }
        let opened = recipients.iter().map(|recipient| {
            let opened = recipient.open_with_key(header, envelope, self.context).ok();
            opened.filter(|opened| !opened.by.is_content_key())
        });
        let unlocked = Unlocked(opened.collect::<Option<Vec<_>>>()?.pop()?);
        // A recipient that opens nothing has a stanza, too.
        let new = self.wrap(&unlocked).ok()?;
        (named(&new.view()) == stanzas).then_some(unlocked)
    }

    /// Wraps the content key in an envelope of any length.
    ///
    /// # Errors
    ///
    /// - the errors of [`Envelope::new`].
    /// - `io` if a passphrase cannot be asked for.
    pub fn wrap(&self, unlocked: &Unlocked) -> Result<Envelope, Error> {
        self.recipients.wrap(&unlocked.0.key)
    }

    /// Wraps the content key in an envelope of the length that the stream has.
    ///
    /// # Errors
    ///
    /// - `misuse` if the stream has no envelope, or the new one does not fit.
    /// - the errors of [`wrap`](Self::wrap).
    pub fn wrap_in_place(&self, unlocked: &Unlocked) -> Result<Envelope, Error> {
        //= spec/stream-v2.md#sv2-env-029
        //# A tool that replaces an envelope MUST NOT take Argon2id parameters from the old
        //# envelope.
        // They are those of the recipients.
        match unlocked.header().envelope_len() {
            0 => Err(misuse(Misuse::EnvelopeMissing)),
            len => self.recipients.wrap_in(&unlocked.0.key, len),
        }
    }
}

/// A stream whose content key was unwrapped, to be wrapped for others.
pub struct Unlocked(Opened);

impl Unlocked {
    /// Returns the key or passphrase that opened the stream.
    #[must_use]
    pub const fn opened_by(&self) -> OpenedBy {
        self.0.by
    }

    /// Returns the opened stream.
    #[must_use]
    pub const fn stream(&self) -> &StreamOpener {
        &self.0.stream
    }

    /// Returns the stream header, which header_tag authenticates.
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        self.0.stream.header()
    }

    /// Checks that the stream `source` has its final segment at its end.
    ///
    /// # Errors
    ///
    /// - `misuse` if it has none: a writer may resume it.
    /// - the errors of a range reader that opens it.
    pub fn check_sealed(&self, source: impl ReadAt) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-env-033
        //# A tool MUST NOT replace the envelope of an output that a writer has open or can resume.
        let opened = DecryptPipeline::with_keys(ReaderKeys::Opened)
            .open_ranges_of(self.stream().clone(), source)
            .map(drop);
        match opened {
            Err(error) if error.is_truncated() => Err(misuse(Misuse::EnvelopeUnfinished)),
            opened => opened,
        }
    }
}

/// Shows no context: callers may take it for a secret.
impl std::fmt::Debug for Rewrap<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rewrap").field("wraps_brought", &self.wraps_brought).finish_non_exhaustive()
    }
}

/// Without the key.
impl std::fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unlocked").field("by", &self.0.by).finish_non_exhaustive()
    }
}

/// Returns the types of all stanzas but padding, and the ids of keys, in order.
fn named(envelope: &EnvelopeView<'_>) -> Vec<(u16, Option<[u8; 16]>)> {
    let padding = StanzaType::Padding.value();
    let stanzas = envelope.stanzas().filter(|stanza| stanza.stanza_type != padding);
    let named = |stanza: Stanza<'_>| (stanza.stanza_type, KeyView::parse(&stanza).map(|key| key.key_id()));
    let mut named: Vec<_> = stanzas.map(named).collect();
    named.sort_unstable();
    named
}

/// Returns the SHA-256 of an envelope with its CRC, by which a report names it.
#[must_use]
pub fn envelope_digest(envelope: &[u8]) -> [u8; 32] {
    Sha256::digest(envelope).into()
}

fn misuse(rule: Misuse) -> Error {
    Error::format(Stage::Start, format::Error::misuse(rule))
}

/// The credentials that open a stream with another envelope than its own.
fn with_envelope(credentials: &Credentials, envelope: &DetachedEnvelope) -> Credentials {
    credentials.clone().with_detached_envelope(envelope.clone())
}
