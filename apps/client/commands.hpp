// The commands. Each returns the exit status; what it has to say, it has said.
#pragma once

#include "session.hpp"

namespace client {

[[nodiscard]] int run_command(Session& session, const Command& command);

[[nodiscard]] int run_status(Session& session, const Command& command);
[[nodiscard]] int run_discover(Session& session);
[[nodiscard]] int run_members(Session& session);
[[nodiscard]] int run_ping(Session& session, const Command& command);
[[nodiscard]] int run_step_down(Session& session);
[[nodiscard]] int run_send_image(Session& session, const Command& command);
[[nodiscard]] int run_get(Session& session, const Command& command);
[[nodiscard]] int run_list(Session& session, const Command& command);
[[nodiscard]] int run_info(Session& session, const Command& command);
[[nodiscard]] int run_rm(Session& session, const Command& command);
[[nodiscard]] int run_verify(Session& session, const Command& command);
[[nodiscard]] int run_scrub(Session& session, const Command& command);
[[nodiscard]] int run_backup(Session& session, const Command& command);
[[nodiscard]] int run_restore(Session& session, const Command& command);
[[nodiscard]] int run_keygen(Session& session, const Command& command);
[[nodiscard]] int run_config(Session& session, const Command& command);

/// Reads commands until the end of the input; prompts `> `.
[[nodiscard]] int run_prompt(Session& session);

/// Some of many failed: 3. All of them: what all of them came to.
class ManyResults {
 public:
  void add(int exit_status);
  [[nodiscard]] int exit_status() const;
  [[nodiscard]] std::size_t failed() const { return failed_; }

 private:
  std::size_t total_ = 0;
  std::size_t failed_ = 0;
  int common_ = 0;
};

/// This failure of one of many transfers is not about its image: the others will fare no better.
[[nodiscard]] bool concerns_all(cloudp2p::Errc code);

/// All of them, page by page.
[[nodiscard]] cloudp2p::Result<std::vector<cloudp2p::ImageRecord>> list_all(cloudp2p::ClientHost& host);

/// The fields of a record, for JSON.
void write_record(cloudp2p::JsonWriter& json, const cloudp2p::ImageRecord& record);

}  // namespace client
