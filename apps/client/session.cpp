#include "session.hpp"

#include <cstdlib>
#include <cstring>

namespace client {

using cloudp2p::ClientHost;
using cloudp2p::Config;
using cloudp2p::Result;
using cloudp2p::Status;

namespace {

/// /proc/PID/environ shows the variables for as long as their bytes are there.
void forget_key_variable() {
  char* const key = std::getenv("ENCRYPTION_KEY");
  if (key == nullptr) return;
  ::explicit_bzero(key, std::strlen(key));
  ::unsetenv("ENCRYPTION_KEY");
}

}  // namespace

Session::Session(Settings settings, bool at_prompt)
    : settings_(std::move(settings)), out(settings_, at_prompt), at_prompt_(at_prompt), log_(out) {}

Session::~Session() {
  interrupts.disarm();
}

Status Session::load() {
  Result<Config> loaded = cloudp2p::load_config(settings_.flags, [](const char* name) -> std::optional<std::string> {
    const char* const text = std::getenv(name);
    return text == nullptr ? std::nullopt : std::optional<std::string>(text);
  });
  if (!loaded) return loaded.error();
  if (settings_.timeout) loaded->timeout = *settings_.timeout;
  if (settings_.retries) loaded->retries = *settings_.retries;
  if (Status valid = cloudp2p::validate(*loaded, false); !valid) return valid;
  config_ = std::move(*loaded);
  for (const std::string& warning : config_->warnings)
    out.log(warning);
  forget_key_variable();
  return {};
}

Result<Config*> Session::config() {
  if (!config_) {
    if (const Status loaded = load(); !loaded) return loaded.error();
  }
  return &*config_;
}

Result<ClientHost*> Session::host() {
  if (!host_) {
    const Result<Config*> settings = config();
    if (!settings) return settings.error();
    Result<std::unique_ptr<ClientHost>> opened = ClientHost::open(**settings, log_);
    if (!opened) return std::move(opened).error();
    host_ = std::move(*opened);
  }
  interrupts.arm([this] { host_->cancel_all(); });
  return host_.get();
}

void Session::end_command() {
  interrupts.disarm();
}

}  // namespace client
