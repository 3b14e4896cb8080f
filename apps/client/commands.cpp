#include "commands.hpp"

#include "command_line/completion.hpp"
#include "help.hpp"

namespace client {

using cloudp2p::Errc;
using cloudp2p::Error;

void ManyResults::add(int exit_status) {
  ++total_;
  if (exit_status == 0) return;
  common_ = failed_ == 0 || common_ == exit_status ? exit_status : 1;
  ++failed_;
}

int ManyResults::exit_status() const {
  constexpr int kSomeFailed = 3;
  return failed_ > 0 && failed_ < total_ ? kSomeFailed : common_;
}

bool concerns_all(Errc code) {
  switch (code) {
    case Errc::integrity:
    case Errc::not_found:
    case Errc::refused:
    case Errc::invalid_argument:
    case Errc::conflict:
    case Errc::io: return false;
    default: return true;
  }
}

namespace {

int run_help(Session& session, const Command& command) {
  const std::string topic = command.arguments.empty() ? std::string() : command.arguments.front();
  std::optional<std::string> text = help_text(topic);
  if (!text) return session.out.failure(Error{Errc::invalid_argument, "there is no command " + topic + ": see `help`"});
  if (topic.empty() && session.at_prompt()) {
    std::string list;
    for (const CommandHelp& each : command_help())
      list += "  " + each.name + std::string(12 - each.name.size(), ' ') + each.summary + "\n";
    session.out.print(list + "  exit        leave (also: quit, Ctrl-D)\n`help COMMAND` explains one.");
    return 0;
  }
  text->erase(text->find_last_not_of('\n') + 1);
  session.out.print(*text);
  return 0;
}

int dispatch(Session& session, const Command& command) {
  const std::string& name = command.name;
  if (name == "status") return run_status(session, command);
  if (name == "discover") return run_discover(session);
  if (name == "members") return run_members(session);
  if (name == "ping") return run_ping(session, command);
  if (name == "step-down") return run_step_down(session);
  if (name == "send-image") return run_send_image(session, command);
  if (name == "get") return run_get(session, command);
  if (name == "list") return run_list(session, command);
  if (name == "info") return run_info(session, command);
  if (name == "rm") return run_rm(session, command);
  if (name == "verify") return run_verify(session, command);
  if (name == "scrub") return run_scrub(session, command);
  if (name == "backup") return run_backup(session, command);
  if (name == "restore") return run_restore(session, command);
  if (name == "keygen") return run_keygen(session, command);
  if (name == "config") return run_config(session, command);
  if (name == "completion") {
    session.out.print(command_line::completion_script(program_words(), command.arguments.front()));
    return 0;
  }
  return run_help(session, command);
}

}  // namespace

int run_command(Session& session, const Command& command) {
  const int exit_status = dispatch(session, command);
  session.end_command();
  return exit_status;
}

}  // namespace client
