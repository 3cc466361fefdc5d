//! How an upload becomes the object, and how the object is recognised.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use md5::{Digest, Md5};

use super::facts::Facts;
use super::state::{Shared, UploadNotice, bare};
use crate::encoding::hex;
use crate::errors::hidden_error;
use crate::errors::is_hidden;
use crate::multipart::{Found, UploadId};

impl Shared {
    /// Makes the object: everything is sent, and S3 is asked for it once. What it answers is
    /// believed only if the object is there.
    pub(super) fn complete(self: &Arc<Self>, len: u64, replace: bool) -> io::Result<()> {
        if len > 0 {
            self.plan(len, true)?;
            self.settle(0)?;
        }
        self.owned(|state| {
            state.record.completes(len)?;
            let facts = &state.record.facts;
            // Some servers ignore the condition, and would replace what is there.
            state.is_complete = !replace && self.is_there(facts)? == Some(true);
            if !state.is_complete {
                let asked = self.ask_to_create(facts, replace);
                self.check_created(facts, asked, replace)?;
                state.is_complete = true;
            }
            Ok(())
        })
    }

    /// Whether the object of this upload is there; `None` if S3 does not say it.
    ///
    /// # Errors
    /// `AlreadyExists` for another object.
    fn is_there(&self, facts: &Facts) -> io::Result<Option<bool>> {
        match self.remote.find(&self.key) {
            Ok(Some(found)) if is_of(facts, &found) => Ok(Some(true)),
            Ok(Some(_)) => Err(self.taken()),
            Ok(None) => Ok(Some(false)),
            Err(error) if is_hidden(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for the object. For a server that refuses the condition the name was looked at just
    /// before.
    fn ask_to_create(&self, facts: &Facts, replace: bool) -> io::Result<()> {
        match self.ask_once(facts, replace) {
            Err(error) if !replace && error.kind() == ErrorKind::Unsupported => {
                if self.is_there(facts)?.is_none() {
                    let what = "and the credentials may not see whether the object exists";
                    return Err(hidden_error(format!("{error}, {what}")));
                }
                self.ask_once(facts, true)?;
                self.notice(UploadNotice::NotAtomic);
                Ok(())
            }
            asked => asked,
        }
    }

    fn ask_once(&self, facts: &Facts, replace: bool) -> io::Result<()> {
        if facts.completing == Some(0) {
            return self.remote.put_empty(&self.key, &facts.mark, replace);
        }
        let etags: Vec<_> = facts.parts.iter().filter_map(|part| Some(&*part.sent.as_ref()?.etag)).collect();
        let id = facts.id.as_deref().ok_or(ErrorKind::NotFound)?;
        self.remote.complete(UploadId { key: &self.key, id }, &etags, replace)
    }

    /// Looks whether the object is there, whatever was answered.
    fn check_created(&self, facts: &Facts, asked: io::Result<()>, replace: bool) -> io::Result<()> {
        match (asked, self.remote.find(&self.key)) {
            (_, Ok(Some(found))) if is_of(facts, &found) => Ok(()),
            // Without the right to look, the answer is all there is.
            (Ok(()), Err(error)) if is_hidden(&error) => Ok(()),
            // The other request was faster.
            (Err(error), Ok(Some(_))) if !replace && error.kind() == ErrorKind::ResourceBusy => {
                Err(self.taken())
            }
            (Err(error), _) | (Ok(()), Err(error)) => Err(error),
            (Ok(()), Ok(_)) => {
                let what = "S3 says that it is complete, and it is not there, or is another one";
                Err(io::Error::new(ErrorKind::InvalidData, format!("{}: {what}", self.name())))
            }
        }
    }

    fn taken(&self) -> io::Error {
        io::Error::new(ErrorKind::AlreadyExists, format!("{}: exists already at S3", self.name()))
    }

    /// Whether the object is what this upload was to become.
    pub(super) fn is_published(&self) -> io::Result<bool> {
        self.owned(|state| {
            if !state.is_complete && state.record.facts.completing.is_some() {
                let found = match self.remote.find(&self.key) {
                    Err(error) if is_hidden(&error) => None,
                    found => found?,
                };
                state.is_complete = found.is_some_and(|found| is_of(&state.record.facts, &found));
            }
            Ok(state.is_complete)
        })
    }
}

/// Whether an object was made by the upload of a record.
fn is_of(facts: &Facts, found: &Found) -> bool {
    let same =
        found.mark.as_ref().map_or_else(|| bare(&found.etag) == composite(facts), |mark| *mark == facts.mark);
    facts.completing == Some(found.len) && same
}

/// The entity tag that S3 gives to what was uploaded in parts.
fn composite(facts: &Facts) -> String {
    let mut md5 = Md5::new();
    facts.parts.iter().filter_map(|part| part.sent.as_ref()).for_each(|sent| md5.update(sent.md5));
    format!("{}-{}", hex(&md5.finalize()), facts.parts.len())
}
