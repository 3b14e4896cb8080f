#include "command_options.hpp"

namespace client {
namespace {

constexpr std::int64_t kListMax = 1'000'000'000;
constexpr unsigned kJobsMax = 64;
/// Without words of its own in the label of the option.
CLI::Validator jobs_range() {
  return CLI::Range(1U, kJobsMax).description("");
}
CLI::Validator one_of(const std::vector<std::string>& choices) {
  return CLI::IsMember(choices).description("");
}

}  // namespace

void add_text(CLI::App& app, const char* name, std::optional<std::string>& out, const char* type, const char* help) {
  app.add_option_function<std::string>(
         name, [&out](const std::string& text) { out = text; }, help)
      ->type_name(type);
}

void add_options_of(CLI::App& sub, const std::string& name, Command& command) {
  const auto arguments = [&](const char* label, const char* help, bool required) {
    CLI::Option* const option = sub.add_option(label, command.arguments, help)->type_name("");
    if (required) option->required();
    return option;
  };
  if (name == "status") {
    sub.add_flag("--check", command.check, "one line, and an exit status for monitors: 0 ok, 3 degraded, 5 down, 4 wrong key");
  } else if (name == "ping") {
    arguments("NODE", "the numbers of the nodes to ask; without any: all", false);
  } else if (name == "send-image") {
    arguments("PATH", "files, folders (with -r), or - for standard input", true);
    sub.add_flag("-r,--recursive", command.recursive, "send the images in folders, and in the folders below");
    sub.add_option("-j,--jobs", command.jobs, "uploads at once (4)")->type_name("N")->check(jobs_range());
  } else if (name == "get") {
    arguments("ID", "at least 4 digits of the image's id", true)->expected(1);
    add_text(sub, "-O,--output", command.output, "FILE|-", "write here; - is standard output");
  } else if (name == "list") {
    sub.add_option("--limit", command.limit, "at most this many (100); 0 is all")
        ->type_name("N")
        ->check(CLI::Range(std::int64_t{0}, kListMax).description(""));
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
    sub.add_option("-j,--jobs", command.jobs, "downloads at once (4)")->type_name("N")->check(jobs_range());
    sub.add_flag("--prune", command.prune, "remove from DIR what the cluster has deleted");
    sub.add_flag("-y,--yes", command.yes, "do not ask before --prune");
    sub.add_flag("--adopt", command.adopt, "go on with a backup of another cluster, such as the one before a restore");
  } else if (name == "restore") {
    arguments("DIR", "the folder that holds the backup", true)->expected(1);
    sub.add_option("-j,--jobs", command.jobs, "uploads at once (4)")->type_name("N")->check(jobs_range());
    sub.add_flag("--check", command.check, "only read the files and compare them with the manifest; no cluster needed");
    sub.add_flag("--deleted", command.deleted, "also what the cluster had deleted when DIR was last written");
  } else if (name == "keygen") {
    arguments("FILE", "the file to create", true)->expected(1);
  } else if (name == "config") {
    arguments("ACTION", "show or check", true)->expected(1)->type_name("show|check")->check(one_of({"show", "check"}));
  } else if (name == "completion") {
    arguments("SHELL", "bash, zsh or fish", true)
        ->expected(1)
        ->type_name("bash|zsh|fish")
        ->check(one_of({"bash", "zsh", "fish"}));
  } else if (name == "help") {
    arguments("COMMAND", "the command to explain", false)->expected(0, 1);
  }
}

}  // namespace client
