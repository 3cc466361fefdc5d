//! The property of mixed histories, on inputs that are drawn; on others it is a fuzz target.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

proptest! {
    // The same ones each time. Others: PROPTEST_RNG_SEED, and more of them: PROPTEST_CASES.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..configured(96) })]

    #[test]
    fn mixed_histories(bytes in proptest::collection::vec(any::<u8>(), 200..300)) {
        stream_v2_properties::histories(&bytes);
    }
}

/// What the environment says wins.
fn configured(cases: u32) -> ProptestConfig {
    let given = |name| std::env::var_os(name).is_some();
    let mut config = ProptestConfig::default();
    if !given("PROPTEST_CASES") {
        config.cases = cases;
    }
    if !given("PROPTEST_RNG_SEED") {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config
}
