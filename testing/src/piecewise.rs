//! Reads a stream a second time with `format` alone.
//!
//! There is no pipeline and no thread, and it never gives a parser more than requested (§15).

use stream_v2_format::codec::Decompressor;
use stream_v2_format::crypto::{
    AuthenticHeader, ContentKey, OpenedSegment, Progress, SegmentOpener, SegmentOrder, StreamOpener,
};
use stream_v2_format::envelope::EnvelopeView;
use stream_v2_format::lengths::{ClaimedLen, Lengths};
use stream_v2_format::wire::{
    Codec, HeaderV1, HeaderV1View, Parsed, SegmentHeader, SegmentKind, entries_max,
};
use stream_v2_format::{Detail, Error, Misuse, Offset, SegmentIndex};

/// The distance, in bytes, of the other lengths that are also checked.
const NEARBY: u64 = 40;

/// The released plaintext and the result.
pub type Read = (Vec<u8>, Result<(), Error>);

/// Reads `input` from its beginning to its end, or to the first error.
pub fn read(input: &[u8], key: &ContentKey, context: &[u8]) -> Read {
    let mut released = Vec::new();
    let result = Input { bytes: input, at: 0 }.stream(key, context, &mut released);
    (released, result)
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn stream(mut self, key: &ContentKey, context: &[u8], released: &mut Vec<u8>) -> Result<(), Error> {
        let header =
            self.next(None, |bytes| HeaderV1View::parse(bytes)?.and_then(|view| Ok(view.header())))?;
        if header.envelope_len() > 0 {
            self.next(None, |bytes| EnvelopeView::parse(bytes, header.envelope_len()))?;
        }
        let stream = StreamOpener::new(&header, key, context)?;
        let mut order = SegmentOrder::new(&header);
        let mut reader = SegmentReader::new(&stream);
        while !order.ended() {
            let (before, offset) = (order.segments(), Offset(self.at as u64));
            assert_eq!(offset, order.offset());
            if self.rest().is_empty() {
                return order.end_of_input(offset);
            }
            let segment = self.next(Some(before), |bytes| stream.authenticate(bytes, offset, before))?;
            order.admit(segment.header(), offset)?;
            let wire = self.take(segment.header().wire_len as usize, before)?;
            released.extend(reader.open(&segment, wire)?);
        }
        reader.go_back();
        match self.rest() {
            [] => {
                reader.shape.assert_lengths(self.bytes.len() as u64);
                Ok(())
            }
            _ => Err(Error::trailing(order.offset(), order.segments())),
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Parses the next item from as many bytes as the parser requests.
    fn next<T>(
        &mut self,
        segments: Option<u64>,
        parse: impl Fn(&'a [u8]) -> Result<Parsed<T>, Error>,
    ) -> Result<T, Error> {
        let (rest, mut given) = (self.rest(), 0);
        loop {
            let parsed = parse(&rest[..given])?;
            if let Parsed::NeedMore(missing) = parsed {
                if given == rest.len() {
                    return Err(Error::truncated(Offset(self.bytes.len() as u64), segments));
                }
                given = rest.len().min(given + missing.get());
                continue;
            }
            let (value, taken) = parsed.complete().unwrap();
            assert_eq!(taken, given, "a parser took other bytes than it has asked for");
            let again = parse(rest)?.complete().map(|(_, taken)| taken);
            assert_eq!(again, Some(taken), "a parser takes more where there is more");
            self.at += taken;
            return Ok(value);
        }
    }

    fn take(&mut self, len: usize, segments: u64) -> Result<&'a [u8], Error> {
        let end = Offset(self.bytes.len() as u64);
        let taken = self.rest().get(..len).ok_or(Error::truncated(end, Some(segments)))?;
        self.at += len;
        Ok(taken)
    }
}

/// Opens segment after segment, both whole and by their ends alone.
struct SegmentReader<'a> {
    opener: SegmentOpener,
    decompressor: Decompressor,
    progress: Progress,
    expected: Option<SegmentIndex>,
    first: Option<(AuthenticHeader, &'a [u8], Vec<u8>)>,
    shape: Shape,
}

impl<'a> SegmentReader<'a> {
    fn new(stream: &StreamOpener) -> Self {
        Self {
            opener: SegmentOpener::new(stream),
            decompressor: Decompressor::new(stream.header()),
            progress: Progress::of_reader(stream),
            expected: Some(SegmentIndex::FIRST),
            first: None,
            shape: Shape::new(*stream.header()),
        }
    }

    /// Returns the plaintext of the next segment.
    fn open(&mut self, segment: &AuthenticHeader, wire: &'a [u8]) -> Result<Vec<u8>, Error> {
        let index = segment.header().index;
        assert_eq!(Some(index), self.expected);
        self.expected = index.next();
        let mut payload = vec![0; segment.header().payload_len as usize];
        let opened = self.opener.open(segment, wire, &mut payload);
        self.frame_by_frame(segment, wire, &payload, opened.as_ref());
        let ends = self.ends(segment, wire);
        let opened =
            opened.inspect_err(|error| self.assert_same_fault(segment, error, ends.as_ref().err()))?;
        let ends = ends.unwrap();
        let after_ends = self.progress.clone().opened_tail(segment, &ends);
        let after_all = self.progress.opened(segment, &opened, &payload);
        // The ends of an index segment do not show its content.
        if after_all.map_err(|error| error.detail()) != Err(Detail::MalformedIndex) {
            assert_eq!(
                (ends.digest, after_ends),
                (opened.digest, after_all),
                "the ends alone say something else"
            );
        }
        after_all?;
        self.assert_link(segment, wire);
        self.shape.add(segment.header());
        self.first.get_or_insert_with(|| (*segment, wire, payload.clone()));
        if segment.header().kind != SegmentKind::Data {
            return Ok(Vec::new());
        }
        let mut plaintext = vec![0; segment.header().plaintext_len as usize];
        self.decompressor.decompress(segment, &payload, &mut plaintext)?;
        Ok(plaintext)
    }

    /// Asserts that opening a segment frame by frame gives the same segment or the same fault.
    fn frame_by_frame(
        &mut self,
        segment: &AuthenticHeader,
        wire: &[u8],
        payload: &[u8],
        whole: Result<&OpenedSegment, &Error>,
    ) {
        let mut again = vec![0; payload.len()];
        let mut opening = self.opener.begin(segment, &mut again).unwrap();
        assert_eq!(opening.next_len(usize::MAX), wire.len(), "all frames are not the wire");
        let mut rest = wire;
        while !rest.is_empty() {
            let (frame, after) = rest.split_at(opening.next_len(1));
            opening.push(frame).unwrap();
            rest = after;
        }
        let opened = opening.finish();
        assert_eq!(
            (opened.as_ref().map(|opened| opened.digest), &again[..]),
            (whole.map(|opened| opened.digest), payload),
            "frame by frame it is another segment"
        );
    }

    /// Asserts that a genuine segment has a link exactly if it is an index segment or begins a run.
    fn assert_link(&mut self, segment: &AuthenticHeader, wire: &[u8]) {
        let header = segment.header();
        let has_link = match header.kind {
            SegmentKind::Data => header.flags.run_start(),
            kind => kind == SegmentKind::Index,
        };
        let terminator = &wire[wire.len() - self.opener.terminator_len(segment)..];
        let link = self.opener.open_link(segment, terminator);
        match has_link {
            true => drop(link.unwrap()),
            false => assert_eq!(link.unwrap_err().rule(), Some(Misuse::NoLink)),
        }
    }

    /// Opens a segment by its digest frame and its terminator frame alone (§19.3).
    fn ends(&mut self, segment: &AuthenticHeader, wire: &[u8]) -> Result<OpenedSegment, Error> {
        let tail = &wire[wire.len() - self.opener.tail_len(segment)..];
        self.opener.open_tail(segment, tail)
    }

    /// Asserts that a fault of one of these two frames is the same error at the same offset.
    fn assert_same_fault(&self, segment: &AuthenticHeader, whole: &Error, ends: Option<&Error>) {
        let tail_len = self.opener.tail_len(segment) as u64;
        let tail = segment.offset().0 + segment.header().segment_len() - tail_len;
        let elsewhere = [Detail::MalformedWireCrc, Detail::AuthDigest].contains(&whole.detail());
        if !elsewhere && whole.offset().0 >= tail {
            assert_eq!(Some(whole), ends, "the ends alone are refused in another way");
        }
    }

    /// Opens segment 0 again, whatever the current epoch is.
    fn go_back(&mut self) {
        let (segment, wire, payload) = self.first.take().unwrap();
        let mut again = vec![0; payload.len()];
        self.opener.open(&segment, wire, &mut again).unwrap();
        assert_eq!(again, payload);
    }
}

/// The facts about the segments read so far that the formulas of §14.1 need.
struct Shape {
    header: HeaderV1,
    plaintext_len: u64,
    index: bool,
    /// Data segments since the last index segment.
    unindexed: u64,
    /// Codec 0 everywhere, and no further run without UNIFORM.
    plain: bool,
    /// A data segment was not full, or an index segment came before it had to.
    ended: bool,
}

impl Shape {
    const fn new(header: HeaderV1) -> Self {
        Self { header, plaintext_len: 0, index: false, unindexed: 0, plain: true, ended: false }
    }

    fn add(&mut self, segment: &SegmentHeader) {
        let begins_again = segment.index != SegmentIndex::FIRST && segment.flags.run_start();
        match segment.kind {
            SegmentKind::Data => {
                self.plain &= !self.ended && (!begins_again || self.header.uniform());
                self.ended = segment.payload_len < self.header.segment_size();
                self.unindexed += 1;
            }
            SegmentKind::Index => {
                self.plain &= !begins_again;
                self.ended |= self.unindexed < u64::from(entries_max(&self.header));
                (self.index, self.unindexed) = (true, 0);
            }
            _ => {}
        }
        self.plain &= segment.codec == Codec::None;
        self.plaintext_len += u64::from(segment.plaintext_len);
    }

    /// Asserts that the lengths of the stream and of its plaintext determine each other. Lengths
    /// nearby are also checked.
    fn assert_lengths(&self, stream_len: u64) {
        if !self.plain || (self.index && self.unindexed > 0) {
            return;
        }
        let lengths = Lengths::new(&self.header, self.index).unwrap();
        assert_eq!(lengths.stream_len(self.plaintext_len), Some(stream_len), "not the length of §14.1");
        for len in stream_len.saturating_sub(NEARBY)..stream_len + NEARBY {
            let mut plaintext = self.plaintext_len.saturating_sub(NEARBY)..self.plaintext_len + NEARBY;
            let expected = plaintext.find(|&plaintext| lengths.stream_len(plaintext) == Some(len));
            assert_eq!(lengths.plaintext_len(len), expected.map(ClaimedLen), "of a stream of {len} bytes");
        }
    }
}
