# What operators do: the answer names it, and what to do.

# refused_for_good NODE TEXT: it does not start, and is not tried again and again.
refused_for_good() {
  inside systemctl restart "$(unit "$1")" && { echo "it started"; return 1; }
  is_failed "$1" && [ "$(property "$1" ExecMainStatus)" = 78 ] && says "$2" journal "$1" -p err
}

mended() { inside systemctl reset-failed "$(unit "$1")"; inside systemctl restart "$(unit "$1")"; }

key_that_others_can_read() {
  inside chmod 644 /etc/cloud-p2p/key
  check "a key that others can read is refused, with what to do" refused_for_good 1 "run \`chmod 600 /etc/cloud-p2p/key\`"
  inside chmod 600 /etc/cloud-p2p/key
  check "mended, the node starts" mended 1
}

two_with_one_id() {
  printf 'NODE_ID=1\nSHARED_DIR=/var/lib/cloud-p2p/4\nBIND=127.0.0.1:7104\n' >"$root/etc/default/cloud-p2p@4"
  check "a second node 1 starts on a folder and a port of its own" inside systemctl start "$(unit 4)"
  check "the cluster refuses it and says why" eventually says "another process is node 1 already, at 127.0.0.1:7001: check NODE_ID" journal 4 -p err
  check "it does not get to lead or follow" eventually says 'Status: "node 1 sees no leader' inside systemctl status "$(unit 4)"
  check "the first one is left alone" is_active 1
  inside systemctl stop "$(unit 4)"
  rm -r "$root/etc/default/cloud-p2p@4" "$root/var/lib/cloud-p2p/4"
}

directories_that_do_not_fit() {
  local data=$root/var/lib/cloud-p2p
  inside systemctl stop "$(unit 1)" "$(unit 2)"
  mv "$data/1" "$data/1.own"
  mv "$data/2" "$data/1"
  check "another node's folder is refused" refused_for_good 1 "this directory belongs to node 2, not to node 1"
  mv "$data/1" "$data/2"
  mv "$data/1.own" "$data/1"
  cp "$data/1/.cloudp2p/format" "$work/format"
  echo "cloudp2p store 99" >"$data/1/.cloudp2p/format"
  check "a folder of a later version is refused" refused_for_good 1 "has format 99, this program knows 1: install a newer one"
  cat "$work/format" >"$data/1/.cloudp2p/format"
  echo "mine" >"$data/1/notes.txt"
  check "mended, both start" inside systemctl start "$(unit 1)" "$(unit 2)"
  check "and are whole" eventually whole
  check "a file of somebody else's is left alone" [ "$(cat "$data/1/notes.txt")" = mine ]
}

full_disk() {
  local data=/var/lib/cloud-p2p/1
  inside systemctl stop "$(unit 1)"
  inside sh -c "rm -r $data && mkdir $data && mount -t tmpfs -o size=60m,mode=755 tmpfs $data && chown cloud-p2p:cloud-p2p $data"
  check "node 1 starts on a small, empty disk" inside systemctl start "$(unit 1)"
  check "and fetches what it lacks" eventually whole
  # The node gives its reserve back to the records; what fills the disk takes that as well.
  filled() {
    inside sh -c "cat /dev/zero >>$data/other-things" 2>/dev/null || true
    says "disk full" inside systemctl status "$(unit 1)"
  }
  check "when something else fills it, systemctl status says so" eventually filled
  # The leader hears of it with the next heartbeat.
  check "so does the client" eventually says "store full: make room there" client members
  check "and the journal, as an error" says "no more writes" journal 1 -p err
  image meanwhile 300000
  check "uploads go on: the others have room" client send-image /srv/meanwhile.png
  inside rm "$data/other-things"
  check "with room again it catches up by itself" eventually whole
  check "and says so" eventually says "there is room again, writing goes on" journal 1
  inside systemctl stop "$(unit 1)"
  inside umount "$data"
}
