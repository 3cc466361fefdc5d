//! Writes a stream with another envelope and the same segments (§12.4).

use std::io::{self, Read};

use bytes::BytesMut;
use stream_v2_format::crypto::SegmentOrder;
use stream_v2_format::envelope::Envelope;
use stream_v2_format::wire::{STREAM_MAGIC, crc32c};
use stream_v2_format::{self as format};

use super::Unlocked;
use crate::error::{Error, Stage};
use crate::io::read_segment;
use crate::sink::{OutputSink, SinkUnit, sink_fault};

impl Unlocked {
    /// Writes the stream with the envelope `new` into `sink`, and seals that.
    ///
    /// `source` is positioned after the envelope of the stream. Each segment header is
    /// authenticated, and the checksum of each wire compared. No segment is opened. After an error
    /// the sink is aborted.
    ///
    /// Returns the length of the new stream in bytes.
    ///
    /// # Errors
    ///
    /// - the errors of [`read_segment`].
    /// - `malformed.wire_crc` for a damaged segment.
    /// - any error of the source or the sink.
    pub fn copy_with(
        &self,
        new: &Envelope,
        source: impl Read,
        sink: &mut dyn OutputSink,
    ) -> Result<u64, Error> {
        let copied = self.copied(new, source, sink).and_then(|len| sink.seal().map(|()| len).map_err(failed));
        copied.inspect_err(|_| {
            // The failure to report is the first one.
            let _ = sink.abort();
        })
    }

    fn copied(&self, new: &Envelope, mut source: impl Read, sink: &mut dyn OutputSink) -> Result<u64, Error> {
        let fault = |error| Error::format(Stage::Start, error);
        let header = self.header().with_envelope_len(new.envelope_len()).map_err(fault)?.to_bytes();
        let (magic, rest) = header.split_at(STREAM_MAGIC.len());
        let unit = SinkUnit { index: None, position: 0, head: magic, body: &[rest, new.as_bytes()].concat() };
        sink.append(&unit).map_err(failed)?;
        let mut position = unit.len();
        let (mut order, mut buffer) = (SegmentOrder::new(self.header()), BytesMut::new());
        while let Some(segment) = read_segment(&mut source, self.stream(), &mut order, buffer)? {
            let (header, offset) = (*segment.header.header(), segment.header.offset());
            if crc32c(&segment.wire) != header.wire_crc32c {
                let error = format::Error::wire_crc(offset, header.index.0.into());
                return Err(Error::format(Stage::Source, error));
            }
            let head = header.to_bytes();
            let unit = SinkUnit { index: Some(header.index), position, head: &head, body: &segment.wire };
            sink.append(&unit).map_err(failed)?;
            position += unit.len();
            buffer = segment.wire.try_into_mut().unwrap_or_default();
        }
        Ok(position)
    }
}

fn failed(error: io::Error) -> Error {
    sink_fault(None, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::read_stream_header;
    use crate::keys::{Credentials, KeyFile, Recipients};
    use crate::observe::Managers;
    use crate::pipeline::{DecryptPipeline, EncryptPipeline};
    use crate::resume::rewrap::Rewrap;
    use crate::sink::WriterSink;
    use stream_v2_format::Detail;

    fn key_file(key: u8) -> KeyFile {
        KeyFile::parse(KeyFile::text(&[key; 32]).as_bytes()).unwrap()
    }

    #[test]
    fn segments_stay_and_the_length_may_change() {
        let old = Recipients::new().with_key_file(key_file(1));
        let mut stream = Vec::new();
        let mut pipeline = EncryptPipeline::for_recipients(&old);
        (pipeline.params.segment_size, pipeline.params.frame_size_log2) = (8192, 12);
        pipeline.run(&[5; 99_000][..], &mut WriterSink::new(&mut stream), Managers::none()).unwrap();
        let new = (2..12).map(key_file).fold(Recipients::new(), Recipients::with_key_file);
        let credentials = old.credentials();
        let rewrap = Rewrap::new(&credentials, &new);
        let copy = |stream: &[u8]| {
            let mut rest = stream;
            let (header, envelope) = read_stream_header(&mut rest)?;
            let unlocked = rewrap.unlock(&header, &envelope)?;
            let mut copy = Vec::new();
            let envelope = rewrap.wrap(&unlocked)?;
            let len = unlocked.copy_with(&envelope, rest, &mut WriterSink::new(&mut copy))?;
            assert_eq!(len, copy.len() as u64);
            Ok::<_, Error>(copy)
        };
        let copied = copy(&stream).unwrap();
        assert!(copied[128 + 4096..] == stream[128 + 1024..]);
        let by = Credentials::new().with_key_file(key_file(11));
        let verified = DecryptPipeline::with_credentials(&by).verify(&copied[..], Managers::none()).unwrap();
        assert_eq!(verified.plaintext_len, 99_000);
        let detail = |stream: &[u8]| copy(stream).unwrap_err().format_error().unwrap().detail();
        assert_eq!(detail(&stream[..stream.len() - 1]), Detail::Truncated);
        stream[2000] ^= 1;
        assert_eq!(detail(&stream), Detail::MalformedWireCrc);
    }
}
