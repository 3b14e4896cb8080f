# Turns sources and pages into what doxygen understands, line by line, so that its warnings name the right lines.
#   headers   the plain // block at the top becomes the page of the file, its "Label:" lines a list
#   examples  the same block becomes the text above the listing; the rest doxygen lists by itself
#   pages     a link to a header or an example leads to its page here; of one to another document the text is left
function page_of(path) {
  sub(/^.*\/(include|examples)\//, "", path)
  return path
}

function plain(text) {
  gsub(/[<@#]/, "\\\\&", text)
  return text
}

function with_links(line,    out, target, text) {
  while (match(line, /\[[^][]*\]\([^() ]*\)/)) {
    out = out substr(line, 1, RSTART - 1)
    text = target = substr(line, RSTART, RLENGTH)
    line = substr(line, RSTART + RLENGTH)
    sub(/\]\(.*$/, "", text)
    sub(/^\[/, "", text)
    sub(/^.*\]\(/, "", target)
    sub(/\)$/, "", target)
    if (target ~ /^\.\.\/(include|examples)\/.*\.(hpp|cpp)$/) out = out "[" text "](@ref " page_of(target) ")"
    else if (target ~ /^https?:/) out = out "[" text "](" target ")"
    else out = out text
  }
  return out line
}

BEGIN {
  at_top = 1
}

FILENAME ~ /\.md$/ {
  print with_links($0)
  next
}

at_top && /^\/\// {
  text = $0
  sub(/^\/\/ */, "", text)
  if (FNR == 1) {
    print "/// " (FILENAME ~ /\/examples\/[^\/]*\.cpp$/ ? "@example " : "@file ") page_of(FILENAME) " " plain(text)
  } else if (match(text, /^[A-Z][a-z]+: */)) {
    label = substr(text, 1, RLENGTH)
    sub(/ *$/, "", label)
    print "/// - **" label "** " plain(substr(text, RLENGTH + 1))
  } else {
    print "///   " plain(text)
  }
  next
}

{
  at_top = 0
  if (FILENAME ~ /\/examples\/[^\/]*\.cpp$/) print ""
  else if ($0 ~ /^ *friend .* = default;$/) print $0 "  ///< Member by member."
  else print
}
