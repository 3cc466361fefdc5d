//! Sequential readers, and readers that salvage or are resumed.

use arbitrary::Arbitrary;
use stream_v2_pipeline::{
    DecryptPipeline, Error, FileSink, InterruptedDecryption, Managers, Parallelism, PartialDecryption,
    WriterSink,
};
use stream_v2_testing::crash_sim::output;
use stream_v2_testing::crash_sim::sim::{Contents, Op, Sim};
use stream_v2_testing::crash_sim::states::killed;

use super::answers::{Answers, Mix, Shown};
use super::world::{Name, World};

fn pipeline(world: &World) -> DecryptPipeline<'_> {
    let mut pipeline = DecryptPipeline::new(&world.key);
    pipeline.parallelism = Parallelism::with_workers(1);
    pipeline.durability.segments = 1;
    pipeline
}

/// Reads from the beginning to the end.
pub(super) fn sequential(world: &World, last: Name, mix: &Mix, salvage: bool) {
    let shown = Shown::new(Answers::of(world, last, mix));
    let mut pipeline = pipeline(world);
    pipeline.salvage = salvage;
    let mut released = Vec::new();
    let result = pipeline.run(shown.clone(), &mut WriterSink::new(&mut released), Managers::none());
    match result {
        Ok(_) => assert_is_sealed(world, &shown, &released),
        Err(error) => assert!(!mix.is_none(), "the stream of an honest run is refused: {error}"),
    }
    assert!(world.is_beginning(&released), "no history begins with what is released");
}

/// Asserts that a plaintext is the whole sealed history of the final segment that was read.
fn assert_is_sealed(world: &World, shown: &Shown, plaintext: &[u8]) {
    let last = shown.with(|answers| answers.last()).unwrap();
    assert!(world.plaintext(&world.parts[last].history) == plaintext, "the plaintext of another history");
}

/// A decryption that is interrupted and resumed from another storage.
#[derive(Arbitrary, Debug)]
pub(super) struct Decrypting {
    /// The final segment that ended the stream that was read first.
    before: u8,
    /// The call at which it was stopped.
    call: u16,
    /// The journal at another moment of the same run.
    journal: Option<u16>,
    /// If present, all of the output is compared. The inner value flips a bit of one byte.
    compared: Option<Option<u16>>,
}

impl Decrypting {
    pub(super) fn read(&self, world: &World, last: Name, mix: &Mix) {
        let Some(before) = world.pick_final(self.before) else { return };
        let sim = Sim::default();
        let honest = Shown::new(Answers::of(world, before, &Mix::NONE));
        self.decrypt(world, &sim, honest).unwrap();
        let log = sim.log();
        let at = |call: u16| killed(&Contents::default(), &log, usize::from(call) % (log.len() + 1), 0);
        let disk = self.tamper(at(self.call), self.journal.map(at));
        let (sim, shown) = (Sim::new(disk.clone()), Shown::new(Answers::of(world, last, mix)));
        match self.decrypt(world, &sim, shown.clone()) {
            Ok(true) => assert_is_sealed(world, &shown, sim.contents().file("out").unwrap()),
            // Either nothing was done, or no output got its final name.
            Ok(false) => {}
            Err(_) => assert!(sim.contents().file("out") == disk.file("out")),
        }
    }

    /// Returns the disk as storage changes it.
    fn tamper(&self, mut disk: Contents, journal: Option<Contents>) -> Contents {
        if let Some(journal) = journal.as_ref().and_then(|disk| disk.file("out.journal"))
            && disk.file("out.journal").is_some()
        {
            disk.put("out.journal", journal.clone());
        }
        if let (Some(Some(at)), Some(partial)) = (self.compared, disk.file("out.partial").cloned())
            && let Some(place) = usize::from(at).checked_rem(partial.len())
        {
            let mut changed = partial;
            changed[place] ^= 1;
            disk.put("out.partial", changed);
        }
        disk
    }

    /// Runs the command. Returns whether it has written and published a whole plaintext.
    fn decrypt(&self, world: &World, sim: &Sim, mut shown: Shown) -> Result<bool, Error> {
        let (pipeline, output) = (pipeline(world), output(sim));
        let stream = pipeline.open_stream(&mut shown)?;
        let left = match self.compared {
            Some(_) => InterruptedDecryption::find_comparing(&pipeline, &output, &stream, &mut shown)?,
            None => InterruptedDecryption::find(&pipeline, &output, &stream, &mut shown)?,
        };
        match left {
            PartialDecryption::Torn(found) => found.resume(&pipeline, shown, None).map(|_| true),
            PartialDecryption::Complete => Ok(true),
            PartialDecryption::Nothing(_) if !output.is_taken() => {
                shown.position = stream.header().body_offset().0;
                output.discard().unwrap();
                let sink = FileSink::create(&output).unwrap();
                pipeline.run_to_file(&stream, shown, sink, None).map(|_| true)
            }
            PartialDecryption::Nothing(_) | PartialDecryption::Unknown(_) | PartialDecryption::Changed(_) => {
                assert!(sim.log().iter().all(|op| matches!(op, Op::Sync(_))), "nothing is changed");
                Ok(false)
            }
        }
    }
}
