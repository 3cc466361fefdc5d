//! Every thread ends before its upload returns, in success and in failure.
//!
//! This is a binary of its own, because it looks at all threads of the process.
#![cfg(target_os = "linux")]

use std::time::Duration;

use stream_v2_fake_s3::{Fault, Front, KEY_ID, Operation, REGION, SECRET};
use stream_v2_pipeline::{Error, FileSink, Shutdown, SourceStamp};
use stream_v2_s3::{Bucket, Config, Retry, Upload};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{encrypting, key};
use stream_v2_testing::threads::{assert_none_left, pipeline_threads};

/// An upload has threads of its own, which send its parts.
#[test]
fn none_is_left_after_any_ending_of_an_upload() {
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
