#!/usr/bin/env bash
# Installs the Debian 12 packages that cloudp2p is built and tested with. Does nothing when all of them are here.
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache pkg-config git
  libasio-dev libsimdjson-dev libsodium-dev libbotan-2-dev libfmt-dev libsqlite3-dev
  libcli11-dev libedit-dev libspdlog-dev
  doctest-dev sqlite3 openssl coreutils procps rsync mount e2fsprogs mate-backgrounds iproute2 nftables spin doxygen
  man-db zsh fish tmux debhelper lintian debootstrap systemd systemd-container util-linux
  clang-14 libclang-rt-14-dev
)

fail() {
  echo "setup: $*" >&2
  exit 1
}

case "${1:-}" in
  "") ;;
  -h | --help) sed -n '2s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) fail "unknown option '$1'; see $0 --help" ;;
esac

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
  fail "this is not a Debian system. Install the equivalents of: ${packages[*]}"

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=absent
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "not root and no sudo. As root, run: apt-get install ${missing[*]}"
  as_root=(sudo)
fi

# Quiet while all goes well; apt's own words when it does not.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    fail "apt-get $* failed. Missing packages: ${missing[*]}"
  }
}

echo "setup: installing ${missing[*]}" >&2
apt update
apt install --yes --no-install-recommends "${missing[@]}"
