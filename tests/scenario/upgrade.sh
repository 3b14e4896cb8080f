#!/usr/bin/env bash
# Builds the release before this one and upgrades a cluster from it: upgrade.sh SCENARIO_TESTS BUILD_FOLDER
# Exit status 77: this tree comes without the history that holds that release.
set -euo pipefail
tests=$1 build=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
commit=$(grep -v '^#' "$root/tests/scenario/previous_release")

if ! git -C "$root" cat-file -e "$commit^{commit}" 2>/dev/null; then
  echo "skipped: the commit $commit of the release before is not in this repository (a shallow clone?)"
  exit 77
fi
if [ "$(cat "$build/commit" 2>/dev/null)" != "$commit" ]; then
  rm -rf "$build"
  mkdir -p "$build/source"
  git -C "$root" archive "$commit" | tar -x -C "$build/source"
  # Not optimised: what is tested is what it says, not how fast.
  cmake -S "$build/source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 \
    -DCLOUDP2P_BUILD_TESTS=OFF -DCLOUDP2P_BUILD_BENCH=OFF -DCLOUDP2P_BUILD_EXAMPLES=OFF >"$build/log" || { cat "$build/log"; exit 1; }
  cmake --build "$build" --target cloud-p2p --parallel 2 >>"$build/log" || { cat "$build/log"; exit 1; }
  echo "$commit" >"$build/commit"
fi
CLOUDP2P_PREVIOUS=$build exec "$tests" --test-case="upgrade:*" --success=false
