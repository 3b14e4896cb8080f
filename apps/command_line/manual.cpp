#include "manual.hpp"

#include "roff.hpp"

#include <algorithm>

namespace command_line {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// Blocks of lines between empty ones.
std::vector<std::vector<std::string>> paragraphs_of(const std::string& text) {
  std::vector<std::vector<std::string>> out{{}};
  for (std::string& line : lines_of(text)) {
    if (!line.empty()) {
      out.back().push_back(std::move(line));
    } else if (!out.back().empty()) {
      out.emplace_back();
    }
  }
  if (out.back().empty()) out.pop_back();
  return out;
}

bool indented(const std::string& line) {
  return line.starts_with("  ");
}

/// Prose is filled, indented lines stay as they are; prose may introduce them.
std::string block(const std::vector<std::string>& lines) {
  const auto first = std::find_if(lines.begin(), lines.end(), indented);
  std::string out;
  if (first != lines.begin()) out += filled({lines.begin(), first});
  if (first != lines.end()) out += as_typed({first, lines.end()});
  return out;
}

/// "Title: …" or "Title (remark):" begins a section.
std::string footer_section(std::vector<std::string> lines) {
  const std::string& head = lines.front();
  const std::size_t end = head.find_first_of("(:");
  if (end == std::string::npos || end > 24 || indented(head)) return block(lines);
  std::string title = head.substr(0, end);
  title.erase(title.find_last_not_of(' ') + 1);
  std::string out = ".SH " + whole(upper(title)) + "\n";
  std::string rest = head.substr(end);
  if (rest.starts_with(": ")) rest.erase(0, 2);
  if (rest == ":") rest.clear();
  if (rest.starts_with('(') && rest.ends_with("):")) rest = rest.substr(1, rest.size() - 3) + ":";
  lines.erase(lines.begin());
  if (!rest.empty()) {
    lines.insert(lines.begin(), capitalised(rest));
  }
  return out + block(lines);
}

std::string option_entry(const OptionWords& option) {
  std::string names;
  for (const std::string& name : option.names)
    names += (names.empty() ? "" : ", ") + bold(name);
  if (!option.value.empty() && option.names.front() != option.value) names += " " + italic(option.value);
  return ".TP\n" + names + "\n" + whole(option.help) + "\n";
}

std::string synopsis_of(const CommandWords& command) {
  std::string out = bold(command.name);
  for (const OptionWords& option : command.options) {
    out += " [" + bold(option.names.front()) + (option.value.empty() ? "" : " " + italic(option.value)) + "]";
  }
  for (const OptionWords& argument : command.arguments) {
    const std::string label = italic(argument.value) + (argument.many ? "..." : "");
    out += argument.required ? " " + label : " [" + label + "]";
  }
  return out;
}

std::string command_section(const CommandWords& command) {
  std::string out = ".SS " + whole(command.name) + "\n" + synopsis_of(command) + "\n.PP\n";
  out += whole(capitalised(command.summary)) + ".\n";
  for (const OptionWords& argument : command.arguments)
    out += option_entry(argument);
  for (const OptionWords& option : command.options)
    out += option_entry(option);
  for (const std::vector<std::string>& lines : paragraphs_of(command.details))
    out += block(lines);
  return out;
}

std::string heading(const PageTitle& title) {
  // No date: the same source gives the same page.
  return ".TH " + inner(upper(title.name)) + " " + std::to_string(title.section) + " \"\" \"" + inner(title.version) +
         "\" \"cloudp2p\"\n";
}

std::string see_also_section(const std::vector<std::string>& pages) {
  std::string out = ".SH SEE ALSO\n";
  for (const std::string& page : pages) {
    const std::size_t bracket = page.find('(');
    out += bold(page.substr(0, bracket)) + page.substr(bracket) + (page == pages.back() ? "\n" : ",\n");
  }
  return out;
}

/// "client: sends images …" without the name.
std::string purpose_of(const std::string& about) {
  const std::size_t colon = about.find(": ");
  return colon == std::string::npos ? about : about.substr(colon + 2);
}

/// "cloud-p2p-client - sends images …", one clause, for whatis.
std::string name_section(const std::string& name, const std::string& purpose) {
  return ".SH NAME\n" + inner(name) + " \\- " + inner(purpose.substr(0, purpose.find('.'))) + "\n";
}

}  // namespace

std::string program_page(const ProgramWords& program, const PageTitle& title,
                         const std::vector<std::string>& see_also) {
  std::string out = heading(title) + name_section(program.installed, purpose_of(program.about));
  out += ".SH SYNOPSIS\n" + bold(program.installed) + " [" + italic("OPTION") + "]...";
  if (!program.commands.empty()) out += " [" + italic("COMMAND") + " [" + italic("ARGUMENT") + "]...]";
  out += "\n.SH DESCRIPTION\n" + whole(capitalised(purpose_of(program.about))) + "\n";
  if (program.name != program.installed)
    out += "It is installed as " + bold(program.installed) + " and called " + bold(program.name) + " below.\n";
  out += ".SH OPTIONS\n";
  for (const OptionWords& option : program.options)
    out += option_entry(option);
  if (!program.commands.empty()) out += ".SH COMMANDS\n";
  for (const CommandWords& command : program.commands)
    out += command_section(command);
  for (const std::vector<std::string>& lines : paragraphs_of(program.footer))
    out += footer_section(lines);
  return out + see_also_section(see_also);
}

std::string config_page(const std::vector<cloudp2p::ConfigKey>& keys, const PageTitle& title,
                        const std::vector<std::string>& see_also) {
  std::string out = heading(title) + name_section(title.name, "configuration of cloud-p2p and cloud-p2p-client");
  out +=
      ".SH DESCRIPTION\nOne JSON object. Nodes and clients read the same file, named by " + bold("--config") + " or " +
      bold("CONFIG_FILE") +
      ". A flag is stronger than the environment, the environment stronger than this file, and what is in none of "
      "them has a default. Every key is optional. A key that is not known, one that is given twice and a value of the "
      "wrong type are errors, which name the place.\n.PP\n" +
      bold("cloud-p2p --check-config") + " checks it, " + bold("--print-config") +
      " shows what would be in force.\n.SH KEYS\n";
  for (const cloudp2p::ConfigKey& key : keys) {
    out += ".TP\n" + bold(key.path) + " (" + inner(key.type) + ")\n";
    if (!key.about.empty()) out += whole(key.about) + "\n";
    if (key.fallback == "required") {
      out += "Required.\n";
    } else if (!key.fallback.empty()) {
      out += "Default: " + inner(key.fallback) + ".\n";
    }
  }
  out += ".SH EXAMPLES\n" + as_typed({"{", R"(  "peers": [)", R"(    {"id": 1, "address": "192.168.1.100:7001"},)",
                                      R"(    {"id": 2, "address": "192.168.1.101:7002"},)",
                                      R"(    {"id": 3, "address": "192.168.1.102:7003"})", "  ],",
                                      R"(  "shared_dir": "/home/youruser/images",)",
                                      R"(  "encryption_key_file": "/etc/cloudp2p/key")", "}"});
  return out + see_also_section(see_also);
}

}  // namespace command_line
