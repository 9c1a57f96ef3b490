#!/usr/bin/env bash
# Fuzzes each target for so many seconds, from the corpus that lies beside this and in what earlier runs found; fails when one crashes, hangs
# or takes too much memory, and says which input did.
#   run.sh SECONDS [TARGET…]
set -eu
cd "$(dirname "$0")"
seconds=${1:?usage: run.sh SECONDS [TARGET…]}
shift
targets=("$@")
((${#targets[@]})) || targets=(still video wire)
host=$(rustc -vV | sed -n 's/^host: //p')

# Counters of branches taken, on the stable compiler; naming the target keeps them out of build scripts.
counters="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
counters+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
export RUSTFLAGS="-Clink-arg=-fuse-ld=mold $counters"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-../../target/fuzz}
cargo build --release --quiet --target "$host"

found=$CARGO_TARGET_DIR/found
for target in "${targets[@]}"; do
  mkdir -p "$found/$target" "$found/crashes"
  echo "fuzzing $target for $seconds s"
  # Input that is read within seconds on its own may be slow beside other work: a hang is half a minute.
  corpora=("$found/$target")
  # Not every target has inputs to begin with.
  [[ ! -d corpus/$target ]] || corpora+=("corpus/$target")
  "$CARGO_TARGET_DIR/$host/release/$target" "${corpora[@]}" -max_total_time="$seconds" -max_len=65536 -timeout=30 -rss_limit_mb=2048 \
    -artifact_prefix="$found/crashes/$target-" -print_final_stats=1 -verbosity=0 -close_fd_mask=3
done
