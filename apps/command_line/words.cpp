#include "words.hpp"

#include <CLI/CLI.hpp>

namespace command_line {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out{""};
  for (const char c : text) {
    if (c == '|') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

void classify(OptionWords& option, const std::string& label) {
  const std::vector<std::string> parts = split(label);
  const std::string& first = parts.front();
  if (first == "FILE" || first == "PATH") {
    option.wants = Wants::file;
  } else if (first == "DIR") {
    option.wants = Wants::folder;
  } else if (first == "ID") {
    option.wants = Wants::image;
  } else if (first == "COMMAND") {
    option.wants = Wants::command;
  } else if (parts.size() > 1 && first.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos) {
    option.wants = Wants::choice;
    option.choices = parts;
  }
}

OptionWords words_of_option(const CLI::Option& option) {
  OptionWords out;
  out.help = option.get_description();
  out.required = option.get_required();
  out.many = option.get_items_expected_max() > 1;
  const std::string type = option.get_type_name();
  if (option.get_positional()) {
    out.names = {option.get_name(true)};
    out.value = out.names.front();
    classify(out, out.value);
    if (out.wants == Wants::anything) classify(out, type);
    return out;
  }
  for (const std::string& name : option.get_snames())
    out.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames())
    out.names.push_back("--" + name);
  if (option.get_items_expected_max() > 0) out.value = type;
  classify(out, out.value);
  return out;
}

void add_options(const CLI::App& app, std::vector<OptionWords>& options, std::vector<OptionWords>& arguments) {
  for (const CLI::Option* const option : app.get_options()) {
    const bool every_command_has_it = app.get_parent() != nullptr && option == app.get_help_ptr();
    if (option->get_group().empty() || every_command_has_it) continue;
    (option->get_positional() ? arguments : options).push_back(words_of_option(*option));
  }
}

}  // namespace

ProgramWords words_of(const CLI::App& app, const std::string& installed) {
  ProgramWords out;
  out.name = app.get_name();
  out.installed = installed;
  out.about = app.get_description();
  out.footer = app.get_footer();
  std::vector<OptionWords> none;
  add_options(app, out.options, none);
  for (const CLI::App* const sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    CommandWords command{sub->get_name(), sub->get_description(), sub->get_footer(), {}, {}};
    add_options(*sub, command.options, command.arguments);
    out.commands.push_back(std::move(command));
  }
  return out;
}

}  // namespace command_line
