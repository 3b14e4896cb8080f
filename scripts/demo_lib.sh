# shellcheck shell=bash
# What demo.sh is made of. Variables: state (folder), programs (folder), mode, photographs (array), wanted_count, upload
# (process), sent (array).

unset CONFIG_FILE NODE_ID PEERS SHARED_DIR ENCRYPTION_KEY BIND
programs=
mode=run
finished=no
photographs=()
wanted_count=0
upload=
sent=()

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'demo: %s\n' "$*" >&2
  exit 1
}

# --- The folder -------------------------------------------------------------------------------------------------------

choose_state_folder() {
  if [ -n "${CLOUDP2P_DEMO_DIR:-}" ]; then
    state=$CLOUDP2P_DEMO_DIR
  elif [ "$1" = check ]; then
    state=$(mktemp -d -t cloudp2p-demo.XXXXXX)
    trap 'rm -rf -- "$state"' EXIT
    temporary=yes
  else
    state=${XDG_STATE_HOME:-$HOME/.local/state}/cloudp2p-demo
  fi
  case "$state" in /*) ;; *) state=$PWD/$state ;; esac
}

# A fresh start: an earlier demo is ended and its folder emptied. Nobody else's folder is touched.
prepare_state_folder() {
  mkdir -p -- "$state"
  if [ -e "$state/.cloudp2p-demo" ]; then
    stop_recorded_nodes
    rm -rf -- "$state"/node[123] "$state"/node[123].log \
      "$state"/{key,config.json,pids,wanted,upload.out,upload.err}
  elif [ -n "$(ls -A "$state")" ]; then
    fail "$state is not empty and not of an earlier demo: set CLOUDP2P_DEMO_DIR to another folder"
  fi
  chmod 700 "$state"
  : >"$state/.cloudp2p-demo"
  "$programs/client" -q keygen "$state/key" >/dev/null
  write_config
  digests_of "${photographs[@]}" >"$state/wanted"
}

# Below 32768, where no outgoing connection gets its own port.
free_port() {
  local port=$1
  while (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; do
    port=$((port + 1))
    [ "$port" -lt 32768 ] || fail "no free port from $1 on"
  done
  printf '%s\n' "$port"
}

write_config() {
  local id port=7000 peers=
  for id in 1 2 3; do
    port=$(free_port $((port + 1)))
    peers+="${peers:+, }{\"id\": $id, \"address\": \"127.0.0.1:$port\"}"
  done
  printf '{"peers": [%s],\n "encryption_key_file": "%s"}\n' "$peers" "$state/key" >"$state/config.json"
}

# --- Photographs ------------------------------------------------------------------------------------------------------

choose_photographs() {
  local images='.*\.\(jpe?g\|png\|gif\|webp\|avif\|heic\|tiff?\|bmp\)' from=$1
  if [ -n "$from" ]; then
    [ -d "$from" ] || fail "$from is not a folder"
    mapfile -d '' -t photographs < <(find "$from" -type f -size +0 -not -name '.*' -iregex "$images" -print0 | sort -z)
  else
    mapfile -t photographs < <(dpkg -L mate-backgrounds | grep -E '^/usr/share/backgrounds/mate/.*\.(jpg|png)$')
    from="the package mate-backgrounds"
  fi
  [ ${#photographs[@]} -gt 0 ] || fail "no images (jpg, png, gif, webp, avif, heic, tiff, bmp) in $from"
  if [ ${#photographs[@]} -gt 1000 ]; then
    say "Only the first 1000 of ${#photographs[@]} images are used"
    photographs=("${photographs[@]:0:1000}")
  fi
  wanted_count=$(digests_of "${photographs[@]}" | wc -l)
}

# Content, not names: sorted, each once.
digests_of() { b2sum -l 256 -- "$@" | sed 's/^\\//' | cut -c 1-64 | sort -u; }
megabytes() { stat -L -c %s -- "$@" | awk '{ sum += $1 } END { printf "%.1f", sum / 1e6 }'; }

# --- Nodes ------------------------------------------------------------------------------------------------------------

start_node() {
  local id=$1
  setsid "$programs/cloud-p2p" --config "$state/config.json" --node-id "$id" --shared-dir "$state/node$id" \
    </dev/null >>"$state/node$id.log" 2>&1 &
  printf '%s %s\n' "$id" $! >>"$state/pids"
  disown $!
}

pid_of() { awk -v id="$1" '$1 == id { pid = $2 } END { print pid }' "$state/pids"; }

# A number alone proves nothing: it may be somebody else's process by now.
is_ours() {
  local command
  command=$(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline") || return 1
  [[ $command == *cloud-p2p\ --config\ $state/config.json\ * ]]
}

stop_recorded_nodes() {
  local id pid stopped=0 pids=()
  if [ -f "$state/pids" ]; then
    while read -r id pid; do
      if [ -n "$id" ] && is_ours "$pid"; then pids+=("$pid"); fi
    done <"$state/pids"
  fi
  for pid in "${pids[@]}"; do
    kill -TERM "$pid" 2>/dev/null && stopped=$((stopped + 1))
  done
  for pid in "${pids[@]}"; do
    for ((i = 0; i < 150; i++)); do
      is_ours "$pid" || continue 2
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  done
  rm -f -- "$state/pids"
  if [ "$stopped" -gt 0 ]; then
    say "Stopped $stopped nodes of the demo in $state"
  elif [ "$mode" = stop ]; then
    say "No demo is running in $state"
  fi
}

# A demo that did not finish, or that was only a check, leaves nothing running.
end_demo() {
  trap - EXIT INT TERM
  if [ -n "$upload" ]; then kill "$upload" 2>/dev/null || true; fi
  if [ "$finished" = no ] || [ "$mode" = check ]; then
    if [ "$1" -ne 0 ]; then show_logs; fi
    stop_recorded_nodes
  fi
  if [ "${temporary:-no}" = yes ]; then rm -rf -- "$state"; fi
  exit "$1"
}

show_logs() {
  local id
  for id in 1 2 3; do
    [ -s "$state/node$id.log" ] || continue
    printf -- "-- the end of node %s's log\n" "$id"
    tail -n 12 "$state/node$id.log"
  done >&2
}

# --- The cluster, asked -----------------------------------------------------------------------------------------------

client() { "$programs/client" --config "$state/config.json" "$@"; }

json_number() { grep -o "\"$1\":[0-9]*" | cut -d : -f 2; }

# The id of the node that leads, which is not $1; waits for one.
leader_now() {
  local found deadline=$((SECONDS + 60))
  while [ "$SECONDS" -lt "$deadline" ]; do
    found=$(client -o json discover 2>/dev/null | json_number leader) || found=
    if [ -n "$found" ] && [ "$found" != "${1:-}" ]; then
      printf '%s\n' "$found"
      return
    fi
    sleep 0.01
  done
  return 1
}

# --- An upload in the background --------------------------------------------------------------------------------------

start_upload() {
  sent=("$@")
  : >"$state/upload.out"
  client -o json send-image -j 2 "$@" >"$state/upload.out" 2>"$state/upload.err" &
  upload=$!
}

acknowledged() { grep -c '"digest"' "$state/upload.out" || true; }

wait_for_acknowledged() {
  until [ "$(acknowledged)" -ge "$1" ]; do
    kill -0 "$upload" 2>/dev/null || [ "$(acknowledged)" -ge "$1" ] ||
      fail "the upload ended early: $(tail -n 3 "$state/upload.err")"
    sleep 0.01
  done
}

end_upload() {
  local status=0
  wait "$upload" || status=$?
  upload=
  [ "$status" -eq 0 ] || fail "the upload ended with exit status $status: $(tail -n 3 "$state/upload.err")"
  [ "$(acknowledged)" -eq "${#sent[@]}" ] || fail "only $(acknowledged) of ${#sent[@]} images were acknowledged"
}

# Nothing missing and equally many images, on all three.
wait_for_repair() {
  local deadline=$((SECONDS + 120)) view=
  while [ "$SECONDS" -lt "$deadline" ]; do
    view=$(client -o json members 2>&1) || true
    if [ "$(json_number missing <<<"$view" | tr '\n' ' ')" = "0 0 0 " ] &&
      [ "$(json_number images <<<"$view" | tr '\n' ' ')" = "$wanted_count $wanted_count $wanted_count " ] &&
      [ "$(json_number under_replicated <<<"$view")" = 0 ] &&
      [ "$(grep -o '"reachable":true' <<<"$view" | wc -l)" -eq 3 ]; then
      return
    fi
    sleep 0.1
  done
  client members >&2 || true
  fail "after 120 s the nodes do not hold $wanted_count images each with none missing; the last answer was: $view"
}

compare_node() {
  local held
  mapfile -d '' -t held < <(find "$state/node$1" -maxdepth 1 -type f -print0)
  [ ${#held[@]} -gt 0 ] || fail "node $1 holds no images"
  [ ${#held[@]} -eq "$wanted_count" ] || fail "node $1 holds ${#held[@]} files, wanted were $wanted_count"
  if ! digests_of "${held[@]}" | cmp -s - "$state/wanted"; then
    digests_of "${held[@]}" | diff - "$state/wanted" >&2 || true
    fail "node $1: the images differ from the originals"
  fi
  say "Node $1: ${#held[@]} images, each byte for byte the original"
}
