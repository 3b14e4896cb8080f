#include "help.hpp"

#include <cloudp2p/json_writer.hpp>

namespace client {

const char* const kAbout =
    "client: sends images to a cloudp2p cluster and gets them back. Without a COMMAND: a prompt.";

const char* const kFooter = R"(Environment (a flag beats it, it beats the config file):
  CONFIG_FILE     path of the config file
  PEERS           1=host:port,2=host:port,3=host:port; replaces the file's list
  ENCRYPTION_KEY  the cluster's key, 64 hex digits; better: --encryption-key-file
  NO_COLOR        no colours

Examples:
  client --config config.json send-image photo.jpg
  client send-image -r ~/Pictures             every image below a folder, four at a time
  client get 3f2a1b4c                         into the current folder, under its own name
  client -o json list --since 7d              for programs: one object a line
  id=$(client -q send-image photo.jpg)        -q prints the id alone

Data goes to stdout; progress and errors go to stderr (at the prompt, errors go to stdout, with the answers).

Exit status: 0 ok, 1 failure, 2 usage, 3 some of many failed, 4 key or permission, 5 no leader or unreachable (retry),
6 not found, 7 refused by the server, 8 integrity, 130 interrupted.
`client help COMMAND` explains one command.
)";

const std::vector<CommandHelp>& command_help() {
  static const std::vector<CommandHelp> all = {
      {"status", "who leads, and how every node is", R"(The leader's line, then the table of `members`. Exit status 0 while a node leads, 5 otherwise.

With --check one line on stdout for monitors (with -o json the whole, with "condition" and "problems"), and the exit status
  0  ok: a node leads, every member is there, votes and can store, every image has all its copies
  3  degraded: uploads and reads go on, but something of that is missing; the line says what (copies of images that were
     stored in this moment may be under way: they have two seconds)
  5  down: no node leads, the one that leads serves nothing yet, or none answers
  4  unknown: the key is not the cluster's; another number, as for every command, when the configuration does not hold

Example, for a monitor whose plugins end with 1 for a warning and 2 for an alarm:
  client --timeout 5s status --check; case $? in 0) exit 0 ;; 3) exit 1 ;; *) exit 2 ;; esac
)"},
      {"discover", "ask all nodes who leads now", ""},
      {"members", "every node: role, images, what it misses or found damaged, free space",
       R"("missing" counts the images whose bytes that node lacks; they are copied to it in the background. "damaged" counts the
copies that it has found damaged or gone since it started, and replaced or still lacks. The date says when, of all its
copies, the one that was verified longest ago was last read and found good: see `scrub`.
)"},
      {"ping", "the round trip to every configured node, or to some",
       R"(Exit status 0 when all that were asked answer, 3 when some do, 5 when none does. Whether one of them leads is not asked:
`discover` ends with 5 when none does, `status --check` tells all.

Examples:
  ping
  ping 2
)"},
      {"step-down", "let the leader hand over to its best follower",
       R"(Before work on the leader's machine: it stays a member, and clients see one pause. Answers when the next leader serves.
If the former leader has the highest id it takes the lead back by itself, but not at once: after twice
election.takeover_delay_ms, and twice as long for each further time that it lost the lead within ten minutes.
With "takeover": "never" it does not.

Exit status 4 when the key lacks the right "admin", 7 when no other member can lead.
)"},
      {"send-image", "store images; done when a majority of the nodes holds them durably", R"(Examples:
  send-image photo.jpg
  send-image *.png -j 8
  send-image -r ~/Pictures      folders: files that are no images are skipped
  curl -s URL | client send-image -

Sending the same content again is safe, quick and stores nothing twice.
Exit status 3 when some of many failed; each failure is named.
)"},
      {"get", "read an image back, its digest checked",
       R"(Without -O the image goes into the current folder as NAME.EXT (its stored name, the extension by its content), and an
existing file is never replaced. With -O FILE an existing FILE is replaced, by a complete and verified image only.
-O FOLDER (a folder that exists) chooses the place and keeps the name.

Examples:
  get 3f2a1b4c5d6e7f8a
  get 3f2a -O holiday.jpg
  get 3f2a -O - | display
)"},
      {"list", "the stored images, newest first", R"(Examples:
  list --since 7d
  list --limit 0 -o json
)"},
      {"info", "all about one image", ""},
      {"rm", "delete images, on all nodes",
       R"(Done when a majority of the nodes has recorded it durably; a node that is away deletes its copy when it returns. Each
node keeps the file in shared_dir/.cloudp2p/trash for a day. Asks first; without a terminal -y is needed.
Sending the same content again stores it again.

Examples:
  rm 3f2a1b4c
  rm -y 3f2a1b4c 77e0c1d2
)"},
      {"verify", "let every node re-read its copies and check their digests",
       R"(Exit status 8 when a copy is damaged or missing, 5 when a node could not be asked.

Examples:
  verify 3f2a1b4c
  verify --all
)"},
      {"scrub", "let every node re-read everything it holds, now",
       R"(Every node re-reads all its copies and compares them with their digests, and a line for each shows how far it is.
Uploads and repairs go first. The nodes do the same by themselves, slowly, so that no copy stays unverified for longer
than store.scrub_days (30); `members` shows the date of the oldest verification.

What fails goes to shared_dir/.cloudp2p/quarantine, is kept there, never served, and fetched again from a node that has
a good copy: by itself, with or without --repair. With --repair the command waits for that.

Ctrl-C ends the command, not the scrub: the nodes go on. `scrub` again joins them, `scrub --stop` ends it.
Needs the right "admin".

Exit status 0 when all is clean, or repaired with --repair; 8 when damage was found (with --repair: and could not be
repaired, or some image is missing for another reason); 5 when a node could not be asked.

Examples:
  scrub
  scrub --repair
  scrub --repair -o json | jq .damaged
)"},
      {"backup", "copy all images into a folder; later runs fetch only what it lacks",
       R"(DIR holds the images as plain files, and manifest.jsonl (one JSON object a line) with the digest, name, size, type and
time of each. Bytes are read from followers, so that the leader is not loaded, and checked against their digests.

Interrupted or cut short, run it again: it goes on where it stopped. What the cluster has deleted since the last run
stays in DIR, unless --prune, which asks first; without a terminal -y is needed. Only one backup writes to DIR at a time.

Exit status 3 when some of the images could not be fetched; each is named.

Examples:
  backup /mnt/usb/images
  backup /mnt/usb/images --prune -y
  jq -r 'select(.file) | .name' /mnt/usb/images/manifest.jsonl
)"},
      {"restore", "send a backup's images back to the cluster, under their names and times",
       R"(Every file is read and compared with the manifest before it is sent; what the cluster holds already is not sent again.
Images that the cluster had deleted before the last backup are left out, unless --deleted.

Exit status 8 when files of DIR are damaged or missing (each is named, the others are restored all the same), 3 when
some of the images could not be stored for another reason. Run it again to go on.

Examples:
  restore /mnt/usb/images
  restore /mnt/usb/images --check       reads and compares, without a cluster
)"},
      {"keygen", "make the cluster's key in a new file",
       R"(Copy the file to every node and client, readable by its owner only (mode 0600), and name it with
--encryption-key-file FILE or "encryption_key_file" in the config.
)"},
      {"config", "show or check the effective configuration", "Secrets are shown as \"(set)\".\n"},
      {"completion", "a completion script for bash, zsh or fish", R"(  bash:  source <(client completion bash)
  zsh:   client completion zsh > ~/.zfunc/_client
  fish:  client completion fish > ~/.config/fish/completions/client.fish
)"},
      {"help", "this, or all about one command", ""},
  };
  return all;
}

std::string usage_error_json(const std::string& text) {
  std::string out;
  cloudp2p::JsonWriter json(out);
  json.begin_object().field("schema", 1).key("error").begin_object();
  json.field("code", "usage").field("message", text).field("exit", 2);
  json.end_object().end_object();
  return out;
}

}  // namespace client
