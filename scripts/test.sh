#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests.
#   scripts/test.sh                  everything, preset dev
#   scripts/test.sh --quick          seconds, not minutes
#   scripts/test.sh --preset NAME    dev, release, asan, tsan or clang
set -euo pipefail
cd "$(dirname "$0")/.."

preset=dev
filter=()
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) filter=(--label-regex '^quick$') ;;
    --preset)
      [ $# -ge 2 ] || { echo "test: --preset wants a name" >&2; exit 2; }
      preset=$2
      shift
      ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "test: unknown option '$1'; see $0 --help" >&2; exit 2 ;;
  esac
  shift
done

scripts/setup.sh
cmake --preset "$preset"
cmake --build --preset "$preset" -j"$(nproc)"
# Two at a time: most wait more than they compute. Those that do not, or that measure, run alone.
exec ctest --preset "$preset" --output-on-failure -j2 "${filter[@]}"
