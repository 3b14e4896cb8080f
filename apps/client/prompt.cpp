// The interactive prompt.
#include "commands.hpp"
#include "line_editor.hpp"
#include "line_words.hpp"

#include <unistd.h>

#include <future>

namespace client {

using cloudp2p::ClientHost;
using cloudp2p::Result;

namespace {

void run_line(Session& session, std::vector<std::string> words) {
  Settings& settings = session.settings();
  const bool json = settings.json;
  Command command;
  if (!parse_prompt_line(std::move(words), settings, command)) (void)run_command(session, command);
  settings.json = json;  // `-o` was meant for this line.
}

/// For Tab: the newest images. The prompt stands still meanwhile, so that a cluster which does not answer at once is
/// left.
std::vector<std::string> ids_beginning(Session& session, const std::string& typed) {
  constexpr std::chrono::seconds kPatience{2};
  std::vector<std::string> out;
  if (const Result<ClientHost*> host = session.host()) {
    auto listed = std::async(std::launch::async, [host = *host] {
      return host->list({cloudp2p::limits::kListPageMax, {}, 0});
    });
    while (listed.wait_for(kPatience) == std::future_status::timeout)
      (*host)->cancel_all();
    const Result<cloudp2p::ListPage> page = listed.get();
    for (std::size_t i = 0; page && i < page->entries.size(); ++i)
      if (std::string id = short_id(page->entries[i].record.digest); id.rfind(typed, 0) == 0)
        out.push_back(std::move(id));
  }
  session.end_command();
  return out;
}

}  // namespace

int run_prompt(Session& session) {
  const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  const std::unique_ptr<LineReader> reader =
      terminal ? terminal_reader(session.interrupts,
                                 [&session](const std::string& typed) { return ids_beginning(session, typed); })
               : plain_reader(session.out.json() ? "" : "> ");
  if (terminal) session.out.note("cloudp2p client " + std::string(cloudp2p::version()) + ": `help` lists the commands");
  while (const std::optional<std::string> line = reader->next()) {
    std::optional<std::vector<std::string>> words = split_words(*line);
    if (!words) {
      (void)session.out.failure(cloudp2p::Error{cloudp2p::Errc::invalid_argument, "a quote is not closed"});
      continue;
    }
    if (words->empty()) continue;
    if (words->front() == "exit" || words->front() == "quit") break;
    run_line(session, std::move(*words));
  }
  return 0;
}

}  // namespace client
