#!/usr/bin/env bash
# The program of README.md, built against the installed packages and run as the first of three nodes.
#   tests/packages/readme_program.sh PACKAGES README    in mount, network and process namespaces of its own
# The machine is this one, compiler and all, under a layer that takes every change and is forgotten afterwards. Where none
# can be laid over it the exit status is 77.
set -Eeuo pipefail
packages=$(realpath "$1")
readme=$(realpath "$2")

layer=$(mktemp -d)
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root" || exit 77
root=$layer/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mkdir "$root/tmp/recorder"
cp "$packages"/*.deb "$root/tmp/"
# The first block of a language under "In your program".
block() { sed -n '/^## In your program/,$p' "$readme" | sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" | sed '1d;/^```$/,$d'; }
block cmake >"$root/tmp/recorder/CMakeLists.txt"
block cpp >"$root/tmp/recorder/main.cpp"
for address in 1 2 3; do ip address add "10.0.0.$address/32" dev lo; done
ip link set lo up

cat >"$root/tmp/steps" <<'STEPS'
set -Eeuo pipefail
dpkg -i /tmp/libcloudp2p0.1_*.deb /tmp/libcloudp2p-dev_*.deb /tmp/cloud-p2p_*.deb
mkdir -p /etc/recorder
cloud-p2p-client keygen /etc/recorder/key
export PEERS=1=10.0.0.1:7001,2=10.0.0.2:7001,3=10.0.0.3:7001 ENCRYPTION_KEY
ENCRYPTION_KEY=$(cat /etc/recorder/key)
for id in 2 3; do NODE_ID=$id SHARED_DIR=/var/lib/recorder/$id cloud-p2p >"/tmp/$id.log" 2>&1 & done
cd /tmp/recorder
{ printf '\xff\xd8\xff\xe0' && head -c 50000 /dev/urandom; } >frame.jpg
cmake -S . -B build
cmake --build build
./build/recorder || { cat /tmp/[23].log; exit 1; }
echo "as pkg-config has it"
g++ -std=c++20 main.cpp -o packaged $(pkg-config --cflags --libs cloudp2p)
ldd packaged | grep libcloudp2p.so.0.1
id=$(./packaged | sed -n 's/: [23] copies$//p')
cloud-p2p-client get "$id" -O got.jpg
cmp frame.jpg got.jpg
STEPS
chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive bash /tmp/steps
