#include "environment.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>

namespace server {
namespace {

constexpr const char* kSecret = "ENCRYPTION_KEY";
constexpr const char* kNames[] = {"CONFIG_FILE", "NODE_ID", "PEERS", "SHARED_DIR", kSecret, "BIND"};

}  // namespace

Environment::Environment() {
  for (const char* name : kNames) {
    char* const text = std::getenv(name);
    if (text == nullptr) continue;
    values_[name] = text;
    if (std::strcmp(name, kSecret) != 0) continue;
    ::explicit_bzero(text, std::strlen(text));  // Unsetting alone leaves it readable in /proc.
    ::unsetenv(name);
  }
}

Environment::~Environment() {
  const auto secret = values_.find(kSecret);
  if (secret != values_.end()) ::explicit_bzero(secret->second.data(), secret->second.size());
}

std::optional<std::string> Environment::get(const std::string& name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::nullopt : std::optional(at->second);
}

void forbid_core_dumps() {
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace server
