#!/usr/bin/env bash
# Builds the programs of the release before this one, from this repository's history: previous_release.sh BUILD_FOLDER
# Exit status 77: this tree comes without that history.
set -euo pipefail
build=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
commit=$(grep -v '^#' "$here/previous_release")

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
    -DCMAKE_UNITY_BUILD=ON -DCMAKE_PROJECT_cloudp2p_INCLUDE="$here/previous_release.cmake" \
    -DCLOUDP2P_BUILD_TESTS=OFF -DCLOUDP2P_BUILD_BENCH=OFF -DCLOUDP2P_BUILD_EXAMPLES=OFF >"$build/log" || { cat "$build/log"; exit 1; }
  # Other tests run beside.
  cmake --build "$build" --target cloud-p2p client --parallel 1 >>"$build/log" || { cat "$build/log"; exit 1; }
  echo "$commit" >"$build/commit"
fi
