//! Small streams of every form for a range reader, with fixed salts.

mod forged;
mod golden;
mod links;
mod walked;
mod written;

use std::io;
use std::ops::Range;
use std::sync::Mutex;

use stream_v2_format::crypto::{
    Progress, Run, RunSalt, SealedSegment, SegmentSealer, StreamSealer, Transcript,
};
use stream_v2_format::wire::{RunLink, SegmentKind, StreamFlags, StreamParams, Trailer};
use stream_v2_format::{Detail, SegmentIndex};
use stream_v2_pipeline::{DecryptPipeline, Error, RangeReader, ReadAt};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{key, small_params};

/// Most entries of an index segment if S is 4096: n of §11.
pub(crate) const N: usize = 169;

/// The way to find segments in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// With UNIFORM.
    Uniform,
    /// Without UNIFORM, with index segments.
    Indexed,
    /// With neither.
    Plain,
}

impl Form {
    pub(crate) const ALL: [Self; 3] = [Self::Uniform, Self::Indexed, Self::Plain];
}

/// A stream, its plaintext, and the places of its segments.
pub(crate) struct Sample {
    pub(crate) bytes: Vec<u8>,
    pub(crate) plaintext: Vec<u8>,
    /// Byte ranges of the segments, the final one last.
    pub(crate) segments: Vec<Range<usize>>,
    /// Plaintext bytes before each segment.
    begins: Vec<usize>,
    stream: StreamSealer,
    trailer: Trailer,
}

impl Sample {
    /// Returns a stream of one run, with segments of 4096 bytes except the last.
    pub(crate) fn of_len(form: Form, len: usize) -> Self {
        let lens: Vec<usize> = (0..len).step_by(4096).map(|begin| (len - begin).min(4096)).collect();
        Self::new(form, 4096, &[(0x40, &lens)], |_, _| {})
    }

    /// Returns a stream of runs with these salts, and segments of these lengths.
    ///
    /// With UNIFORM it has as many bytes in full segments. `bend` may change the payloads of index
    /// segments.
    pub(crate) fn new(
        form: Form,
        segment_size: u32,
        runs: &[(u8, &[usize])],
        bend: impl FnMut(usize, &mut Vec<u8>),
    ) -> Self {
        Self::declaring(None, form, segment_size, runs, bend)
    }

    /// Does the same, with a plaintext_len in the stream header, which may be wrong.
    pub(crate) fn declaring(
        plaintext_len: Option<u64>,
        form: Form,
        segment_size: u32,
        runs: &[(u8, &[usize])],
        bend: impl FnMut(usize, &mut Vec<u8>),
    ) -> Self {
        Self::of(
            &small_params().with_segment_size(segment_size).with_plaintext_len(plaintext_len),
            form,
            runs,
            bend,
        )
    }

    /// Does the same, with these parameters except for flags.
    pub(crate) fn of(
        params: &StreamParams,
        form: Form,
        runs: &[(u8, &[usize])],
        mut bend: impl FnMut(usize, &mut Vec<u8>),
    ) -> Self {
        let flags = StreamFlags::NONE.with(StreamFlags::UNIFORM, form == Form::Uniform);
        let segment_size = params.segment_size as usize;
        let stream = StreamSealer::new(params.with_flags(flags), &key(), b"").unwrap();
        let mut progress = Progress::of_writer(&stream);
        let (bytes, segments, begins) = (stream.header_bytes().to_vec(), Vec::new(), Vec::new());
        let total = runs.iter().flat_map(|(_, lens)| *lens).sum();
        let (plaintext, trailer) = (plaintext(total), progress.trailer());
        let mut sample = Self { bytes, plaintext, segments, begins, stream: stream.clone(), trailer };
        let mut chunks = sample.chunks(form, segment_size, runs).into_iter().peekable();
        let mut sealer: Option<(u8, SegmentSealer)> = None;
        loop {
            let index = SegmentIndex(u32::try_from(progress.segments()).unwrap());
            let salt = chunks.peek().map(|(salt, _)| *salt).or(sealer.as_ref().map(|(salt, _)| *salt));
            let salt = salt.unwrap_or(0x40);
            if sealer.as_ref().is_none_or(|(current, _)| *current != salt) {
                let run =
                    Run::resuming(RunSalt::new([salt; 16]), index, *progress.transcript(), *progress.link());
                sealer = Some((salt, SegmentSealer::new(&stream, run)));
            }
            let (_, sealer) = sealer.as_mut().unwrap();
            let payload = progress.index_payload(chunks.peek().is_none()).filter(|_| form == Form::Indexed);
            let (sealed, wire) = if let Some(mut payload) = payload {
                bend(sample.segments.len(), &mut payload);
                sealer.seal_index(index, &payload, progress.transcript(), progress.link()).unwrap()
            } else if let Some((_, chunk)) = chunks.next() {
                let mut wire = vec![0; sealer.wire_len(index, u32::try_from(chunk.len()).unwrap())];
                (sealer.seal_data(index, &sample.plaintext[chunk], &mut wire).unwrap(), wire)
            } else {
                let mut wire = vec![0; SegmentSealer::final_wire_len()];
                sample.trailer = progress.trailer();
                (sealer.seal_final(index, &progress.trailer(), &mut wire).unwrap(), wire)
            };
            sample.begins.push(usize::try_from(progress.plaintext_len()).unwrap());
            progress.sealed(&sealed).unwrap();
            sample.push(&sealed, &wire);
            if sealed.header.kind == SegmentKind::Final {
                return sample;
            }
        }
    }

