//! The worker of the encrypting flow: it reads the plaintext left to it, and seals segments.

use std::io::{self, ErrorKind};

use bytes::{Bytes, BytesMut};

use super::encrypt::{Encrypting, SealJob, SealedJob, Target};
use super::settings::Settings;
use crate::engine::Shutdown;
use crate::engine::stages::WorkerStage;
use crate::error::Error;
use crate::io::source_error;
use crate::observe::Telemetry;
use crate::observe::step::Step;
use crate::segment::buffers::resize;
use crate::segment::{EncryptSegmentInput, EncryptSegmentWorker, EncryptedSegment};
use crate::source::file_source::{PIECE, PendingRead, SegmentInput};

/// A worker that seals segments. After a shutdown request it begins no other segment.
pub(crate) struct EncryptWorker {
    worker: EncryptSegmentWorker,
    piece: usize,
    /// True if a manager needs the plaintext.
    keeps_plaintext: bool,
    compresses: bool,
    telemetry: Telemetry,
    shutdown: Shutdown,
}

impl EncryptWorker {
    pub(crate) fn new(settings: Settings<'_>, target: &Target<'_>, keeps_plaintext: bool) -> Self {
        let frame_size = target.stream.header().frame_size() as usize;
        let worker = EncryptSegmentWorker::new(target.stream, target.run, target.digest_alg);
        Self {
            worker: match target.compression {
                Some(compression) => worker.with_compression(compression),
                None => worker,
            },
            compresses: target.compression.is_some(),
            piece: frame_size * (PIECE / frame_size).max(1),
            keeps_plaintext,
            telemetry: settings.telemetry.clone(),
            shutdown: settings.shutdown.clone(),
        }
    }

    fn seal(&mut self, input: &EncryptSegmentInput, wire: BytesMut) -> Result<EncryptedSegment, Error> {
        let segment = Some(input.segment_index.into());
        let packed = match self.compresses {
            true => self.telemetry.time(Step::Compressing, segment, || self.worker.pack(&input.plaintext)),
            false => None,
        };
        let seal = || self.worker.seal_packed(input, packed, wire);
        let sealed = self.telemetry.time(Step::Working, segment, seal);
        sealed.map_err(Error::worker)
    }

    /// Reads a segment in one piece.
    fn read_pending(
        &mut self,
        segment_index: u32,
        pending: &PendingRead,
        mut buffer: BytesMut,
    ) -> Result<Bytes, Error> {
        let segment = Some(segment_index.into());
        resize(&mut buffer, pending.len());
        let read =
            self.telemetry.time(Step::Reading, segment, || whole(pending.read(0, &mut buffer), &buffer));
        read.map_err(source_error(segment))?;
        Ok(buffer.freeze())
    }

    /// Reads a segment and seals it, a piece at a time.
    ///
    /// It reads a full segment, because all of it was there when it was the segment's turn.
    fn seal_pending(
        &mut self,
        segment_index: u32,
        pending: &PendingRead,
        mut buffer: BytesMut,
        mut wire: BytesMut,
    ) -> Result<(EncryptedSegment, Bytes), Error> {
        let (len, most, keeps) = (pending.len(), self.piece, self.keeps_plaintext);
        resize(&mut buffer, if keeps { len } else { len.min(most) });
        let segment = Some(segment_index.into());
        let sealed = self.telemetry.laps(Step::Working, segment, |laps| {
            let mut sealing = self.worker.begin(segment_index, len, &mut wire).map_err(Error::worker)?;
            for at in (0..len).step_by(most) {
                let begin = if keeps { at } else { 0 };
                let piece = &mut buffer[begin..begin + most.min(len - at)];
                whole(pending.read(at, piece), piece).map_err(source_error(segment))?;
                laps.ends(Step::Reading);
                sealing.push(piece).map_err(Error::worker)?;
                laps.ends(Step::Working);
            }
            sealing.finish().map_err(Error::worker)
        })?;
        Ok((EncryptedSegment::new(sealed, wire), buffer.freeze()))
    }
}

/// Checks that the whole piece was read.
fn whole(filled: io::Result<usize>, piece: &[u8]) -> io::Result<()> {
    if filled? < piece.len() {
        let shorter = "the file became shorter while it was read";
        return Err(io::Error::new(ErrorKind::UnexpectedEof, shorter));
    }
    Ok(())
}

impl WorkerStage<Encrypting> for EncryptWorker {
    fn work(&mut self, job: SealJob) -> Result<SealedJob, Error> {
        let (segment_index, load, wire) = match job {
            SealJob::Data(segment_index, load, wire) => (segment_index, load, wire),
            // Its content follows from the segments before it, which only the writer has seen in
            // order.
            SealJob::Index(permit) => return Ok(SealedJob::Index(permit)),
        };
        if self.shutdown.requested() {
            return Err(Error::interrupted(Some(segment_index.into())));
        }
        //= spec/stream-v2.md#sv2-wrt-003
        //= type=implication
        //= reason=The worker owns these bytes; what a caller does to its source meanwhile does not
        //= reason=reach them.
        //# A writer MUST read each plaintext byte exactly once before sealing, into memory that
        //# nothing else can change while the segment is sealed.
        let (segment, plaintext) = match load {
            SegmentInput::Read(plaintext) => {
                let input = EncryptSegmentInput { segment_index, plaintext };
                (self.seal(&input, wire)?, input.plaintext)
            }
            // A segment is compressed as a whole.
            SegmentInput::Pending(pending, buffer) if self.compresses => {
                let plaintext = self.read_pending(segment_index, &pending, buffer)?;
                let input = EncryptSegmentInput { segment_index, plaintext };
                (self.seal(&input, wire)?, input.plaintext)
            }
            SegmentInput::Pending(pending, buffer) => {
                self.seal_pending(segment_index, &pending, buffer, wire)?
            }
        };
        Ok(SealedJob::Data(segment, plaintext))
    }
}
