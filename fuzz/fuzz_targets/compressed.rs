#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stream_v2_properties::compressed(data));
