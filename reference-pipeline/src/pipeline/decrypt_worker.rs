//! The worker of the decrypting flow: it reads the wires left to it, and opens segments.

use bytes::{Bytes, BytesMut};
use stream_v2_format::crypto::{AuthenticHeader, OpenedSegment, StreamOpener};
use stream_v2_format::limits::FRAME_OVERHEAD;
use stream_v2_format::wire::Codec;

use super::decrypt::{Decrypting, OpenJob, OpenedJob};
use super::settings::Settings;
use crate::engine::Shutdown;
use crate::engine::stages::WorkerStage;
use crate::error::Error;
use crate::io::{source_error, whole_wire};
use crate::observe::Telemetry;
use crate::observe::step::Step;
use crate::segment::buffers::resize;
use crate::segment::{DecryptSegmentInput, DecryptSegmentWorker, DecryptedSegment};
use crate::source::file_source::{PIECE, PendingRead, SegmentInput};

/// Space of a piece for the two frames that end a segment, and for the tags of the others.
const ENDS: usize = 1 << 12;

/// A worker that opens segments. After a shutdown request it begins no other segment.
pub(crate) struct DecryptWorker {
    worker: DecryptSegmentWorker,
    piece: usize,
    telemetry: Telemetry,
    shutdown: Shutdown,
}

impl DecryptWorker {
    pub(crate) fn new(settings: Settings<'_>, stream: &StreamOpener) -> Self {
        Self {
            worker: DecryptSegmentWorker::new(stream),
            piece: (PIECE + ENDS).max(stream.header().frame_size() as usize + FRAME_OVERHEAD),
            telemetry: settings.telemetry.clone(),
            shutdown: settings.shutdown.clone(),
        }
    }

    fn open(
        &mut self,
        input: &DecryptSegmentInput,
        mut contents: BytesMut,
    ) -> Result<DecryptedSegment, Error> {
        let segment = Some(input.header.header().index.0.into());
        let opened = self.telemetry.time(Step::Working, segment, || self.worker.verify(input, &mut contents));
        Ok(self.unpack(input.header, contents, opened.map_err(Error::worker)?))
    }

    /// Ends a segment that was opened and verified.
    fn unpack(
        &mut self,
        header: AuthenticHeader,
        contents: BytesMut,
        opened: OpenedSegment,
    ) -> DecryptedSegment {
        if header.header().codec == Codec::None {
            return self.worker.unpack(header, contents, opened);
        }
        let segment = Some(header.header().index.0.into());
        self.telemetry.time(Step::Compressing, segment, || self.worker.unpack(header, contents, opened))
    }

    /// Reads a segment and opens it, a piece at a time.
    fn open_pending(
        &mut self,
        header: &AuthenticHeader,
        pending: &PendingRead,
        mut buffer: BytesMut,
        mut contents: BytesMut,
    ) -> Result<(DecryptedSegment, Bytes), Error> {
        let (len, most) = (pending.len(), self.piece);
        resize(&mut buffer, len.min(most));
        let segment = Some(header.header().index.0.into());
        let opened = self.telemetry.laps(Step::Working, segment, |laps| {
            let mut opening = self.worker.begin(header, &mut contents).map_err(Error::worker)?;
            let mut at = 0;
            while at < len {
                let piece = &mut buffer[..opening.next_len(most)];
                let filled = pending.read(at, piece).map_err(source_error(segment))?;
                laps.ends(Step::Reading);
                at += filled;
                if filled < piece.len() {
                    break;
                }
                opening.push(piece).map_err(Error::worker)?;
                laps.ends(Step::Working);
            }
            whole_wire(at, header)?;
            opening.finish().map_err(Error::worker)
        })?;
        let segment = self.unpack(*header, contents, opened);
        Ok((segment, buffer.freeze()))
    }
}

impl WorkerStage<Decrypting> for DecryptWorker {
    fn work(&mut self, job: OpenJob) -> Result<OpenedJob, Error> {
        let OpenJob { header, wire, contents } = job;
        if self.shutdown.requested() {
            return Err(Error::interrupted(Some(header.header().index.0.into())));
        }
        let (segment, spare) = match wire {
            SegmentInput::Read(wire) => {
                let input = DecryptSegmentInput { header, wire };
                (self.open(&input, contents)?, input.wire)
            }
            SegmentInput::Pending(pending, buffer) => {
                self.open_pending(&header, &pending, buffer, contents)?
            }
        };
        Ok(OpenedJob(segment, spare))
    }
}
