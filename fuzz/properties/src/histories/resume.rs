//! Resumed encryptions.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use arbitrary::Arbitrary;
use stream_v2_format::wire::{
    JOURNAL_HEADER_LEN, JOURNAL_RECORD_LEN, JournalRecord, JournalRecordType, JournalRecordView,
};
use stream_v2_pipeline::{InterruptedEncryption, OutputFile, SourceStamp, Storage, StoredFile};
use stream_v2_testing::crash_sim::sim::{Contents, Sim};
use stream_v2_testing::forward;

use super::Length;
use super::answers::{Answers, Branch, Mix, Shown};
use super::world::{Kind, Name, World, pick, plaintext_of_run};

/// A run that resumes from the answers of storage.
#[derive(Arbitrary, Debug)]
pub(super) struct Going {
    /// The segment after which it resumes.
    after: u8,
    /// The segments on the disk before it.
    branch: Option<Branch>,
    /// The answers of storage before the first change of the file.
    mix: Option<Mix>,
    journal: Journal,
    /// Whether everything committed is compared.
    compares: bool,
    adds: Length,
}

#[derive(Arbitrary, Debug)]
enum Journal {
    None,
    /// The journal at the time when the last segment was committed.
    OfLast,
    Any(Records),
}

/// Consecutive records of a journal.
#[derive(Arbitrary, Debug)]
struct Records {
    journal: u8,
    from: u8,
    len: u8,
}

impl Journal {
    fn of(&self, world: &World, segments: &[Name]) -> Option<Vec<u8>> {
        match self {
            Self::None => None,
            Self::OfLast => {
                let last = &world.parts[*segments.last()?];
                let (header, records) = split(&world.journals[last.journal?]);
                let up_to = records.into_iter().take_while(|record| {
                    JournalRecordView::parse(record).is_some_and(|view| {
                        let JournalRecord { record_type, index, .. } = view.record;
                        record_type == JournalRecordType::Commit && index.0 as usize <= last.index
                    })
                });
                Some([header, &up_to.collect::<Vec<_>>().concat()].concat())
            }
            Self::Any(records) => {
                let (header, all) = split(pick(&world.journals, records.journal)?);
                let from = usize::from(records.from) % (all.len() + 1);
                let len = usize::from(records.len) % (all.len() - from + 1);
                Some([header, &all[from..from + len].concat()].concat())
            }
        }
    }
}

/// Returns the header of a journal and its records.
fn split(journal: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let (header, records) = journal.split_at(JOURNAL_HEADER_LEN);
    (header, records.chunks(JOURNAL_RECORD_LEN).collect())
}

impl Going {
    /// Returns the segments on the disk.
    fn segments(&self, world: &World) -> Vec<Name> {
        let data = |name: &Name| world.parts[*name].kind == Kind::Data;
        let names = 0..world.parts.len();
        // After a final segment or an index segment there is little to resume.
        let after = match self.after % 8 {
            0 | 1 => None,
            2..7 => pick(&names.filter(data).collect::<Vec<_>>(), self.after / 8).copied(),
            _ => pick(&names.collect::<Vec<_>>(), self.after / 8).copied(),
        };
        let history = after.map_or(&[][..], |last| &world.parts[last].history);
        self.branch.map_or_else(|| history.to_vec(), |branch| branch.of(world, history))
    }

    fn mix(&self) -> Mix {
        self.mix.unwrap_or(Mix::NONE)
    }

    /// Runs the command. Sealed segments are added to the world, and a refused run publishes
    /// nothing.
    pub(super) fn go_on(&self, world: &mut World, run: u8) {
        let segments = self.segments(world);
        let bytes = segments.iter().flat_map(|name| &world.parts[*name].bytes);
        let mut disk = Contents::default();
        disk.put("out.partial", world.header.iter().chain(bytes).copied().collect());
        if let Some(journal) = self.journal.of(world, &segments) {
            disk.put("out.journal", journal);
        }
        let sim = Sim::new(disk.clone());
        let answers = Answers::new(Arc::new(world.clone()), segments, &self.mix());
        let storage = Showing { sim: sim.clone(), shown: Shown::new(answers) };
        let output = OutputFile::stored(Arc::new(storage), "out");
        let sealed = self.seal(world, run, &output);
        match sealed {
            Some((begin, after, added)) => world.remember(&disk, &sim, begin, &after, &added),
            None => assert!(sim.contents().file("out").is_none()),
        }
    }

    /// Returns where the run began in its output, the history before it, and the plaintext that it
    /// added. Returns `None` if the run was refused.
    fn seal(&self, world: &World, run: u8, output: &OutputFile) -> Option<(usize, Vec<Name>, Vec<u8>)> {
        let pipeline = world.pipeline(run);
        let mut found = InterruptedEncryption::find(&pipeline, output).ok().flatten()?;
        if found.is_complete() {
            return None;
        }
        let recovered = found.recovered();
        let begin = usize::try_from(recovered.stream_len).unwrap();
        let data = recovered.last_segment.as_ref().map(|segment| segment.header);
        let last = data.into_iter().chain(recovered.last_index).max_by_key(|header| header.index);
        // The run resumes the history of the last segment that it has found.
        let after = last.map_or_else(Vec::new, |header| {
            let part = world.parts.iter().find(|part| part.tag() == header.segment_tag).unwrap();
            part.history.clone()
        });
        let committed = recovered.committed.clone();
        let mut source = world.plaintext(&after);
        assert_eq!((committed.segments, committed.plaintext_len), (after.len() as u64, source.len() as u64));
        let added = plaintext_of_run(run, self.adds.bytes());
        source.extend_from_slice(&added);
        let (mut source, stamp) = (Cursor::new(source), SourceStamp::default());
        match self.compares {
            true => found.compare_source(&pipeline, &mut source, stamp, None).ok()?,
            false => found.check_source(&mut source, stamp).ok()?,
        }
        match found.resume(&pipeline, source, None) {
            Ok(_) => Some((begin, after, added)),
            Err(error) => {
                assert!(!self.mix().is_none(), "what was found is refused later: {error}");
                None
            }
        }
    }
}

/// A file system that shows other bytes under the partial name until that file is changed.
struct Showing {
    sim: Sim,
    shown: Shown,
}

impl Storage for Showing {
    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let file = self.sim.open(path)?;
        let shown = (path == Path::new("out.partial")).then(|| self.shown.clone());
        Ok(Box::new(ShowingFile { file, shown }))
    }

    forward!(self => self.sim; create exists rename link remove sync_folder);
}

struct ShowingFile {
    file: Box<dyn StoredFile>,
    shown: Option<Shown>,
}

impl ShowingFile {
    /// Shows the real file from now on.
    fn change(&mut self) -> &mut dyn StoredFile {
        self.shown = None;
        &mut *self.file
    }
}

impl Read for ShowingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(shown) = &mut self.shown else { return self.file.read(buffer) };
        let read = shown.read(buffer)?;
        self.file.seek(SeekFrom::Current(read as i64)).map(|_| read)
    }
}

impl Write for ShowingFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.change().write(buffer)
    }

    forward!(self => self.file; flush);
}

impl Seek for ShowingFile {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        let position = self.file.seek(place)?;
        if let Some(shown) = &mut self.shown {
            shown.position = position;
        }
        Ok(position)
    }
}

impl StoredFile for ShowingFile {
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.change().set_len(len)
    }

    forward!(self => self.file; size sync lock is_named);
}
