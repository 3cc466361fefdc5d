//! The property of mixed histories on random inputs. It is also a fuzz target.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

proptest! {
    // The inputs are the same each time. PROPTEST_RNG_SEED selects others, PROPTEST_CASES their
    // number.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..configured(96) })]

    #[test]
    fn mixed_histories(bytes in proptest::collection::vec(any::<u8>(), 200..300)) {
        stream_v2_properties::histories(&bytes);
    }
}

/// Returns the configuration. The environment takes precedence.
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
