#!/usr/bin/env bash
# Checks the models: no violation in the true ones, each searched exhaustively within its bounds; a violation for every
# rule that is dropped. What was covered: docs/model.md.
#   check.sh [FOLDER]    the verifiers are built in FOLDER, default a temporary one
set -euo pipefail

models=$(cd "$(dirname "$0")" && pwd)
for tool in spin gcc; do
  command -v "$tool" >/dev/null || { echo "model: no $tool; scripts/setup.sh installs it" >&2; exit 1; }
done
work=${1:-}
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
failures=0

# search NAME MODEL DEFINITION...: prints what the verifier found; NAME is its folder too.
search() {
  local folder=$work/$1 model=$2
  shift 2
  rm -rf "$folder"
  mkdir -p "$folder"
  (
    cd "$folder"
    spin "$@" -a "$models/$model.pml" >spin.log
    gcc -O2 -w -DSAFETY -DNOREDUCE -DMEMLIM=5500 -o pan pan.c
    # -E: to run out of terms and stamps is no deadlock. Paths are far shorter than -m; a longer one is an error below.
    ./pan -E -n -m100000
  )
}

# A search that was cut off by depth or memory proves nothing.
holds() {
  local name=$1 found states depth
  found=$(search "$@" 2>&1) || true
  states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' <<<"$found")
  depth=$(sed -n 's/.*depth reached \([0-9]*\),.*/\1/p' <<<"$found")
  if grep -q 'errors: 0$' <<<"$found" && ! grep -qE 'MEMLIM|max search depth too small|out of memory' <<<"$found"; then
    echo "model: $name: holds in all $states states, depth $depth ($(sed -n 's/.*elapsed time //p' <<<"$found"))"
  else
    echo "model: $name: VIOLATED OR NOT FINISHED"
    tail -n 30 <<<"$found"
    failures=$((failures + 1))
  fi
  rm -f "$work/$name/pan"
}

violated() {
  local name=$1 found
  found=$(search "$@" 2>&1) || true
  if grep -q 'assertion violated' <<<"$found" && ! grep -q 'errors: 0$' <<<"$found"; then
    echo "model: $name: found, at depth $(sed -n 's/.*assertion violated.*(at depth \([0-9]*\))$/\1/p' <<<"$found" | head -n 1)"
  else
    echo "model: $name: NOT FOUND"
    tail -n 30 <<<"$found"
    failures=$((failures + 1))
  fi
  rm -f "$work/$name/pan"
}

# Stamps that the leaders of terms 1, 2 and 3 may give.
register() {
  local verdict=$1 name=$2 stamps=($3)
  shift 3
  "$verdict" "$name" register "-DGIVES_1=${stamps[0]}" "-DGIVES_2=${stamps[1]}" "-DGIVES_3=${stamps[2]}" "$@"
}

for rule in MAJORITY_ONE_SHORT SENT_BEFORE_SAVE VOTE_NOT_DURABLE TWO_VOTES; do
  violated "election_$rule" election -DTERMS=2 "-DBUG_$rule"
done
for rule in ONE_CHANGE LEADER_OF_TERM_IGNORED; do
  violated "admission_$rule" admission "-DBUG_$rule"
done
violated admission_reaches_the_goal admission -DGOAL
for rule in MAJORITY_ONE_SHORT PROMISE_NOT_DURABLE NO_TERM_CHECK_AFTER_SYNC READ_BEFORE_PROMISE TAKEOVER_READS_ITSELF \
  NO_WRITE_BACK NO_BARRIER DELETE_ACKED_EARLY READ_WITHOUT_ROUND SHOWS_UNSTABLE; do
  register violated "register_$rule" "1 1 1" "-DBUG_$rule"
done
for rule in LANDS_HERE_FIRST DELETE_ANY_STAMP; do
  register violated "register_$rule" "2 2 0" "-DBUG_$rule"
done
register violated register_reaches_the_goal "2 1 1" -DGOAL=3

holds election election -DTERMS=3
holds admission admission -DTERMS=4
register holds register_two_terms "2 2 0" -DAHEAD=1
register holds register_three_terms "1 1 1" -DAHEAD=1
register holds register_three_terms_more_stamps "2 1 1"

if [ "$failures" -gt 0 ]; then
  echo "model: $failures checks failed"
  exit 1
fi
