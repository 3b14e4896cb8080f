#!/usr/bin/env bash
# The Debian packages, from building to purging, on a machine of their own that a real systemd boots.
#   tests/packages/run.sh FOLDER BASE    where packages and the machine go; what bare_system.sh has made
# Needs root and systemd-nspawn; where one is missing it says so and exits 77.
set -Eeuo pipefail
trap 'say "FAIL: $BASH_COMMAND"' ERR
here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
folder=$(realpath -m "$1")
base=$(realpath -m "$2")
work=$folder/work
root=$work/root
new=$work/new
previous=$work/previous
for part in lib steps_install steps_service steps_bad_input; do
  # shellcheck source=/dev/null
  . "$here/$part.sh"
done

[ "$(id -u)" -eq 0 ] || skip "only root may boot a machine"
for program in systemd-nspawn lintian dpkg-buildpackage nsenter; do
  command -v "$program" >/dev/null || skip "$program is not installed: scripts/setup.sh"
done
[ -e "$base.complete" ] || skip "there is no bare system in $base: tests/packages/bare_system.sh $base"

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
export CCACHE_BASEDIR=$source_dir/build  # As tests/package/tools.cmake has it: the objects are there.
check "the packages are built" "$source_dir/scripts/package.sh" --output "$new"
check "and once more under a lower version, without compiling" "$source_dir/scripts/package.sh" --version 0.1.0~previous --output "$previous"
say "     built after $((SECONDS - began)) s"
the_packages_are_what_they_say
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
