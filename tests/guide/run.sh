#!/usr/bin/env bash
# Runs every command of docs/deployment.md on three machines with addresses of their own, and checks what it shows.
#   tests/guide/run.sh FOLDER BASE    where the machines go, and what tests/packages/bare_system.sh has made
# Each machine is booted by a real systemd; their network is in a namespace of this test. Where that may not be, or the
# bare system is missing, it says so and exits 77.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
guide=$source_dir/docs/deployment.md
folder=$(realpath -m "$1")
base=$(realpath -m "$2")
work=$folder/work
names=(one two three)
declare -A leader nspawn
# Where systemd keeps its groups, on kernels of either generation; none of them: they are shared.
hierarchies=()
for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  if [ -w "$hierarchy/cgroup.procs" ]; then hierarchies+=("$hierarchy"); fi
done

say() { echo "guide: $*"; }
skip() {
  say "skipped: $*"
  exit 77
}

[ "$(id -u)" -eq 0 ] || skip "only root may boot machines"
for program in systemd-nspawn nsenter ip unshare; do
  command -v "$program" >/dev/null || skip "$program is not installed: scripts/setup.sh"
done
[ -e "$base.complete" ] || skip "there is no bare system in $base: tests/packages/bare_system.sh $base"
if [ "${GUIDE_INSIDE:-}" != yes ]; then
  unshare --net --mount true 2>/dev/null || skip "no network namespace may be made here"
  GUIDE_INSIDE=yes exec unshare --net --mount "$0" "$@"
fi

# ---- machines

on() {  # MACHINE COMMAND…
  nsenter --target "${leader[$1]}" --mount --uts --ipc --net --pid --root --wd \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "${@:2}"
}

is_up() {
  leader[$1]=$(tr -d ' ' <"/proc/${nspawn[$1]}/task/${nspawn[$1]}/children" 2>/dev/null)
  [ -n "${leader[$1]}" ] || return 1
  case "$(on "$1" systemctl is-system-running 2>/dev/null)" in running | degraded) ;; *) return 1 ;; esac
}

# What the machine's systemd makes of the control groups is its own affair, and not that of the others.
own_groups() {  # MACHINE
  local hierarchy
  for hierarchy in "${hierarchies[@]}"; do
    mkdir -p "$hierarchy/cloudp2p-guide-$1" && echo "$BASHPID" >"$hierarchy/cloudp2p-guide-$1/cgroup.procs" || true
  done
}

boot() {  # MACHINE ADDRESS
  local root=$work/$1/root end=$((SECONDS + 60))
  mkdir -p "$work/$1/upper" "$work/$1/work" "$root"
  mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/$1/upper,workdir=$work/$1/work" "$root"
  cp "$work"/packages/*.deb "$work"/pictures/*.png "$root/srv/"
  echo "$1" >"$root/etc/hostname"
  (
    own_groups "$1"
    exec systemd-nspawn --quiet --directory="$root" --boot --machine="$1" --network-bridge=br0 --bind="$work/mnt:/mnt" \
      --register=no --keep-unit
  ) </dev/null >"$work/$1/console" 2>&1 &
  nspawn[$1]=$!
  until is_up "$1"; do
    [ "$SECONDS" -lt "$end" ] || { tail -n 30 "$work/$1/console" >&2; say "FAIL machine $1 does not boot"; exit 1; }
    sleep 0.1
  done
  nsenter --target "${leader[$1]}" --net ip address add "$2/24" dev host0
  nsenter --target "${leader[$1]}" --net ip link set host0 up
}

cleanup() {
  local name hierarchy
  # systemd-nspawn ends after the machine has, and with it all processes there.
  for name in "${!nspawn[@]}"; do kill -KILL "${leader[$name]:-${nspawn[$name]}}" 2>/dev/null || true; done
  wait 2>/dev/null || true
  for name in "${names[@]}"; do
    umount "$work/$name/root" 2>/dev/null || true
    for hierarchy in "${hierarchies[@]}"; do
      find "$hierarchy/cloudp2p-guide-$name" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
  done
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT

# ---- the guide

shows_all() {  # FILE_OF_OUTPUT LINES
  local line
  while IFS= read -r line; do
    grep --fixed-strings --quiet -- "$line" "$1" || { echo "\"$line\" is not shown" >>"$1"; return 1; }
  done <<<"$2"
}

attempt() {  # MACHINE COMMANDS EXPECTED
  on "$1" bash -euo pipefail -c "$2" >"$work/output" 2>&1 </dev/null && { [ -z "$3" ] || shows_all "$work/output" "$3"; }
}

step() {  # WHERE COMMANDS EXPECTED LINE_OF_GUIDE
  local machine end patient=
  [ "${1%, within a minute}" = "$1" ] || patient=yes
  for machine in ${1%, within a minute}; do
    end=$((SECONDS + 60))
    until attempt "$machine" "$2" "$3"; do
      if [ -z "$patient" ] || [ "$SECONDS" -ge "$end" ]; then
        say "FAIL docs/deployment.md:$4, on machine $machine:"
        printf '%s\n' "$2" "--- said:" >&2
        cat "$work/output" >&2
        echo "--- the machine's journal:" >&2
        on "$machine" journalctl -n 40 --no-pager -o short-monotonic >&2 || true
        exit 1
      fi
      sleep 0.2
    done
    say "ok   line $4 on $machine: $(head -n 1 <<<"$2")"
  done
}

run_guide() {
  local line number=0 in= where= commands= expected= at=0
  while IFS= read -r line; do
    number=$((number + 1))
    case "$in$line" in
      '<!-- on: '*)
        [ -z "$where" ] || step "$where" "$commands" "$expected" "$at"
        where=${line#<!-- on: } where=${where% -->} commands= expected= at=$((number + 1))
        ;;
      '```sh') in=sh ;;
      '```text') in=text ;;
      'sh```' | 'text```') in= ;;
      sh*)
        [ -n "$where" ] || { say "FAIL docs/deployment.md:$number: it is not said where this runs"; exit 1; }
        commands+=$line$'\n'
        ;;
      text*) expected+=${expected:+$'\n'}$line ;;
    esac
  done <"$guide"
  step "$where" "$commands" "$expected" "$at"
}

mkdir -p "$folder"
rm -rf --one-file-system "$work"
mkdir -p "$work/packages" "$work/pictures" "$work/mnt"
began=$SECONDS
"$source_dir/scripts/package.sh" --output "$work/packages" >/dev/null
for name in first second third; do
  { printf '\x89PNG\r\n\x1a\n' && head -c 300000 /dev/urandom; } >"$work/pictures/$name.png"
done
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
boot one 192.168.1.100
boot two 192.168.1.101
boot three 192.168.1.102
say "three machines run after $((SECONDS - began)) s"
run_guide
say "all passed in $((SECONDS - began)) s"
