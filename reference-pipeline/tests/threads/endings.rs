//! Every thread ends before its run returns, in success and in failure.
//!
//! This is a binary of its own, because it looks at all threads of the process.

use std::io::ErrorKind;
use std::task::Poll;

use stream_v2_pipeline::tokio::{AsyncManagers, Offloaded};
use stream_v2_pipeline::{DecryptPipeline, Managers, WriterSink};
use stream_v2_testing::plaintext;
use stream_v2_testing::sinks::Recording;
use stream_v2_testing::sources::{Failing, Panicking};
use stream_v2_testing::streams::{decrypt, encrypt, encrypting, key};
use stream_v2_testing::threads::{alone, assert_none_left, pipeline_threads};

#[test]
fn none_is_left_after_any_ending() {
    struct Count(usize);
    impl stream_v2_pipeline::LogManager for Count {
        fn log(&mut self, _: stream_v2_pipeline::LogEvent<'_>) {
            self.0 = self.0.max(pipeline_threads().len());
        }
    }
    let _alone = alone();
    let key = key();
    let input = plaintext(60 * 8192);
    let pipeline = encrypting(&key, 4);

    let mut seen = Count(0);
    let managers = Managers { log: Some(&mut seen), crash: None };
    pipeline.run(&input[..], &mut WriterSink::new(Vec::new()), managers).unwrap();
    assert!((1..=4).contains(&seen.0), "at most four workers: {}", seen.0);
    assert_none_left();

    let stream = encrypt(&pipeline, &input);
    for fail_at in 0..20 {
        let mut sink = Recording::failing_at(fail_at);
        pipeline.run(&input[..], &mut sink, Managers::none()).unwrap_err();
        assert_none_left();
        let source = Failing::new(&stream[..], fail_at, ErrorKind::Other);
        DecryptPipeline::new(&key).run(source, &mut Recording::default(), Managers::none()).unwrap_err();
        assert_none_left();
    }
    pipeline.run(Panicking, &mut Recording::default(), Managers::none()).unwrap_err();
    decrypt(&DecryptPipeline::new(&key), &stream[..stream.len() - 1]).1.unwrap_err();
    assert_none_left();
}

/// A run on tasks takes the blocking threads of the caller's runtime.
///
/// When it has ended, none of its work is on them, and they end with the runtime.
#[test]
fn none_is_left_after_any_ending_on_a_runtime() {
    let _alone = alone();
    let key = key();
    let input = plaintext(60 * 8192);
    let pipeline = encrypting(&key, 4);
    for polls in 0..60 {
        let runtime =
            tokio::runtime::Builder::new_current_thread().thread_name("sv2-blocking").build().unwrap();
        let mut sink = Offloaded::new(Recording::failing_at(polls));
        let ended = runtime.block_on(async {
            let mut run = Box::pin(pipeline.run_async(&input[..], &mut sink, AsyncManagers::none()));
            let mut polled = 0;
            std::future::poll_fn(|context| {
                polled += 1;
                match run.as_mut().poll(context) {
                    Poll::Ready(result) => Poll::Ready(Some(result)),
                    // Dropped while it waits.
                    Poll::Pending if polled == polls => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await
        });
        if let Some(result) = ended {
            result.unwrap_err();
            // No call to the sink is running any more.
            assert!(sink.into_inner().is_some());
        }
        drop(runtime);
        assert_none_left();
    }
}