    /// Returns the plaintext of each data segment, and the salt of its run.
    fn chunks(&self, form: Form, segment_size: usize, runs: &[(u8, &[usize])]) -> Vec<(u8, Range<usize>)> {
        let mut begin = 0;
        let segments = runs.iter().flat_map(|(salt, lens)| lens.iter().map(|len| (*salt, *len)));
        let chunks = segments.map(|(salt, len)| {
            begin += len;
            (salt, begin - len..begin)
        });
        let chunks: Vec<(u8, Range<usize>)> = chunks.collect();
        let len = self.plaintext.len();
        let salt_at =
            |begin| chunks.iter().find(|(_, chunk)| begin < chunk.end).map_or(0x40, |(salt, _)| *salt);
        match form {
            Form::Uniform => {
                let begins = (0..len).step_by(segment_size);
                begins.map(|begin| (salt_at(begin), begin..len.min(begin + segment_size))).collect()
            }
            _ => chunks,
        }
    }

    fn push(&mut self, sealed: &SealedSegment, wire: &[u8]) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(&sealed.header.to_bytes());
        self.bytes.extend_from_slice(wire);
        self.segments.push(begin..self.bytes.len());
    }

    /// Returns its bytes under a final segment that names another run as the last one.
    ///
    /// That final segment is sealed in a run of its own.
    pub(crate) fn with_link(&self, run_salt: u8, first: u32) -> Vec<u8> {
        let closing = self.segments.last().unwrap().start;
        let link = RunLink { run_salt: [run_salt; 16], first: SegmentIndex(first) };
        let index = SegmentIndex(u32::try_from(self.segments.len() - 1).unwrap());
        let (trailer, salt) = (Trailer { link, ..self.trailer }, RunSalt::new([0x7E; 16]));
        let run = Run::resuming(salt, index, Transcript::EMPTY, RunLink::NONE);
        let mut wire = vec![0; SegmentSealer::final_wire_len()];
        let sealed = SegmentSealer::new(&self.stream, run).seal_final(index, &trailer, &mut wire).unwrap();
        [&self.bytes[..closing], &sealed.header.to_bytes(), &wire].concat()
    }

    /// Returns how many segments are before the one that holds this byte of the plaintext.
    pub(crate) fn segments_before(&self, target: usize) -> usize {
        self.begins.partition_point(|&begin| begin <= target) - 1
    }

    /// Returns the plaintext bytes in the first `segments` segments.
    pub(crate) fn plaintext_of(&self, segments: usize) -> usize {
        self.begins.get(segments).copied().unwrap_or(self.plaintext.len())
    }
}

/// Bytes that record their reads.
pub(crate) struct Counting<'a> {
    bytes: &'a [u8],
    reads: Mutex<Vec<(u64, usize)>>,
}

impl<'a> Counting<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, reads: Mutex::default() }
    }

    /// Returns offset and length of each read since the last call.
    pub(crate) fn take(&self) -> Vec<(u64, usize)> {
        std::mem::take(&mut *self.reads.lock().unwrap())
    }
}

impl ReadAt for Counting<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads.lock().unwrap().push((offset, buffer.len()));
        self.bytes.read_at(offset, buffer)
    }

    fn stream_len(&self) -> io::Result<u64> {
        self.bytes.stream_len()
    }
}

/// Bytes that can be replaced.
pub(crate) struct Changing(Mutex<Vec<u8>>);

impl Changing {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Mutex::new(bytes.to_vec()))
    }

    pub(crate) fn now(&self, bytes: &[u8]) {
        *self.0.lock().unwrap() = bytes.to_vec();
    }
}

impl ReadAt for Changing {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap().read_at(offset, buffer)
    }

    fn stream_len(&self) -> io::Result<u64> {
        self.0.lock().unwrap().stream_len()
    }
}

pub(crate) fn open<S: ReadAt>(source: S) -> Result<RangeReader<S>, Error> {
    DecryptPipeline::new(&key()).open_ranges(source)
}

pub(crate) fn read<S: ReadAt>(ranges: &mut RangeReader<S>, range: Range<usize>) -> Result<Vec<u8>, Error> {
    let mut read = Vec::new();
    let range = range.start as u64..range.end as u64;
    let len = ranges.copy_range(range, &mut read)?;
    assert_eq!(len, read.len() as u64);
    Ok(read)
}

/// Returns detail, offset and number of segments before.
pub(crate) fn error_of(result: Result<(), Error>) -> (Detail, u64, Option<u64>) {
    let error = *result.unwrap_err().format_error().unwrap();
    (error.detail(), error.offset().0, error.segment())
}
