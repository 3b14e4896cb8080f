// The command lines of the client and the server, and the prompt's lines.
#include "client/line_words.hpp"
#include "client/options.hpp"
#include "cloud-p2p/options.hpp"
#include "input.hpp"

#include <cloudp2p/host.hpp>

#include <iostream>
#include <sstream>

namespace cloudp2p {

// The programs' own; the rest of the host is not needed here.
const char* version() noexcept { return "0"; }

}  // namespace cloudp2p

namespace {

/// What parsing says goes nowhere: help texts are long.
class Silence {
 public:
  Silence() : out_(std::cout.rdbuf(nowhere_.rdbuf())), err_(std::cerr.rdbuf(nowhere_.rdbuf())) {}
  ~Silence() {
    std::cout.rdbuf(out_);
    std::cerr.rdbuf(err_);
  }

 private:
  std::ostringstream nowhere_;
  std::streambuf* out_;
  std::streambuf* err_;
};

void check_words(const std::string& line) {
  const auto words = client::split_words(line);
  const client::OpenWord open = client::open_word(line);
  fuzz::require(open.begin <= line.size(), "the open word begins within the line");
  if (!words) return;
  const std::string escaped = client::escaped(line);
  if (line.empty() || line[0] == '~' || line.find('\n') != line.npos) return;
  const auto whole = client::split_words(escaped);
  fuzz::require(whole && whole->size() == 1 && whole->front() == line, "what is escaped is one word again");
}

void check_server(std::vector<std::string> words) {
  words.insert(words.begin(), "cloud-p2p");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  server::Options options;
  const std::optional<int> exit = server::parse(static_cast<int>(words.size()), argv.data(), options);
  fuzz::require(!exit || *exit == server::kOk || *exit == server::kUsage, "help, version, or a usage error");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const auto which = input.number();
  const std::string line = input.rest_as_text();
  const Silence silence;
  check_words(line);
  (void)client::parse_duration(line);
  (void)client::parse_since(line);
  auto words = client::split_words(line);
  if (!words) return 0;
  client::Settings settings;
  client::Command command;
  client::Parsed parsed;
  switch (which % 3) {
    case 0: parsed = client::parse_prompt_line(std::move(*words), settings, command); break;
    case 1: parsed = client::parse_command_line(std::move(*words), settings, command); break;
    default: check_server(std::move(*words)); return 0;
  }
  fuzz::require(!parsed || *parsed == 0 || *parsed == 2, "a command, help, or a usage error");
  fuzz::require(command.jobs >= 1 && command.jobs <= 64, "limits hold");
  return 0;
}
