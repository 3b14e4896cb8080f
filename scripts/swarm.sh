#!/usr/bin/env bash
# Lives through random lives of simulated clusters, with fresh seeds, on all cores; prints what broke and how to replay it.
#   scripts/swarm.sh HOURS [FIRST_SEED [NODES]]     0.1 is six minutes; clusters of 3, 5 and 7 without NODES
# Exit status: 0 nothing broke, 1 something did.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  "" | -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit $([ $# -gt 0 ] && echo 0 || echo 2) ;;
esac
scripts/setup.sh
cmake --preset dev >/dev/null
cmake --build --preset dev --target sim_swarm -j"$(nproc)" >/dev/null
exec build/dev/tests/sim_swarm "$@"
