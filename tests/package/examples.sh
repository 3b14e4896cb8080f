#!/usr/bin/env bash
# Runs each example and checks what it says: examples.sh FOLDER_OF_PROGRAMS
set -euo pipefail
programs=$1
work=$(mktemp -d)
node=
trap 'if [ -n "$node" ]; then kill -9 "$node" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
cd "$work"

expect() {  # PATTERN COMMAND…
  local pattern=$1 output
  shift
  output=$("$@") || { echo "$1 ended with $?: $output" >&2; exit 1; }
  [[ "$output" =~ ^$pattern$ ]] || { echo "$1 printed:"$'\n'"$output"$'\n'"instead of: $pattern" >&2; exit 1; }
}
n=$'\n'

expect "20 lives, [0-9]+ frames acknowledged: every one of them is on every disk" "$programs/simulate_your_program"

PEERS=$("$programs/free_ports" 3) expect \
  "before.jpg: stored by node [123]${n}meanwhile.jpg: stored by node [123]${n}every node holds both" "$programs/three_nodes" three

NODE_ID=1 SHARED_DIR=kiosk PEERS=$("$programs/free_ports" 1) expect \
  "stored in memory and read back: [0-9a-f]{16}${n}two megabytes: .*(full|room).*" "$programs/custom_image_store"

# A member on its own event loop and a client, as two processes.
PEERS=$("$programs/free_ports" 1)
export PEERS
NODE_ID=1 SHARED_DIR=images "$programs/embed_node" >node.out 2>node.err &
node=$!
printf '\xff\xd8\xff\xe0 a frame' >picture.jpg
expect "[0-9a-f]{16} has 1 of 1 copies${n}12 bytes read back and verified${n}the same bytes again: already stored" \
  "$programs/embed_client" picture.jpg
cmp picture.jpg frame-0001.copy.jpg
kill -TERM "$node"
wait "$node"
node=
expect "listening on port [0-9]+${n}1 images, 0 with too few copies" cat node.out
