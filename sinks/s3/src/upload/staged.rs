//! The future object, on this machine until S3 has it: a file whose uploaded part is given up.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use stream_v2_format::limits::{ENVELOPE_LEN_MAX, FRAME_OVERHEAD, STREAM_HEADER_LEN};
use stream_v2_format::wire::{HISTORY_LEN, Parsed, SegmentHeaderView};
use stream_v2_format::{Offset, SegmentIndex};
use stream_v2_pipeline::StoredFile;
use stream_v2_pipeline::io::read_stream_header;

use super::names::Role;
use super::record::Record;
use super::state::Shared;

/// Bytes of a terminator frame with a link.
const LINK_FRAME_LEN: u64 = FRAME_OVERHEAD as u64 + HISTORY_LEN as u64;

/// The file under the partial name.
pub(super) struct Staged {
    file: Box<dyn StoredFile>,
    shared: Arc<Shared>,
    owns: bool,
    /// The pieces that were appended and not given up yet.
    pieces: VecDeque<Piece>,
    /// The durable part. Its commit is recorded before the next piece is appended, or the run
    /// fails.
    durable: Durable,
    /// The part that was durable when the last piece was appended, and is recorded.
    recorded: Durable,
    /// The bytes that a resumed run begins with: a stream header and its envelope, if there is one.
    beginning: u64,
    /// True if a resumed run reads segment headers and links again: in a stream without UNIFORM.
    keeps_heads: bool,
}

/// A beginning of the file.
#[derive(Clone, Copy, Default)]
struct Durable {
    end: u64,
    /// The begin of its last pieces, which confirm their commit.
    last: u64,
}

#[derive(Clone, Copy)]
struct Piece {
    begin: u64,
    /// The end of the piece's head, which may be read again.
    head: u64,
    /// The begin of its link, which may be read again too: the terminator frame of a segment that
    /// begins a run.
    link: u64,
    end: u64,
}

impl Staged {
    pub(super) fn new(file: Box<dyn StoredFile>, shared: &Arc<Shared>, owns: bool) -> Self {
        let (shared, pieces) = (Arc::clone(shared), VecDeque::new());
        let (durable, recorded) = Default::default();
        Self { file, shared, owns, pieces, durable, recorded, beginning: 0, keeps_heads: true }
    }

    /// Finds out whether it is a stream, and one with UNIFORM. A plaintext that looks like a stream
    /// has no heads.
    fn look(&mut self, mut begin: impl Read) {
        if let Ok((header, _)) = read_stream_header(&mut begin) {
            (self.beginning, self.keeps_heads) = (header.body_offset().0, !header.uniform());
        }
    }

    /// Gives up the bytes that S3 has, except those that a resumed run reads.
    ///
    /// These are segment headers, links of runs, and the last commit's segment.
    fn forget(&mut self) -> io::Result<()> {
        let Some(forgotten) = self.shared.forgets(self.recorded.last)? else {
            return Ok(());
        };
        while let Some(piece) = self.pieces.pop_front_if(|piece| piece.end <= forgotten) {
            let (begin, end) = match self.keeps_heads {
                true => (piece.head, piece.link),
                false => (piece.begin, piece.end),
            };
            let begin = begin.max(self.beginning);
            if begin < end {
                self.file.punch_hole(begin, end)?;
            }
        }
        Ok(())
    }
}

impl StoredFile for Staged {
    fn append(&mut self, index: Option<SegmentIndex>, head: &[u8], body: &[u8]) -> io::Result<()> {
        self.shared.check()?;
        self.recorded = self.durable;
        let begin = self.file.stream_position()?;
        self.file.append(index, head, body)?;
        if index.is_none() && begin == 0 {
            self.look(head.chain(body));
        }
        let is_start = begins_run(head);
        let (head, end) = (begin + head.len() as u64, begin + head.len() as u64 + body.len() as u64);
        self.shared.appended(begin, end);
        let link = if is_start { end.saturating_sub(LINK_FRAME_LEN).max(head) } else { end };
        self.pieces.push_back(Piece { begin, head, link, end });
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.shared.cut(len)?;
        self.pieces.retain(|piece| piece.end <= len);
        self.file.set_len(len)
    }

    /// Makes the file durable, and sends parts of the bytes that were durable, and so recorded,
    /// before.
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()?;
        // Parts that are not sent now are sent by the resumed run.
        if !self.owns || self.shared.shutdown.requested() {
            return Ok(());
        }
        self.shared.plan(self.recorded.end, false)?;
        match self.shared.room().and_then(|room| self.shared.settle(room)) {
            Err(_) if self.shared.shutdown.requested() => return Ok(()),
            settled => settled?,
        }
        self.forget()?;
        // An index segment has no plaintext, so the source is compared with the data segment before
        // it.
        let confirming = if self.keeps_heads { 2 } else { 1 };
        let first = self.pieces.len().checked_sub(confirming).and_then(|first| self.pieces.get(first));
        let last = first.map_or(self.durable.last, |piece| piece.begin);
        self.durable = Durable { end: self.file.size()?, last };
        Ok(())
    }

    fn rewrite(&mut self, from: u64) -> io::Result<()> {
        self.file.rewrite(from)
    }

    fn lock(&mut self) -> io::Result<()> {
        self.file.lock()?;
        if !self.owns {
            let shared = &self.shared;
            let record = Record::open(&shared.local, &shared.names.record(), &shared.name());
            shared.own(record.map_err(|error| match error.kind() {
                ErrorKind::NotFound => without_record(&shared.name()),
                _ => error,
            })?);
            self.owns = true;
            self.file.rewind()?;
            let len = STREAM_HEADER_LEN as u64 + u64::from(ENVELOPE_LEN_MAX) + 4;
            let mut begin = Vec::new();
            (&mut self.file).take(len).read_to_end(&mut begin)?;
            self.file.rewind()?;
            self.look(&begin[..]);
        }
        Ok(())
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        match self.shared.names.role(path)? {
            Role::Object if self.owns => self.shared.is_published(),
            Role::Object => Ok(false),
            _ => self.file.is_named(&self.shared.names.local(path)),
        }
    }
}

/// Returns whether these bytes are the header of a segment with RUN_START.
fn begins_run(head: &[u8]) -> bool {
    match SegmentHeaderView::parse(head, Offset(0), 0) {
        Ok(Parsed::Complete(view, _)) => view.header().flags.run_start(),
        _ => false,
    }
}

fn without_record(name: &str) -> io::Error {
    let what = "the partial output of an interrupted run has no record of its upload";
    io::Error::new(ErrorKind::InvalidInput, format!("{name}: {what}"))
}

impl Read for Staged {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Write for Staged {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Staged {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.owns {
            self.shared.stop();
            *self.shared.locked() = None;
        }
    }
}
