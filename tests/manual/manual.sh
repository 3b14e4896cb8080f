#!/usr/bin/env bash
# manual.sh FOLDER PROGRAMS: man prints the pages in FOLDER without a warning, and the shells complete by the scripts in it.
set -uo pipefail
folder=$1 programs=$2 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v man >/dev/null || { echo "skipped: man is not installed (man-db)"; exit 77; }

fail() {
  echo "manual: $*"
  failed=1
}

expect() {  # WHAT GOT WANTED
  [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"
}

contains() {  # WHAT TEXT PART
  case $2 in *"$3"*) ;; *) fail "$1 lacks '$3'" ;; esac
}

pages() {
  local page text warnings word
  for page in cloud-p2p.8 cloud-p2p.json.5 cloud-p2p-client.1; do
    warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 "$folder/$page" 2>&1 >"$work/text")
    expect "warnings about $page" "$warnings" ""
    text=$(col -b <"$work/text")
    for word in NAME "SEE ALSO" "cloud-p2p"; do contains "$page" "$text" "$word"; done
    contains "$page for whatis" "$(LC_ALL=C.UTF-8 lexgrog "$folder/$page")" "- "
  done
  text=$(LC_ALL=C.UTF-8 man -E UTF-8 -l -Tutf8 "$folder/cloud-p2p-client.1" | col -b)
  # Each command has a section; what is typed comes out as it is typed.
  for word in $("$programs/client" help | sed -n '/^Commands\|^Subcommands/,/^$/s/^  \([a-z-]*\).*/\1/p'); do
    contains "cloud-p2p-client.1" "$text" "   $word"
  done
  contains "cloud-p2p-client.1" "$text" 'id=$(client -q send-image photo.jpg)'
  contains "cloud-p2p-client.1" "$text" "client send-image -r ~/Pictures"
  contains "cloud-p2p-client.1" "$text" "jq -r 'select(.file) | .name'"
}

# What bash offers for a line whose last word is being typed.
in_bash() {  # SCRIPT WORD...
  local script=$1
  shift
  bash -c 'script=$1; shift; source "$script"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    function=$(complete -p "$1"); function=${function#*-F }; ${function%% *}
    echo "${COMPREPLY[*]}"' - "$script" "$@"
}

bash_completes() {
  local client=$folder/cloud-p2p-client.bash server=$folder/cloud-p2p.bash names
  touch "$work/two words.json" "$work/key"
  mkdir "$work/backups"
  cd "$work" || exit 1
  names=$("$programs/client" help | sed -n '/^Commands\|^Subcommands/,/^$/s/^  \([a-z-]*\).*/\1/p' | xargs)
  [ -n "$names" ] || fail "the help lists no commands"
  contains "bash: client <Tab>" "$(in_bash "$client" client '')" "$names"
  expect "bash: both names" "$(in_bash "$client" cloud-p2p-client ba)" "backup"
  expect "bash: options of a command" "$(in_bash "$client" client -q backup --pr)" "--prune"
  contains "bash: options of all" "$(in_bash "$client" client get --c)" "--config"
  expect "bash: files" "$(in_bash "$client" client --config two)" "two words.json"
  expect "bash: --config=" "$(in_bash "$client" client --config = ke)" "key"
  expect "bash: folders" "$(in_bash "$client" client backup '')" "backups"
  expect "bash: the value of an option" "$(in_bash "$client" client -o '')" "text json"
  expect "bash: a value is no command" "$(in_bash "$client" client --timeout get ba)" "backup"
  expect "bash: arguments with a choice" "$(in_bash "$client" client config '')" "show check"
  expect "bash: help" "$(in_bash "$client" client help key)" "keygen"
  expect "bash: the server" "$(in_bash "$server" cloud-p2p --shared-dir b)" "backups"
  contains "bash: the server" "$(in_bash "$server" cloud-p2p --log-level '')" "warning"
}

in_fish() {
  fish --no-config -c "source '$folder/cloud-p2p-client.fish'; source '$folder/cloud-p2p.fish'; complete -C '$1'" |
    cut -f1 | xargs
}

fish_completes() {
  local name
  for name in cloud-p2p cloud-p2p-client; do fish --no-execute "$folder/$name.fish" || fail "fish refuses $name.fish"; done
  expect "fish: commands" "$(in_fish 'client ba')" "backup"
  expect "fish: a choice" "$(in_fish 'cloud-p2p-client -o ')" "json text"
  expect "fish: options" "$(in_fish 'client backup --pr')" "--prune"
  expect "fish: folders" "$(in_fish 'client backup b')" "backups/"
  expect "fish: files" "$(in_fish 'cloud-p2p --config k')" "key"
}

zsh_parses() {
  local name
  for name in cloud-p2p cloud-p2p-client; do zsh -n "$folder/$name.zsh" || fail "zsh refuses $name.zsh"; done
}

pages
bash_completes
if command -v fish >/dev/null; then fish_completes; else echo "fish is not installed: not tried"; fi
if command -v zsh >/dev/null; then zsh_parses; else echo "zsh is not installed: not tried"; fi
exit $failed
