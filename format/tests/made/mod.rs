//! A stream under construction, segment by segment, whose writers may state anything.

use stream_v2_format::crypto::{
    AuthenticHeader, ContentKey, OpenedSegment, Progress, Run, RunSalt, SealedSegment, SegmentOpener,
    SegmentSealer, StreamOpener, StreamSealer, Transcript,
};
use stream_v2_format::wire::{RunLink, StreamFlags, StreamParams, Trailer};
use stream_v2_format::{Error, SegmentIndex};

fn key() -> ContentKey {
    ContentKey::new([1; 32])
}

fn stream(flags: StreamFlags) -> StreamSealer {
    let params =
        StreamParams::new([7; 32]).with_flags(flags).with_segment_size(4096).with_frame_size_log2(12);
    StreamSealer::new(params, &key(), b"").unwrap()
}

pub(crate) fn link(salt: u8, first: u32) -> RunLink {
    RunLink { run_salt: [salt; 16], first: SegmentIndex(first) }
}

/// A stream under construction, from the view of its writers and of a sequential reader.
pub(crate) struct Stream {
    pub(crate) sealer: StreamSealer,
    pub(crate) progress: Progress,
    read: Progress,
    pub(crate) opener: SegmentOpener,
    pub(crate) reader: StreamOpener,
}

/// A sealed segment and its wire.
pub(crate) type Sealed = (SealedSegment, Vec<u8>);

impl Stream {
    pub(crate) fn new(flags: StreamFlags) -> Self {
        let sealer = stream(flags);
        let reader = StreamOpener::new(sealer.header(), &key(), b"").unwrap();
        let (progress, read) = (Progress::of_writer(&sealer), Progress::of_reader(&reader));
        Self { sealer, progress, read, opener: SegmentOpener::new(&reader), reader }
    }

    pub(crate) fn index(&self) -> SegmentIndex {
        SegmentIndex(u32::try_from(self.progress.segments()).unwrap())
    }

    /// A run that claims to follow this T and this R.
    pub(crate) fn run(&self, salt: u8, transcript: &Transcript, link: &RunLink) -> SegmentSealer {
        let run = Run::resuming(RunSalt::new([salt; 16]), self.index(), *transcript, *link);
        SegmentSealer::new(&self.sealer, run)
    }

    /// The run that really follows.
    pub(crate) fn next_run(&self, salt: u8) -> SegmentSealer {
        self.run(salt, self.progress.transcript(), self.progress.link())
    }

    pub(crate) fn data(&self, sealer: &mut SegmentSealer) -> Sealed {
        let plaintext = [5; 4096];
        let mut wire = vec![0; sealer.wire_len(self.index(), 4096)];
        let sealed = sealer.seal_data(self.index(), &plaintext, &mut wire).unwrap();
        (sealed, wire)
    }

    pub(crate) fn indexing(
        &self,
        sealer: &mut SegmentSealer,
        transcript: &Transcript,
        link: &RunLink,
    ) -> Sealed {
        let payload = self.progress.index_payload(true).unwrap();
        sealer.seal_index(self.index(), &payload, transcript, link).unwrap()
    }

    pub(crate) fn closing(&self, sealer: &mut SegmentSealer, trailer: &Trailer) -> Sealed {
        let mut wire = vec![0; SegmentSealer::final_wire_len()];
        let sealed = sealer.seal_final(self.index(), trailer, &mut wire).unwrap();
        (sealed, wire)
    }

    pub(crate) fn header(&self, sealed: &Sealed) -> AuthenticHeader {
        let offset = self.sealer.header().body_offset().plus(self.progress.position());
        let bytes = sealed.0.header.to_bytes();
        self.reader.authenticate(&bytes, offset, self.progress.segments()).unwrap().complete().unwrap().0
    }

    pub(crate) fn open(
        &mut self,
        sealed: &Sealed,
    ) -> Result<(AuthenticHeader, OpenedSegment, Vec<u8>), Error> {
        let header = self.header(sealed);
        let mut payload = vec![0; header.header().payload_len as usize];
        let opened = self.opener.open(&header, &sealed.1, &mut payload)?;
        Ok((header, opened, payload))
    }

    /// The verdict of a sequential reader.
    pub(crate) fn judged(&mut self, sealed: &Sealed) -> Result<(), Error> {
        let (header, opened, payload) = self.open(sealed)?;
        let mut after = self.read.clone();
        after.opened(&header, &opened, &payload)
    }

    /// Appends the segment and has it read.
    pub(crate) fn append(&mut self, sealed: &Sealed) {
        let (header, opened, payload) = self.open(sealed).unwrap();
        self.read.opened(&header, &opened, &payload).unwrap();
        self.progress.sealed(&sealed.0).unwrap();
        assert_eq!(self.read.link(), self.progress.link());
    }

    /// The link of the segment, from its terminator frame alone.
    pub(crate) fn link_of(&mut self, sealed: &Sealed) -> Result<RunLink, Error> {
        let header = self.header(sealed);
        let len = self.opener.terminator_len(&header);
        self.opener.open_link(&header, &sealed.1[sealed.1.len() - len..])
    }
}
