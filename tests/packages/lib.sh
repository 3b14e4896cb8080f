# What the steps are told in: checks with a name, waiting for a condition, a machine that boots.

say() { echo "packages: $*"; }

skip() {
  say "skipped: $*"
  exit 77
}

# check NAME COMMAND…: the first one that fails ends the test, with what the command said and the last of the journal.
check() {
  local name=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    say "ok   $name"
    return
  fi
  say "FAIL $name"
  { echo "\$ $*" && cat "$work/said"; } >&2
  if machine_runs; then
    echo "--- the machine's journal:" >&2
    inside journalctl -n 40 --no-pager -o short-monotonic >&2 || true
  fi
  exit 1
}

# eventually COMMAND…: as soon as it succeeds; a minute passes only when it never does.
eventually() {
  local end=$((SECONDS + 60))
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$end" ]; then
      echo "did not become true within a minute"
      "$@"
      return 1
    fi
    sleep 0.1
  done
}

not() { ! "$@"; }

# says TEXT COMMAND…: the command's output, whatever its exit status, has TEXT in it.
says() {
  local text=$1 output
  shift
  output=$("$@" 2>&1) || true
  case "$output" in
    *"$text"*) ;;
    *)
      printf 'expected "%s" in:\n%s\n' "$text" "$output"
      return 1
      ;;
  esac
}

# exits STATUS COMMAND…
exits() {
  local expected=$1 status=0
  shift
  "$@" || status=$?
  [ "$status" -eq "$expected" ] || { echo "ended with $status instead of $expected"; return 1; }
}

# The machine: a root of its own under a real systemd, with a network of its own that has loopback only.
nspawn=
leader=

# Without a log-in service systemctl first says that it misses one.
reboot_machine() {
  local status=0
  inside systemctl reboot || true
  wait "$nspawn" || status=$?
  [ "$status" -eq 133 ] || { echo "systemd-nspawn ended with $status, not asking for a reboot"; return 1; }
  boot
}

boot() {
  systemd-nspawn --quiet --directory="$root" --boot --private-network --register=no --keep-unit </dev/null >"$work/console" 2>&1 &
  nspawn=$!
  eventually machine_is_up
}

# `leader` is its first process.
machine_is_up() {
  leader=$(cat "/proc/$nspawn/task/$nspawn/children" 2>/dev/null | tr -d ' ')
  [ -n "$leader" ] || return 1
  local state
  state=$(inside systemctl is-system-running) || true
  [ "$state" = running ] || { echo "the machine is $state"; return 1; }
}

machine_runs() { [ -n "$nspawn" ] && kill -0 "$nspawn" 2>/dev/null; }

inside() {
  nsenter --target "$leader" --mount --uts --ipc --net --pid --root --wd \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"
}

power_off() {
  machine_runs || return 0
  inside systemctl poweroff --force >/dev/null 2>&1 || true
  for _ in $(seq 100); do
    machine_runs || return 0
    sleep 0.1
  done
  kill -KILL "$leader" "$nspawn" 2>/dev/null || true
}

# The packaged client, as the user who may read the key.
client() {
  inside setpriv --reuid cloud-p2p --regid cloud-p2p --init-groups \
    env CONFIG_FILE=/etc/cloud-p2p/config.json cloud-p2p-client --no-progress "$@"
}

unit() { echo "cloud-p2p@$1.service"; }
property() { inside systemctl show --value --property "$2" "$(unit "$1")"; }
pid_of() { property "$1" MainPID; }
is_active() { [ "$(property "$1" ActiveState)" = active ]; }
is_failed() { [ "$(property "$1" ActiveState)" = failed ]; }
# The bare lines of a unit, or those of at least a priority.
journal() { inside journalctl --no-pager -o cat -u "$(unit "$1")" "${@:2}"; }
has_line() { journal "$1" | grep --fixed-strings --line-regexp --quiet -- "$2"; }
another_pid() { is_active "$1" && [ "$(pid_of "$1")" != "$2" ] && [ "$(pid_of "$1")" != 0 ]; }

# image NAME BYTES: a file in the machine's /srv that a node takes for a picture.
image() {
  { printf '\x89PNG\r\n\x1a\n' && head -c "$2" /dev/urandom; } >"$root/srv/$1.png"
  chmod 644 "$root/srv/$1.png"
}
