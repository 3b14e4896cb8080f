#include "options.hpp"

#include "command_line/manual.hpp"
#include "command_options.hpp"
#include "help.hpp"

#include <cloudp2p/host.hpp>

#include <CLI/CLI.hpp>

#include <iostream>

namespace client {
namespace {

constexpr const char* kLater[] = {"watch"};

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
           if (!settings.timeout)
             throw CLI::ValidationError("--timeout", "expected a duration like 500ms, 30s or 2m; a number alone is seconds");
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

void add_commands(CLI::App& app, Command& command) {
  app.require_subcommand(0, 1);
  for (const CommandHelp& help : command_help())
    add_options_of(*add_command(app, help, command), help.name, command);
}

/// Parses, and says what there is to say. At the prompt errors are part of the conversation, on stdout.
class Parser {
 public:
  Parser(CLI::App& app, const Settings& settings, std::ostream& errors)
      : app_(app), settings_(settings), errors_(errors) {}

  Parsed parse(std::vector<std::string> words) {
    find_command(words);
    if (!later_.empty()) return usage_error(later_ + " is not available in this version");
    std::reverse(words.begin(), words.end());
    try {
      app_.parse(std::move(words));
      return std::nullopt;
    } catch (const CLI::CallForVersion& version) {
      return app_.exit(version);
    } catch (const CLI::Success&) {
      std::cout << *help_text(asked_);
      return 0;
    } catch (const CLI::ExtrasError& error) {
      if (!asked_.empty() || !is_word(app_.remaining())) return usage_error(error.what());
      return usage_error("there is no command " + app_.remaining().front());
    } catch (const CLI::ParseError& error) {
      return usage_error(error.what());
    }
  }

 private:
  static bool is_word(const std::vector<std::string>& words) {
    return !words.empty() && !words.front().starts_with('-');
  }

  void find_command(const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      if (!asked_.empty()) return;
      if (std::find(std::begin(kLater), std::end(kLater), word) != std::end(kLater)) later_ = word;
      for (const CommandHelp& help : command_help())
        if (word == help.name) asked_ = word;
    }
  }

  int usage_error(const std::string& text) {
    if (settings_.json) {
      std::cerr << usage_error_json(text) << '\n';
    } else {
      errors_ << "[Client] ✗ " << cloudp2p::printable(text) << "\nTry: help" << (asked_.empty() ? "" : " " + asked_) << std::endl;
    }
    return exit_code(cloudp2p::Errc::invalid_argument);
  }

  CLI::App& app_;
  const Settings& settings_;
  std::ostream& errors_;
  std::string asked_;
  std::string later_;
};

}  // namespace

Parsed parse_command_line(std::vector<std::string> words, Settings& settings, Command& command) {
  CLI::App app;
  app.fallthrough();
  app.set_version_flag("--version", std::string("cloud-p2p-client ") + cloudp2p::version());
  std::string manual;  // For the build, not for people.
  app.add_option("--manual", manual)->group("");
  add_settings(app, settings);
  add_commands(app, command);
  if (Parsed done = Parser(app, settings, std::cerr).parse(std::move(words))) return done;
  if (manual.empty()) return std::nullopt;
  std::cout << command_line::program_page(program_words(),
                                          {"cloud-p2p-client", 1, std::string("cloudp2p ") + cloudp2p::version()},
                                          {"cloud-p2p(8)", "cloud-p2p.json(5)"});
  return 0;
}

Parsed parse_prompt_line(std::vector<std::string> words, Settings& settings, Command& command) {
  CLI::App app;
  app.fallthrough();
  add_output_format(app, settings);
  add_commands(app, command);
  return Parser(app, settings, std::cout).parse(std::move(words));
}

namespace {

/// Everything that help speaks of, in a parser that is never used to parse.
class Definition {
 public:
  Definition() : app_(kAbout, "client") {
    add_settings(app_, settings_);
    app_.add_flag("--version", settings_.quiet, "print the version");
    app_.footer(kFooter);
    app_.get_formatter()->label("SUBCOMMAND", "COMMAND ...");
    app_.get_formatter()->label("Subcommands", "Commands");
    add_commands(app_, command_);
  }
  [[nodiscard]] CLI::App& app() { return app_; }

 private:
  CLI::App app_;
  Settings settings_;
  Command command_;
};

}  // namespace

std::optional<std::string> help_text(const std::string& topic) {
  Definition definition;
  if (topic.empty()) return definition.app().help();
  try {
    return definition.app().get_subcommand(topic)->help("client");
  } catch (const CLI::OptionNotFound&) {
    return std::nullopt;
  }
}

const command_line::ProgramWords& program_words() {
  static const command_line::ProgramWords words = command_line::words_of(Definition().app(), "cloud-p2p-client");
  return words;
}

}  // namespace client
