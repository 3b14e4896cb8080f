// The configuration file, and the texts that flags and variables bring.
#include <cloudp2p/config.hpp>

#include "input.hpp"

using namespace cloudp2p;

namespace {

void check_file(const std::string& text) {
  const Result<Config> config = parse_config(text, "config.json");
  if (!config.ok()) {
    fuzz::require(config.code() == Errc::bad_config, "a bad file is a bad configuration");
    fuzz::require(config.error().message.find("config.json") != std::string::npos, "and the message names it");
    return;
  }
  (void)validate(*config, true);
  if (!validate(*config, false).ok() || !config->encryption_key.empty()) return;  // A key is never printed.
  const std::string printed = to_json(*config);
  const Result<Config> again = parse_config(printed, "printed.json");
  fuzz::require(again.ok(), "what is printed can be read");
  fuzz::require(to_json(*again) == printed, "and means the same");
}

void check_variable(const char* variable, const std::string& text) {
  const auto environment = [&](const char* name) {
    return std::string_view(name) == variable ? std::optional<std::string>(text) : std::nullopt;
  };
  const Result<Config> config = load_config({}, environment);
  if (config.ok()) return (void)validate(*config, true);
  fuzz::require(config.error().message.find(variable) != std::string::npos, "the message names the variable");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr const char* kVariables[] = {"PEERS", "NODE_ID", "BIND", "ENCRYPTION_KEY", "SHARED_DIR"};
  if (size == 0) return 0;
  fuzz::Input input(data + 1, size - 1);
  const std::string text = input.rest_as_text();
  const std::size_t which = static_cast<std::size_t>(data[0] - '0');
  // A first byte of '0' to '4' is a variable; anything else begins a file, '{' among it.
  if (which < std::size(kVariables)) {
    check_variable(kVariables[which], text);
  } else {
    check_file(std::string(1, static_cast<char>(data[0])) + text);
  }
  return 0;
}
