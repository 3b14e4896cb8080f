#!/usr/bin/env bash
# Builds the Debian packages into build/packages.
#   scripts/package.sh                  the version of packaging/debian/changelog
#   scripts/package.sh --version V      another one, say of a build of your own: 0.1.0+site1
#   scripts/package.sh --output DIR     into another folder
# What is compiled stays in build/packages/build for the next time; with ccache, what another release build compiled is taken.
set -euo pipefail
cd "$(dirname "$0")/.."

version=
output=$PWD/build/packages
while [ $# -gt 0 ]; do
  case "$1" in
    --version | --output)
      [ $# -ge 2 ] || { echo "package: $1 wants a value" >&2; exit 2; }
      if [ "$1" = --version ]; then version=$2; else output=$(realpath -m "$2"); fi
      shift
      ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "package: unknown option '$1'; see $0 --help" >&2; exit 2 ;;
  esac
  shift
done

scripts/setup.sh
export CLOUDP2P_SOURCE=$PWD CLOUDP2P_BUILD=$PWD/build/packages/build
work=$PWD/build/packages/work
rm -rf "$work"
mkdir -p "$work/cloudp2p" "$output"
cd "$work/cloudp2p"
cp -r "$CLOUDP2P_SOURCE/packaging/debian" debian
if [ -n "$version" ]; then
  {
    printf 'cloudp2p (%s) unstable; urgency=medium\n\n  * A build of this tree under another version.\n\n' "$version"
    printf ' -- The cloudp2p authors <authors@cloudp2p.invalid>  %s\n\n' "$(date -R -u)"
    cat "$CLOUDP2P_SOURCE/packaging/debian/changelog"
  } >debian/changelog
fi

log=$output/package.log
# Dependencies are checked by setup.sh, in the words that help.
dpkg-buildpackage --build=binary --no-sign --no-check-builddeps >"$log" 2>&1 || {
  tail -n 40 "$log" >&2
  echo "package: the build failed; all it said is in $log" >&2
  exit 1
}
mv "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo "$output/"
ls -1 "$output"/*_"$(dpkg-parsechangelog -SVersion)"_*.deb
