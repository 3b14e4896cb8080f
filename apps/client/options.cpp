#include "options.hpp"

#include "help.hpp"

#include <cloudp2p/host.hpp>

#include <CLI/CLI.hpp>

#include <iostream>

namespace client {
namespace {

constexpr unsigned kJobsMax = 64;
constexpr const char* kLater[] = {"watch"};

void add_text(CLI::App& app, const char* name, std::optional<std::string>& out, const char* type, const char* help) {
  app.add_option_function<std::string>(
         name, [&out](const std::string& text) { out = text; }, help)
      ->type_name(type);
}

void add_output_format(CLI::App& app, Settings& settings) {
  app.add_option_function<std::string>(
         "-o,--output-format",
         [&settings](const std::string& format) {
           if (format != "json" && format != "text") throw CLI::ValidationError("-o", "expected text or json");
           settings.json = format == "json";
         },
         "text or json (an object, or one a line, each with \"schema\":1)")
      ->type_name("text|json");
}

void add_settings(CLI::App& app, Settings& settings) {
  add_text(app, "--config", settings.flags.config_file, "FILE", "config file (JSON)");
  add_text(app, "--peers", settings.flags.peers, "LIST", "1=host:port,2=host:port,...");
  add_text(app, "--encryption-key-file", settings.flags.encryption_key_file, "FILE", "the cluster's or a client's key");
  app.add_option_function<std::string>(
         "--timeout",
         [&settings](const std::string& text) {
           settings.timeout = parse_duration(text);
           if (!settings.timeout) throw CLI::ValidationError("--timeout", "expected a duration like 500ms, 30s or 2m");
         },
         "give up after this long without any progress (30s)")
      ->type_name("DUR");
  app.add_option_function<unsigned>(
         "--retries", [&settings](const unsigned& count) { settings.retries = count; },
         "attempts after the first one (8)")
      ->type_name("N");
  add_output_format(app, settings);
  app.add_flag("-q,--quiet", settings.quiet, "ids and errors only");
  app.add_flag("-v,--verbose", settings.verbose, "say what goes on, on stderr");
  app.add_flag("--no-color", settings.no_color, "no colours (also: NO_COLOR)");
  app.add_flag("--no-progress", settings.no_progress, "no progress bar");
}

CLI::App* add_command(CLI::App& app, const CommandHelp& help, Command& command) {
  CLI::App* const sub = app.add_subcommand(help.name, help.summary);
  sub->footer(help.details);
  sub->final_callback([&command, name = help.name] { command.name = name; });
  return sub;
}

void add_options_of(CLI::App& sub, const std::string& name, Command& command) {
  const auto arguments = [&](const char* label, const char* help, bool required) {
    CLI::Option* const option = sub.add_option(label, command.arguments, help);
    if (required) option->required();
    return option;
  };
  if (name == "send-image") {
    arguments("PATH", "files, folders (with -r), or - for standard input", true);
    sub.add_flag("-r,--recursive", command.recursive, "send the images in folders, and in the folders below");
    sub.add_option("-j,--jobs", command.jobs, "uploads at once (4)")->type_name("N")->check(CLI::Range(1U, kJobsMax));
  } else if (name == "get") {
    arguments("ID", "at least 4 digits of the image's id", true)->expected(1);
    add_text(sub, "-O,--output", command.output, "FILE|-", "write here; - is standard output");
  } else if (name == "list") {
    sub.add_option("--limit", command.limit, "at most this many (100); 0 is all")->type_name("N");
    sub.add_option("--after", command.after, "go on after this cursor")->type_name("CURSOR");
    sub.add_option_function<std::string>(
           "--since",
           [&command](const std::string& text) {
             const std::optional<std::int64_t> since = parse_since(text);
             if (!since) throw CLI::ValidationError("--since", "expected 2024-05-01, 2024-05-01T12:00Z, or an age: 7d");
             command.since_ms = *since;
           },
           "only what was stored since then")
        ->type_name("TIME");
  } else if (name == "info") {
    arguments("ID", "at least 4 digits of the image's id", true)->expected(1);
  } else if (name == "rm") {
    arguments("ID", "the images to delete: at least 4 digits of the id of each", true);
    sub.add_flag("-y,--yes", command.yes, "do not ask");
  } else if (name == "verify") {
    arguments("ID", "the images to verify", false);
    sub.add_flag("--all", command.all, "every image");
  } else if (name == "scrub") {
    sub.add_flag("--repair", command.repair, "wait until what was damaged is replaced by good copies");
    sub.add_flag("--stop", command.stop, "end a scrub that is under way");
  } else if (name == "backup") {
    arguments("DIR", "the folder that holds the backup, or will", true)->expected(1);
    sub.add_option("-j,--jobs", command.jobs, "downloads at once (4)")->type_name("N")->check(CLI::Range(1U, kJobsMax));
    sub.add_flag("--prune", command.prune, "remove from DIR what the cluster has deleted");
    sub.add_flag("-y,--yes", command.yes, "do not ask before --prune");
    sub.add_flag("--adopt", command.adopt, "go on with a backup of another cluster, such as the one before a restore");
  } else if (name == "restore") {
    arguments("DIR", "the folder that holds the backup", true)->expected(1);
    sub.add_option("-j,--jobs", command.jobs, "uploads at once (4)")->type_name("N")->check(CLI::Range(1U, kJobsMax));
    sub.add_flag("--check", command.check, "only read the files and compare them with the manifest; no cluster needed");
    sub.add_flag("--deleted", command.deleted, "also what the cluster had deleted when DIR was last written");
  } else if (name == "keygen") {
    arguments("FILE", "the file to create", true)->expected(1);
  } else if (name == "config") {
    arguments("ACTION", "show or check", true)->expected(1)->check(CLI::IsMember({"show", "check"}));
  } else if (name == "completion") {
    arguments("SHELL", "bash, zsh or fish", true)->expected(1)->check(CLI::IsMember({"bash", "zsh", "fish"}));
  } else if (name == "help") {
    arguments("COMMAND", "the command to explain", false)->expected(0, 1);
  }
}

void add_commands(CLI::App& app, Command& command) {
  app.require_subcommand(0, 1);
  for (const CommandHelp& help : command_help())
    add_options_of(*add_command(app, help, command), help.name, command);
}

int usage_error(const Settings& settings, const std::string& text, const std::string& command) {
  if (settings.json) {
    std::cerr << usage_error_json(text) << '\n';
  } else {
    std::cerr << "[Client] ✗ " << text << "\nTry: help" << (command.empty() ? "" : " " + command) << '\n';
  }
  return exit_code(cloudp2p::Errc::invalid_argument);
}

Parsed parse(CLI::App& app, std::vector<std::string> words, const Settings& settings) {
  std::string asked;
  for (const std::string& word : words) {
    if (std::find(std::begin(kLater), std::end(kLater), word) != std::end(kLater) && asked.empty())
      return usage_error(settings, word + " is not available in this version", "");
    for (const CommandHelp& help : command_help())
      if (word == help.name && asked.empty()) asked = word;
  }
  std::reverse(words.begin(), words.end());
  try {
    app.parse(std::move(words));
    return std::nullopt;
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::Success&) {
    std::cout << *help_text(asked);
    return 0;
  } catch (const CLI::ParseError& error) {
    return usage_error(settings, error.what(), asked);
  }
}

}  // namespace

Parsed parse_command_line(std::vector<std::string> words, Settings& settings, Command& command) {
  CLI::App app;
  app.fallthrough();
  app.set_version_flag("--version", std::string("cloud-p2p-client ") + cloudp2p::version());
  add_settings(app, settings);
  add_commands(app, command);
  return parse(app, std::move(words), settings);
}

Parsed parse_prompt_line(std::vector<std::string> words, Settings& settings, Command& command) {
  CLI::App app;
  app.fallthrough();
  add_output_format(app, settings);
  add_commands(app, command);
  return parse(app, std::move(words), settings);
}

std::optional<std::string> help_text(const std::string& topic) {
  CLI::App app(kAbout, "client");
  Settings settings;
  Command command;
  add_settings(app, settings);
  app.add_flag("--version", settings.quiet, "print the version");
  app.footer(kFooter);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND ...");
  app.get_formatter()->label("Subcommands", "Commands");
  add_commands(app, command);
  if (topic.empty()) return app.help();
  try {
    return app.get_subcommand(topic)->help("client");
  } catch (const CLI::OptionNotFound&) {
    return std::nullopt;
  }
}

const std::vector<CommandWords>& command_words() {
  static const std::vector<CommandWords> words = {
      {"status", {}, false},
      {"discover", {}, false},
      {"members", {}, false},
      {"ping", {}, false},
      {"step-down", {}, false},
      {"send-image", {"-r", "-j"}, true},
      {"get", {"-O"}, true},
      {"list", {"--limit", "--after", "--since"}, false},
      {"info", {}, false},
      {"rm", {"-y"}, false},
      {"verify", {"--all"}, false},
      {"scrub", {"--repair", "--stop"}, false},
      {"backup", {"-j", "--prune", "-y", "--adopt"}, true},
      {"restore", {"-j", "--check", "--deleted"}, true},
      {"keygen", {}, true},
      {"config", {"show", "check"}, false},
      {"completion", {"bash", "zsh", "fish"}, false},
      {"help", {}, false},
  };
  return words;
}

}  // namespace client
