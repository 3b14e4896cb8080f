# Installed, upgraded under load, purged.

the_packages_are_what_they_say() {
  local extracted=$work/extracted
  check "lintian has nothing to say" lintian --allow-root --fail-on error,warning --no-tag-display-limit "$new"/*.changes
  mkdir "$extracted"
  for package in "$new"/*.deb; do dpkg-deb -x "$package" "$extracted"; done
  local library
  library=$(echo "$extracted"/usr/lib/*/libcloudp2p.so.0.1)
  check "the library's package is named after its soname" says "SONAME               libcloudp2p.so.0.1" objdump -p "$library"
  check "the README's program builds against the installed packages and stores an image" readme_program
  for unit in cloud-p2p.service cloud-p2p@.service; do
    check "$unit is exposed at most 2.0 ($(exposure "$extracted/lib/systemd/system/$unit"))" \
      systemd-analyze security --offline=true --threshold=20 "$extracted/lib/systemd/system/$unit"
  done
}

readme_program() {
  local status=0
  unshare --mount --net --pid --fork --kill-child "$here/readme_program.sh" "$new" "$source_dir/README.md" || status=$?
  [ "$status" -ne 77 ] || skip "no layer can be laid over this machine's root"
  return "$status"
}

exposure() { systemd-analyze security --offline=true "$1" | sed -n 's/.*Overall exposure level for .*: \([0-9.]*\).*/\1/p'; }

first_installation() {
  cp "$previous"/*.deb "$root/srv/"
  check "the previous build installs" inside sh -c 'dpkg -i /srv/libcloudp2p0.1_*.deb /srv/cloud-p2p_*.deb'
  rm "$root"/srv/*.deb
  check "a system user was made" inside id cloud-p2p
  check "a key was made, for that user alone" says "600 cloud-p2p cloud-p2p" inside stat -c "%a %U %G" /etc/cloud-p2p/key
  check "the service is enabled" says enabled inside systemctl is-enabled cloud-p2p.service
  check "and not started, since there is no configuration" says inactive inside systemctl is-active cloud-p2p.service
  check "nothing failed" says "0 loaded units listed" inside systemctl list-units --failed
  check "systemd finds no fault in the units" inside systemd-analyze verify --man=no /lib/systemd/system/cloud-p2p.service \
    /lib/systemd/system/cloud-p2p@1.service
}

upgrade_under_load() {
  local key pids node
  key=$(inside sha256sum /etc/cloud-p2p/key)
  pids="$(pid_of 1) $(pid_of 2) $(pid_of 3)"
  cp "$new"/*.deb "$root/srv/"
  mkdir "$root/srv/load"
  for i in $(seq 200); do
    { printf '\x89PNG\r\n\x1a\n' && head -c 20000 /dev/urandom; } >"$root/srv/load/$i.png"
  done
  # Until the upgrade is over: it must meet uploads at every moment.
  upload_on() {
    local i=0
    while [ ! -e "$work/upgraded" ] && [ "$i" -lt 200 ]; do
      i=$((i + 1))
      client -q send-image "/srv/load/$i.png" || return
    done
    echo "$i" >"$work/uploaded"
  }
  upload_on >"$work/uploads" 2>&1 &
  local uploads=$!
  check "the new build installs over it while the nodes run" inside sh -c 'dpkg -i /srv/libcloudp2p0.1_*.deb /srv/cloud-p2p_*.deb'
  touch "$work/upgraded"
  check "no upload failed meanwhile" wait "$uploads"
  rm -r "$root"/srv/*.deb "$root/srv/load"
  say "     $(cat "$work/uploaded") images were uploaded during the upgrade"
  for node in 1 2 3; do
    check "node $node was restarted" another_pid "$node" "$(echo "$pids" | cut -d' ' -f"$node")"
    check "node $node had drained first" says "stopping: uploads finish" journal "$node"
  done
  check "the key is as it was" [ "$key" = "$(inside sha256sum /etc/cloud-p2p/key)" ]
}

purge() {
  local images
  images=$(inside sh -c 'ls /var/lib/cloud-p2p/2/*.png | wc -l')
  check "the packages are purged, and say what stays" says "the images in /var/lib/cloud-p2p are kept" inside dpkg --purge cloud-p2p
  check "no node runs" not inside sh -c "cat /proc/[0-9]*/comm | grep --line-regexp cloud-p2p"
  check "the images are there" [ "$images" -gt 0 -a "$images" = "$(inside sh -c 'ls /var/lib/cloud-p2p/2/*.png | wc -l')" ]
  check "the key is gone" not inside test -e /etc/cloud-p2p/key
  check "the library goes too" inside dpkg --purge libcloudp2p0.1
  inside sh -c 'rm -r /var/lib/cloud-p2p && install -d -o cloud-p2p /var/lib/cloud-p2p /var/lib/cloud-p2p/images'
  cp "$new"/*.deb "$root/srv/"
  inside sh -c 'dpkg -i /srv/libcloudp2p0.1_*.deb /srv/cloud-p2p_*.deb' >/dev/null
  check "purged again, with nothing stored, nothing is left" inside dpkg --purge cloud-p2p libcloudp2p0.1
  check "no folder" not inside test -e /var/lib/cloud-p2p
}
