//! No thread outlives a run, in success and in failure. A binary of its own: it looks at all threads of the process.

use std::io::ErrorKind;
use std::task::Poll;
use std::time::Duration;

use stream_v2_fake_s3::{Fault, Front, KEY_ID, Operation, REGION, SECRET};
use stream_v2_pipeline::s3::{Bucket, Config, Retry, Upload};
use stream_v2_pipeline::tokio::{AsyncManagers, Offloaded};
use stream_v2_pipeline::{DecryptPipeline, Error, FileSink, Managers, Shutdown, SourceStamp, WriterSink};
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

/// A run on tasks takes the blocking threads of the caller's runtime; where it has ended nothing of it is on them, and they end with the runtime.
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
            // Nobody calls the sink any more.
            assert!(sink.into_inner().is_some());
        }
        drop(runtime);
        assert_none_left();
    }
}

/// An upload has threads of its own, which send its parts.
#[test]
fn none_is_left_after_any_ending_of_an_upload() {
    let _alone = alone();
    let (key, front, folder) = (key(), Front::start(), tempfile::tempdir().unwrap());
    front.allow_small_parts();
    let config = Config::new(REGION, KEY_ID, SECRET).unwrap().with_endpoint(&front.endpoint()).unwrap();
    let config = config.with_retry(Retry { attempts: 3, first_pause: Duration::ZERO, ..Retry::default() });
    let bucket = Bucket::new("bucket", &config).unwrap();
    let run = |name: &str, shutdown: &Shutdown| -> Result<(), Error> {
        let upload =
            Upload::new(bucket.clone(), name, &folder.path().join("state")).unwrap().with_part_len(20_000);
        let (asked, is_interrupted) = (shutdown.clone(), name == "interrupted");
        let told = move |_: u64| {
            assert!(pipeline_threads().iter().any(|name| name.trim_end() == "sv2-upload"));
            if is_interrupted {
                asked.request();
            }
        };
        let output = upload.with_shutdown(shutdown).telling(told).output();
        let mut pipeline = encrypting(&key, 2);
        pipeline.shutdown = shutdown.clone();
        pipeline.durability.segments = 4;
        let sink = FileSink::create(&output).unwrap();
        pipeline.run_to_file(&plaintext(60 * 8192)[..], SourceStamp::default(), sink, None).map(drop)
    };
    run("complete", &Shutdown::new()).unwrap();
    assert_none_left();
    for nth in 0..4 {
        (0..100)
            .for_each(|_| front.fail_at(Operation::UploadPart, nth, Fault::Refuse(500, "InternalError", "")));
        run(&format!("failed {nth}"), &Shutdown::new()).unwrap_err();
        assert_none_left();
        front.heal();
    }
    // Perhaps everything was there by then.
    let _ = run("interrupted", &Shutdown::new());
    assert_none_left();
}
