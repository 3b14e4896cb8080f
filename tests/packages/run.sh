#!/usr/bin/env bash
# The Debian packages, from building to purging, on a machine of their own that a real systemd boots.
#   tests/packages/run.sh FOLDER    where packages, the bare system (kept for the next time) and the machine go
# Needs root, debootstrap, systemd-nspawn, and the network for the first run; where one is missing it says so and exits 77.
set -Eeuo pipefail
trap 'say "FAIL: $BASH_COMMAND"' ERR
here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
folder=$(realpath -m "${1:-$source_dir/build/packages-test}")
base=$folder/base
work=$folder/work
root=$work/root
new=$work/new
previous=$work/previous
for part in lib steps_install steps_service steps_bad_input; do
  # shellcheck source=/dev/null
  . "$here/$part.sh"
done

[ "$(id -u)" -eq 0 ] || skip "only root may boot a machine"
for program in debootstrap systemd-nspawn lintian dpkg-buildpackage nsenter; do
  command -v "$program" >/dev/null || skip "$program is not installed: scripts/setup.sh"
done

# The bare system, with the libraries that the packages want: nothing is fetched while they are tested.
bare_system() {
  [ ! -e "$base.complete" ] || return 0
  rm -rf "$base"
  local libraries=libsodium23,libsqlite3-0,libsimdjson14,libfmt9,libspdlog1.10,libedit2,libbotan-2-19
  debootstrap --variant=minbase --include="systemd,systemd-sysv,$libraries" bookworm "$base" >"$folder/debootstrap.log" 2>&1 || return 1
  # And what the deployment guide uses, which tests/guide runs on such machines; nothing of it starts by itself.
  local guide="iproute2 nftables ufw firewalld haproxy rsync"
  chroot "$base" sh -c "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $guide" \
    >>"$folder/debootstrap.log" 2>&1 || return 1
  rm -rf "$base"/var/cache/apt/archives/*.deb "$base"/var/lib/apt/lists/* "$base"/usr/share/doc/* "$base"/usr/share/locale/*
  systemctl --root="$base" --quiet disable nftables ufw firewalld haproxy rsync >/dev/null 2>&1 || return 1
  touch "$base.complete"
}

cleanup() {
  power_off
  # Nothing below is mounted any more, or nothing is removed.
  rm -rf --one-file-system "$root"
}
trap cleanup EXIT

mkdir -p "$folder"
rm -rf --one-file-system "$work"
mkdir -p "$work"
began=$SECONDS
bare_system &
debootstrap=$!
check "the packages are built" "$source_dir/scripts/package.sh" --output "$new"
check "and once more under a lower version, without compiling" "$source_dir/scripts/package.sh" --version 0.1.0~previous --output "$previous"
version=$(sed -n 's/^project(cloudp2p VERSION \([0-9.]*\).*/\1/p' "$source_dir/CMakeLists.txt")
say "     built after $((SECONDS - began)) s"
the_packages_are_what_they_say
wait "$debootstrap" || skip "debootstrap could not make a bare system: $(tail -n 1 "$folder/debootstrap.log")"
cp -a --reflink=auto "$base" "$root"
systemd-nspawn --quiet --directory="$root" --private-network --register=no --keep-unit --pipe true >"$work/said" 2>&1 </dev/null ||
  skip "systemd-nspawn may not run here: $(tail -n 1 "$work/said")"
check "a machine boots" boot
say "     booted after $((SECONDS - began)) s"

first_installation
three_nodes_start
images_are_uploaded
one_is_killed
one_hangs
one_is_reloaded
one_is_stopped
upgrade_under_load
images_outlive_a_reboot
key_that_others_can_read
two_with_one_id
directories_that_do_not_fit
full_disk
purge
say "all passed in $((SECONDS - began)) s"
