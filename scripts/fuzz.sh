#!/usr/bin/env bash
# Builds the fuzz targets (clang 14, address and undefined-behaviour sanitizers) and runs them, two at a time.
#   scripts/fuzz.sh SECONDS [TARGET…]   each of the targets, or these: tests/fuzz/*.cpp
# Each starts from tests/fuzz/corpus/TARGET and from what earlier runs found, which is kept in build/fuzz/found/TARGET.
# An input that fails is left in build/fuzz/failures: add it to tests/fuzz/corpus once the bug is mended.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "fuzz: $*" >&2
  exit 2
}

[[ "${1:-}" =~ ^[1-9][0-9]*$ ]] || fail "usage: scripts/fuzz.sh SECONDS [TARGET…]"
seconds=$1
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/*.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi
for target in "${targets[@]}"; do
  [ -f "tests/fuzz/$target.cpp" ] || fail "no target '$target'; there are: $(basename -s .cpp tests/fuzz/*.cpp | xargs)"
done

scripts/setup.sh
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -j"$(nproc)"

run_one() {
  local target=$1 log=build/fuzz/$1.log
  mkdir -p "build/fuzz/found/$target" build/fuzz/failures
  if build/fuzz/tests/fuzz/"fuzz_$target" -max_total_time="$seconds" -print_final_stats=1 -max_len=4096 -timeout=20 \
    -rss_limit_mb=2048 -artifact_prefix="build/fuzz/failures/$target-" \
    "build/fuzz/found/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
    local last
    last=$(grep -aE '^#[0-9]+\s+DONE ' "$log")
    echo "fuzz: $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs," \
      "$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log") a second," \
      "$(sed 's/.* cov: \([0-9]*\) ft: \([0-9]*\) .*/\1 edges, \2 features/' <<<"$last")"
    return 0
  fi
  tail -n 60 "$log"
  echo "fuzz: $target FAILED: $(grep -ao 'Test unit written to .*' "$log" || echo "see $log")"
  return 1
}

failed=0
running=()
wait_for_first() {
  wait "${running[0]}" || failed=1
  running=("${running[@]:1}")
}
for target in "${targets[@]}"; do
  [ ${#running[@]} -lt 2 ] || wait_for_first
  run_one "$target" &
  running+=($!)
done
while [ ${#running[@]} -gt 0 ]; do wait_for_first; done
exit "$failed"
