#!/bin/bash -eu
# Runs in the image of OSS-Fuzz or ClusterFuzzLite. Builds every target into $OUT, with its seeds
# and the dictionary.
cargo run --locked -p stream-v2-properties --bin sv2-seeds -- vectors fuzz/corpus
cd fuzz
cargo fuzz build -O -a
for source in fuzz_targets/*.rs; do
  target=$(basename "$source" .rs)
  cp "target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
  cp stream-v2.dict "$OUT/$target.dict"
  printf '[libfuzzer]\nrss_limit_mb = 256\ntimeout = 10\n' > "$OUT/$target.options"
  mkdir -p "regressions/$target"
  zip -q -j -r "$OUT/${target}_seed_corpus.zip" "corpus/$target" "regressions/$target"
done
