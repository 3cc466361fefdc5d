//! Compares the record of an interrupted run with the parts at S3.
//!
//! If they differ, a part is asked for, or sent again with the same bytes.

use std::io::{self, ErrorKind};

use super::facts::Sent;
use super::sending::StagedPart;
use super::state::{Shared, State, bare};
use crate::encoding::hex;
use crate::multipart::{Listed, UploadId};

impl Shared {
    /// Begins the upload, or compares the record of an interrupted run with the parts at S3.
    pub(super) fn confirm(&self, state: &mut State) -> io::Result<()> {
        if state.is_confirmed {
            return Ok(());
        }
        match state.record.facts.id.clone() {
            None => self.begin(state)?,
            Some(id) => match self.remote.parts(UploadId { key: &self.key, id: &id })? {
                Some(listed) => self.reconcile(state, &listed)?,
                None if state.record.facts.forgotten == 0 => self.begin(state)?,
                None => return Err(self.gone()),
            },
        }
        // Lines of an earlier run are relied on from here on.
        state.record.sync()?;
        state.is_confirmed = true;
        Ok(())
    }

    fn begin(&self, state: &mut State) -> io::Result<()> {
        state.record.begins()?;
        state.queue.clear();
        let id = self.remote.begin(&self.key, &state.record.facts.mark)?;
        state.record.begun(id)
    }

    /// Takes unknown parts from the list of S3, and queues missing ones.
    fn reconcile(&self, state: &mut State, listed: &[Listed]) -> io::Result<()> {
        for number in 1..=u16::try_from(state.record.facts.parts.len()).map_err(io::Error::other)? {
            let Some(part) = state.record.facts.part(number) else { break };
            let has = |etag: &str| {
                let is = |part_of: &&Listed| part_of.number == number && part_of.len == part.end - part.begin;
                listed.iter().filter(is).any(|listed| bare(&listed.etag) == bare(etag))
            };
            match &part.sent {
                Some(sent) if has(&sent.etag) => continue,
                _ if part.begin < state.record.facts.forgotten => return Err(self.gone()),
                Some(_) => state.record.facts.lost(number),
                None => {
                    // The part was uploaded, but the answer is not in the record. S3 tells the MD5
                    // of its parts.
                    let md5 = StagedPart::read(self, part.begin, part.end)?.md5;
                    let etag = format!("\"{}\"", hex(&md5));
                    if has(&etag) {
                        state.record.sent(number, Sent { md5, etag })?;
                        continue;
                    }
                }
            }
            state.queue.push_back(number);
        }
        Ok(())
    }

    fn gone(&self) -> io::Error {
        let what =
            "what was uploaded is gone at S3 (aborted, or expired), and is not on this machine any more";
        io::Error::new(ErrorKind::NotFound, format!("{}: {what}", self.name()))
    }
}
