#!/usr/bin/env bash
# Three nodes on this machine, real photographs, a leader killed in mid-upload, and every byte still there.
#   scripts/demo.sh [FOLDER]            builds, runs all of it, and leaves the cluster running for you
#   scripts/demo.sh --check [FOLDER]    the same unattended: stops everything, exit status 1 on any discrepancy
#   scripts/demo.sh --stop              ends the cluster that a demo left running
#
# FOLDER holds your own images; without it the photographs of the Debian package mate-backgrounds are used.
# CLOUDP2P_DEMO_DIR   where config, key, logs and images go (~/.local/state/cloudp2p-demo)
# CLOUDP2P_PROGRAMS   a folder with cloud-p2p and client: use these and build nothing
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/demo_lib.sh
source "$root/scripts/demo_lib.sh"

mode=run
folder=
while [ $# -gt 0 ]; do
  case "$1" in
    --check) mode=check ;;
    --stop) mode=stop ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "demo: unknown option '$1'; see $0 --help" >&2; exit 2 ;;
    *)
      [ -z "$folder" ] || { echo "demo: one folder at most; see $0 --help" >&2; exit 2; }
      folder=$1
      ;;
  esac
  shift
done

choose_state_folder "$mode"
if [ "$mode" = stop ]; then
  stop_recorded_nodes
  exit 0
fi

if [ -n "${CLOUDP2P_PROGRAMS:-}" ]; then
  programs=$(cd "$CLOUDP2P_PROGRAMS" && pwd)
else
  step "Setting up and building"
  "$root/scripts/setup.sh"
  (cd "$root" && cmake --preset release >/dev/null && cmake --build --preset release --target cloud-p2p client)
  programs=$root/build/release
fi
for program in cloud-p2p client; do
  [ -x "$programs/$program" ] || fail "there is no $program in $programs"
done

step "Choosing photographs"
choose_photographs "$folder"
say "${#photographs[@]} images, $(megabytes "${photographs[@]}") MB; $wanted_count different ones"

step "Starting three nodes"
prepare_state_folder
trap 'end_demo $?' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for id in 1 2 3; do start_node "$id"; done
leader=$(leader_now) || fail "no leader was elected; see $state/node*.log"
say "Node $leader leads. Everything between them is encrypted with the fresh key $state/key"
client members

step "Uploading; then kill -9 for the leader, in the middle of it"
start_upload "${photographs[@]}"
wait_for_acknowledged $((${#photographs[@]} / 3))
kill -9 "$(pid_of "$leader")"
killed_at=${EPOCHREALTIME/[.,]/}
before=$(acknowledged)
say "Node $leader is dead. $before of ${#photographs[@]} images were acknowledged by then"
if [ "$before" -ge "${#photographs[@]}" ]; then
  end_upload
  say "These were too few to be hit in the middle: one of them is sent again at once"
  start_upload "${photographs[0]}"
fi
dead=$leader
leader=$(leader_now "$dead") || fail "no new leader; see $state/node*.log"
found_at=${EPOCHREALTIME/[.,]/}
say "Node $leader leads now, found $(((found_at - killed_at) / 1000)) ms after the kill"
end_upload
say "The upload went on by itself: all ${#sent[@]} acknowledged, exit status 0"
client members

step "Restarting node $dead, and waiting until it has caught up"
start_node "$dead"
restarted_at=${EPOCHREALTIME/[.,]/}
wait_for_repair
say "Repaired $(((${EPOCHREALTIME/[.,]/} - restarted_at) / 1000)) ms after the restart"
client members

step "Comparing every image on every node with its original, by b2sum -l 256"
for id in 1 2 3; do compare_node "$id"; done
verified=$(client -o json verify --all | wc -l) || fail "verify found damage: run client verify --all"
say "The nodes agree: verify --all re-read $verified images"

finished=yes
if [ "$mode" = check ]; then
  say ""
  say "demo: all as it should be"
  exit 0
fi
cat <<TEXT

The cluster goes on running. What you may type next:

  export CONFIG_FILE=$state/config.json
  $programs/client status
  $programs/client send-image PHOTO.jpg

Its images are plain files: ls $state/node1
To end it: $root/scripts/demo.sh --stop
TEXT
