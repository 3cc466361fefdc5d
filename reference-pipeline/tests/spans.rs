//! The spans of a run, on threads and on tasks.
//!
//! This is a binary of its own, because its subscriber is that of the process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::mem::take;
use std::sync::Mutex;

use stream_v2_pipeline::tokio::{AsyncManagers, AsyncWriterSink};
use stream_v2_pipeline::{Managers, WriterSink};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{encrypting, key};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Names and segments of the spans that were entered.
static ENTERED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// The spans that were opened.
static SPANS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Noting;

struct Segment(String);

impl Visit for Segment {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "segment" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Noting {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "stream_v2" && *metadata.level() == Level::DEBUG
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut segment = Segment("none".into());
        span.record(&mut segment);
        let mut spans = SPANS.lock().unwrap();
        spans.push(format!("{} {}", span.metadata().name(), segment.0));
        Id::from_u64(spans.len() as u64)
    }

    fn enter(&self, span: &Id) {
        let at = usize::try_from(span.into_u64() - 1).unwrap();
        let span = SPANS.lock().unwrap().get(at).unwrap().clone();
        ENTERED.lock().unwrap().insert(span);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn each_step_is_a_span_on_both_engines() {
    tracing::subscriber::set_global_default(Noting).unwrap();
    let (key, plaintext) = (key(), plaintext(2 * 8192 + 5));
    let pipeline = encrypting(&key, 2);

    pipeline.run(&plaintext[..], &mut WriterSink::new(std::io::sink()), Managers::none()).unwrap();
    let threads = take(&mut *ENTERED.lock().unwrap());
    let expected = [
        "make_durable 3",
        "read 0",
        "read 1",
        "read 2",
        "work 0",
        "work 1",
        "work 2",
        "write 0",
        "write 1",
        "write 2",
        "write 3",
        "write none",
    ];
    assert_eq!(threads, expected.map(String::from).into());

    let mut sink = AsyncWriterSink::new(Vec::new());
    let run = pipeline.run_async(&plaintext[..], &mut sink, AsyncManagers::none());
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run).unwrap();
    let tasks = take(&mut *ENTERED.lock().unwrap());
    assert_eq!(tasks, threads);
}
