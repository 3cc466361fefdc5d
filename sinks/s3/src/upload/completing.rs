//! Makes the object of an upload, and recognises it.

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
    /// Makes the object: sends everything, and requests the object once.
    ///
    /// The answer of S3 counts only if the object is there.
    pub(super) fn complete(self: &Arc<Self>, len: u64, replace: bool) -> io::Result<()> {
        if len > 0 {
            self.plan(len, true)?;
            self.settle(0)?;
        }
        self.owned(|state| {
            state.record.completes(len)?;
            let facts = &state.record.facts;
            // Some servers ignore the condition, and would replace an existing object.
            state.is_complete = !replace && self.is_there(facts)? == Some(true);
            if !state.is_complete {
                let asked = self.ask_to_create(facts, replace);
                self.check_created(facts, asked, replace)?;
                state.is_complete = true;
            }
            Ok(())
        })
    }

    /// Returns whether the object of this upload is there, or `None` if S3 does not reveal it.
    ///
    /// # Errors
    ///
    /// - `AlreadyExists` for another object.
    fn is_there(&self, facts: &Facts) -> io::Result<Option<bool>> {
        match self.remote.find(&self.key) {
            Ok(Some(found)) if is_of(facts, &found) => Ok(Some(true)),
            Ok(Some(_)) => Err(self.taken()),
            Ok(None) => Ok(Some(false)),
            Err(error) if is_hidden(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Requests the object. If the server refuses the condition, the name was checked just before.
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

    /// Checks whether the object is there, whatever the answer was.
    fn check_created(&self, facts: &Facts, asked: io::Result<()>, replace: bool) -> io::Result<()> {
        match (asked, self.remote.find(&self.key)) {
            (_, Ok(Some(found))) if is_of(facts, &found) => Ok(()),
            // Without the right to look, the answer alone counts.
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

    /// Returns whether the object is the one of this upload.
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

/// Returns whether an object was made by the upload of a record.
fn is_of(facts: &Facts, found: &Found) -> bool {
    let same =
        found.mark.as_ref().map_or_else(|| bare(&found.etag) == composite(facts), |mark| *mark == facts.mark);
    facts.completing == Some(found.len) && same
}

/// Returns the entity tag that S3 gives to an object of parts.
fn composite(facts: &Facts) -> String {
    let mut md5 = Md5::new();
    facts.parts.iter().filter_map(|part| part.sent.as_ref()).for_each(|sent| md5.update(sent.md5));
    format!("{}-{}", hex(&md5.finalize()), facts.parts.len())
}
