// What the commands of one run share: the settings, the output, and one connection to the cluster, made when needed.
#pragma once

#include "interrupts.hpp"
#include "output.hpp"

#include <cloudp2p/host.hpp>

namespace client {

class Session {
  Settings settings_;  // Before `out`, which refers to it.

 public:
  Session(Settings settings, bool at_prompt);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Output out;
  Interrupts interrupts;

  /// May be changed for one command; not what the configuration is made of.
  [[nodiscard]] Settings& settings() { return settings_; }
  [[nodiscard]] bool at_prompt() const { return at_prompt_; }
  /// Loaded and validated the first time.
  [[nodiscard]] cloudp2p::Result<cloudp2p::Config*> config();
  /// Opened the first time. From here to `end_command` an interrupt cancels what is under way.
  [[nodiscard]] cloudp2p::Result<cloudp2p::ClientHost*> host();
  void end_command();

 private:
  class Log final : public cloudp2p::LogSink {
   public:
    explicit Log(Output& out) : out_(out) {}
    void log(cloudp2p::LogLevel, std::string_view line) override { out_.log(line); }

   private:
    Output& out_;
  };

  [[nodiscard]] cloudp2p::Status load();

  const bool at_prompt_;
  Log log_;
  std::optional<cloudp2p::Config> config_;
  std::unique_ptr<cloudp2p::ClientHost> host_;
};

}  // namespace client
