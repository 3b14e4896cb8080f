# Three nodes of one machine under systemd: started, killed, hung, reloaded, stopped, rebooted.

peers='"peers": [{"id": 1, "address": "127.0.0.1:7001"}, {"id": 2, "address": "127.0.0.1:7002"}, {"id": 3, "address": "127.0.0.1:7003"}]'

# configure [FURTHER MEMBERS]
configure() {
  mkdir -p "$root/etc/cloud-p2p"
  echo "{$peers, \"encryption_key_file\": \"/etc/cloud-p2p/key\", \"store\": {\"free_bytes_min\": 4000000}${1:-}}" \
    >"$root/etc/cloud-p2p/config.json.new"
  mv "$root/etc/cloud-p2p/config.json.new" "$root/etc/cloud-p2p/config.json"
}

leads() { says "Leader discovered: Node $1" client discover; }
whole() { says '"under_replicated":0,' client -o json members && not says '"reachable":false' client -o json members; }

three_nodes_start() {
  local node
  configure ', "colour": "blue"'
  mkdir -p "$root/etc/systemd/system/cloud-p2p@1.service.d"
  # The test waits for it once; thirty seconds would be long.
  printf '[Service]\nWatchdogSec=10\n' >"$root/etc/systemd/system/cloud-p2p@1.service.d/test.conf"
  inside systemctl daemon-reload
  check "three instances start, each when it is ready" inside systemctl start cloud-p2p@1 cloud-p2p@2 cloud-p2p@3
  for node in 1 2 3; do check "node $node is active" is_active "$node"; done
  check "node 3 leads" eventually leads 3
  check "the journal has the contract's lines, bare" eventually has_line 3 "[Node 3] starting heartbeat task"
  check "of the followers too" eventually has_line 1 "[Node 1] Coordinator announced: 3"
  check "and the first ones" has_line 2 "[Node 2] Shared directory: /var/lib/cloud-p2p/2"
  check "an unknown key is a warning, by its priority" says '/colour: unknown key, ignored' journal 1 -p warning
  check "systemctl status shows who leads" eventually says 'Status: "node 3 leads (term' inside systemctl status "$(unit 3)"
  check "and what a follower lacks" eventually says 'Status: "node 1 follows node 3 (term' inside systemctl status "$(unit 1)"
  check "the nodes run as their own user" says cloud-p2p inside stat -c %U "/proc/$(pid_of 1)"
  check "and gain no privileges" says "NoNewPrivs:	1" inside cat "/proc/$(pid_of 1)/status"
}

images_are_uploaded() {
  local node
  for name in one two three; do image "$name" 300000; done
  check "the packaged client uploads" client send-image /srv/one.png /srv/two.png /srv/three.png
  check "every node gets them" eventually whole
  for node in 1 2 3; do
    check "plain files in node $node's folder, readable by others" inside sh -c \
      "for name in one two three; do cmp /srv/\$name.png /var/lib/cloud-p2p/$node/*-\$name.png && \
         [ \"\$(stat -c %a /var/lib/cloud-p2p/$node/*-\$name.png)\" = 644 ] || exit 1; done"
  done
}

one_is_killed() {
  local pid
  pid=$(pid_of 3)
  inside sh -c "kill -KILL $pid"
  check "uploads go on under another leader" client send-image /srv/one.png
  check "a node that was killed is started again" eventually another_pid 3 "$pid"
  check "systemd counted it" [ "$(property 3 NRestarts)" -ge 1 ]
}

one_hangs() {
  local pid
  pid=$(pid_of 1)
  inside sh -c "kill -STOP $pid"
  check "a node that hangs is found out by the watchdog" eventually another_pid 1 "$pid"
  check "and the journal says so" says "Watchdog timeout" journal 1
  check "the cluster is whole again" eventually whole
}

one_is_reloaded() {
  local pid
  pid=$(pid_of 2)
  configure ', "log": {"level": "debug"}'
  check "reload is taken" inside systemctl reload "$(unit 2)"
  check "the node says that it has read it" eventually says "reloaded: peers, limits, keys" journal 2
  check "it is the same process" [ "$(pid_of 2)" = "$pid" ]
  configure ', "quorum": "some"'
  inside systemctl reload "$(unit 2)"
  check "a bad configuration changes nothing" eventually says "reload refused, the settings stay as they were" journal 2 -p err
  check "and stops nobody" is_active 2
  configure
  inside systemctl reload "$(unit 2)"
}

one_is_stopped() {
  check "node 3 leads again" eventually leads 3
  check "the leader is stopped" inside systemctl stop "$(unit 3)"
  check "it had drained, and ended well" says "success 0" echo "$(property 3 Result) $(property 3 ExecMainStatus)"
  check "node 2 leads" leads 2
  check "since it was handed the lead" says "leadership was handed over" journal 3
  check "started again it comes back" inside systemctl start "$(unit 3)"
  check "and catches up" eventually whole
}

images_outlive_a_reboot() {
  local stored
  stored=$(client -q list --limit 0 | wc -l)
  # The node without a number is not one of them.
  inside systemctl disable cloud-p2p >/dev/null 2>&1
  inside systemctl enable cloud-p2p@1 cloud-p2p@2 cloud-p2p@3 >/dev/null 2>&1
  check "the machine reboots" reboot_machine
  for node in 1 2 3; do check "node $node is there again" eventually is_active "$node"; done
  check "somebody leads" eventually says "Leader discovered" client discover
  check "every copy is there" eventually whole
  check "all $stored images are listed" [ "$stored" = "$(client -q list --limit 0 | wc -l)" ]
  check "and verified on every node" client verify --all
}
