#!/usr/bin/env bash
# The bare Debian system on which packages and guide are tried; it is kept for the next time.
#   tests/packages/bare_system.sh FOLDER
# Needs root, debootstrap and the network; where one is missing it says so and exits 77.
set -Eeuo pipefail
. "$(dirname "$0")/lib.sh"
base=$(realpath -m "$1")
[ ! -e "$base.complete" ] || exit 0
[ "$(id -u)" -eq 0 ] || skip "only root may make a system"
command -v debootstrap >/dev/null || skip "debootstrap is not installed: scripts/setup.sh"

fetch() {
  # With the libraries that the packages want: nothing is fetched while they are tested.
  local libraries=libsodium23,libsqlite3-0,libsimdjson14,libfmt9,libspdlog1.10,libedit2,libbotan-2-19
  debootstrap --variant=minbase --include="systemd,systemd-sysv,$libraries" bookworm "$base" || return 1
  # What the deployment guide uses; nothing of it starts by itself.
  local guide="iproute2 nftables ufw firewalld haproxy rsync"
  chroot "$base" sh -c "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $guide" ||
    return 1
  rm -rf "$base"/var/cache/apt/archives/*.deb "$base"/var/lib/apt/lists/* "$base"/usr/share/doc/* "$base"/usr/share/locale/*
  systemctl --root="$base" --quiet disable nftables ufw firewalld haproxy rsync || return 1
}

rm -rf --one-file-system "$base"
mkdir -p "$base"
fetch >"$base.log" 2>&1 || skip "no bare system could be made: $(tail -n 1 "$base.log")"
touch "$base.complete"
