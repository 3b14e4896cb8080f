#include "completer.hpp"

#include "line_words.hpp"
#include "options.hpp"

#include <algorithm>
#include <filesystem>

namespace client {
namespace {

namespace fs = std::filesystem;
using command_line::CommandWords;
using command_line::OptionWords;
using command_line::Wants;

std::vector<std::string> files_beginning(const std::string& typed, bool folders_only) {
  const std::size_t slash = typed.rfind('/');
  const std::string folder = slash == std::string::npos ? std::string() : typed.substr(0, slash + 1);
  const std::string start = typed.substr(folder.size());
  const auto expanded = split_words(escaped(folder));
  const std::string place = !expanded || expanded->empty() ? "." : expanded->front();
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator at(place, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.rfind(start, 0) != 0 || (start.empty() && name.front() == '.')) continue;
    std::error_code unreadable;
    const bool is_folder = at->is_directory(unreadable);
    if (is_folder || !folders_only) out.push_back(folder + name + (is_folder ? "/" : ""));
  }
  return out;
}

std::vector<std::string> command_names() {
  std::vector<std::string> out;
  for (const CommandWords& command : program_words().commands)
    out.push_back(command.name);
  return out;
}

/// What may stand where a value of this kind is wanted.
std::vector<std::string> values(const OptionWords& wanted, const std::string& typed, const IdLookup& ids) {
  switch (wanted.wants) {
    case Wants::file: return files_beginning(typed, false);
    case Wants::folder: return files_beginning(typed, true);
    case Wants::image: return ids(typed);
    case Wants::command: return command_names();
    case Wants::choice: return wanted.choices;
    case Wants::anything: break;
  }
  return {};
}

bool is_called(const OptionWords& option, const std::string& name) {
  return std::find(option.names.begin(), option.names.end(), name) != option.names.end();
}

/// The prompt takes a command's own options, and `-o`.
std::vector<OptionWords> options_of(const CommandWords& command) {
  std::vector<OptionWords> out = command.options;
  for (const OptionWords& option : program_words().options)
    if (is_called(option, "-o")) out.push_back(option);
  return out;
}

std::vector<std::string> words_after(const CommandWords& command, const OpenWord& word, const IdLookup& ids) {
  const std::vector<OptionWords> options = options_of(command);
  for (const OptionWords& option : options)
    if (!option.value.empty() && is_called(option, word.before.back())) return values(option, word.text, ids);
  if (word.text.rfind('-', 0) != 0)
    return command.arguments.empty() ? std::vector<std::string>{} : values(command.arguments.front(), word.text, ids);
  std::vector<std::string> out;
  for (const OptionWords& option : options)
    out.insert(out.end(), option.names.begin(), option.names.end());
  return out;
}

std::vector<std::string> candidates(const OpenWord& word, const IdLookup& ids) {
  std::vector<std::string> all;
  if (word.before.empty()) {
    all = command_names();
    all.insert(all.end(), {"exit", "quit"});
  } else {
    for (const CommandWords& command : program_words().commands)
      if (command.name == word.before.front()) all = words_after(command, word, ids);
  }
  std::erase_if(all, [&](const std::string& each) { return each.rfind(word.text, 0) != 0; });
  return all;
}

std::string common_start(const std::vector<std::string>& words) {
  std::string out = words.front();
  for (const std::string& word : words) {
    const auto [end, other] = std::mismatch(out.begin(), out.end(), word.begin(), word.end());
    out.erase(end, out.end());
  }
  std::size_t whole = 0;  // Characters, not the halves that two of them share.
  while (whole < out.size()) {
    const std::size_t length = cloudp2p::detail::utf8_length(std::string_view(out).substr(whole));
    if (length == 0) break;
    whole += length;
  }
  out.resize(whole);
  return out;
}

}  // namespace

Completion complete_line(std::string_view line, const IdLookup& ids) {
  const OpenWord word = open_word(line);
  Completion out;
  out.choices = candidates(word, ids);
  std::sort(out.choices.begin(), out.choices.end());
  if (out.choices.empty()) return out;
  const bool unique = out.choices.size() == 1;
  const std::string start = unique ? out.choices.front() : common_start(out.choices);
  if (start.size() > word.text.size()) out.insert = escaped(start.substr(word.text.size()));
  if (unique && start.back() != '/') out.insert += ' ';
  return out;
}

std::string in_columns(const std::vector<std::string>& choices) {
  constexpr std::size_t kShownMax = 100;
  constexpr std::size_t kColumns = 78;
  std::size_t width = 0;
  for (const std::string& each : choices)
    width = std::max(width, each.size() + 2);
  const std::size_t per_line = std::max<std::size_t>(kColumns / width, 1);
  std::string out;
  for (std::size_t i = 0; i < std::min(choices.size(), kShownMax); ++i) {
    const bool last = (i + 1) % per_line == 0 || i + 1 == std::min(choices.size(), kShownMax);
    out += choices[i] + (last ? "\n" : std::string(width - choices[i].size(), ' '));
  }
  if (choices.size() > kShownMax) out += "... and " + std::to_string(choices.size() - kShownMax) + " more\n";
  return out;
}

}  // namespace client
