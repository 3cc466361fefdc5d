#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stream_v2_properties::schedule(data));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match seed % 4 {
        0 => stream_v2_properties::draw(seed, data),
        _ => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    }
});
