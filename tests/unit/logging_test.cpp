// The server's log: whole, harmless lines in the file that was asked for, and files that are put aside in time.
#include "support/temporary_folder.hpp"

#include "logging.hpp"
#include "status_line.hpp"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <filesystem>

using cloudp2p::Config;
using cloudp2p::LogLevel;
using server::Logging;
using support::read_file;

namespace {

struct Log {
  support::TemporaryFolder folder;
  Config config;
  Logging logging;

  explicit Log(bool json = false) {
    config.log_file = folder / "node.log";
    config.log_json = json;
  }
  void configure() { REQUIRE(logging.configure(config).ok()); }
  [[nodiscard]] std::string text() const { return read_file(config.log_file); }
};

/// Every byte, and every sequence of two bytes that UTF-8 makes of a control character.
std::string everything() {
  std::string out;
  for (int byte = 0; byte < 256; ++byte)
    out += static_cast<char>(byte);
  for (int byte = 0x80; byte < 0xa0; ++byte)
    out += std::string("\xc2") + static_cast<char>(byte);
  return out + "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae\xe2\x81\xa6" + "\xf0\x9f\x93\xb7";
}

}  // namespace

TEST_SUITE("logging") {
  TEST_CASE("printable leaves what people write and nothing that acts") {
    CHECK(cloudp2p::printable("Zoë – 日本 📷 ~") == "Zoë – 日本 📷 ~");
    CHECK(cloudp2p::printable("a\nb\tc\x1b[0m\x7f") == "a?b?c?[0m?");
    CHECK(cloudp2p::printable("\xc2\x85|\xc2\x9b|\xe2\x80\xa8|\xe2\x80\xae|\xe2\x81\xa9|\xff|\xc3") == "?|?|?|?|?|?|?");
    CHECK(cloudp2p::printable(std::string("a\0b", 3)) == "a?b");
  }

  TEST_CASE("whatever a line holds, it is one line") {
    Log log;
    log.configure();
    log.logging.log(LogLevel::error, everything());
    log.logging.log(LogLevel::warning, "next");
    const std::string text = log.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
    for (const std::string_view line : {std::string_view(text).substr(0, text.find('\n'))})
      CHECK(line == cloudp2p::printable(line));
  }

  TEST_CASE("a line in JSON names the event and gives the words back, made harmless") {
    Log log(true);
    log.configure();
    log.logging.log_event(LogLevel::warning, "leader_lost", "node \"2\" said \x1b[31m\n\xc2\x9b\xe2\x80\xae\xff");
    const std::string text = log.text();
    CHECK(text.find('\n') == text.size() - 1);
    CHECK(text.substr(0, text.size() - 1) == cloudp2p::printable(text.substr(0, text.size() - 1)));
    simdjson::dom::parser parser;
    const simdjson::dom::element line = parser.parse(text);
    CHECK(std::string_view(line["level"]) == "warning");
    CHECK(std::string_view(line["event"]) == "leader_lost");
    CHECK(std::string_view(line["message"]) == "node \"2\" said \x1b[31m\n\xc2\x9b\xe2\x80\xae\xef\xbf\xbd");
    CHECK(std::uint64_t(line["schema"]) == 1);
  }

  TEST_CASE("a line is cut at 4 KiB") {
    Log log;
    log.configure();
    log.logging.log(LogLevel::error, std::string(100'000, 'x'));
    CHECK(log.text().size() < 4'200);
  }

  TEST_CASE("a file that is full is put aside, and the oldest goes") {
    Log log;
    log.config.log_file_bytes_max = 4'096;
    log.config.log_files_kept = 2;
    log.configure();
    for (int i = 0; i < 500; ++i)
      log.logging.log(LogLevel::error, "line " + std::to_string(i));
    CHECK(log.text().size() <= 4'096);
    CHECK(log.text().find("line 499\n") != std::string::npos);
    CHECK(read_file(log.folder / "node.1.log").size() <= 4'096);
    CHECK_FALSE(read_file(log.folder / "node.2.log").empty());
    CHECK_FALSE(std::filesystem::exists(log.folder / "node.3.log"));
    // In order, and none lost between two files.
    const std::string kept = read_file(log.folder / "node.2.log") + read_file(log.folder / "node.1.log") + log.text();
    int expected = -1;
    for (std::size_t at = kept.find("line "); at != std::string::npos; at = kept.find("line ", at + 1)) {
      const int number = std::stoi(kept.substr(at + 5));
      if (expected >= 0) CHECK(number == expected);
      expected = number + 1;
    }
    CHECK(expected == 500);
  }

  TEST_CASE("a file grows for ever when that is asked for") {
    Log log;
    log.config.log_file_bytes_max = 0;
    log.configure();
    for (int i = 0; i < 500; ++i)
      log.logging.log(LogLevel::error, std::string(1'000, 'x'));
    CHECK(log.text().size() > 500'000);
    CHECK_FALSE(std::filesystem::exists(log.folder / "node.1.log"));
  }

  TEST_CASE("a file that another program moved away is made anew at a reload") {
    Log log;
    log.configure();
    log.logging.log(LogLevel::error, "before");
    std::filesystem::rename(log.config.log_file, log.folder / "moved");
    log.logging.log(LogLevel::error, "between");
    log.configure();
    log.logging.log(LogLevel::error, "after");
    CHECK(read_file(log.folder / "moved").find("between") != std::string::npos);
    CHECK(log.text().find("after") != std::string::npos);
    CHECK(log.text().find("before") == std::string::npos);
  }

  TEST_CASE("a log that can not be opened is refused, and the one before goes on") {
    Log log;
    log.configure();
    Config other = log.config;
    other.log_file = "/proc/no/such/folder/node.log";
    const cloudp2p::Status refused = log.logging.configure(other);
    CHECK(refused.code() == cloudp2p::Errc::bad_config);
    CHECK(refused.error().text().find("/proc/no/such/folder/node.log") != std::string::npos);
    log.logging.log(LogLevel::error, "still here");
    CHECK(log.text().find("still here") != std::string::npos);
  }

  TEST_CASE("the status line says who leads, what lacks and how the disk is") {
    cloudp2p::NodeStatus status;
    status.id = cloudp2p::NodeId{2};
    CHECK(server::status_line(status) == "node 2 reads its disk (term 0); 0 images, 0 missing here; disk ok");
    status.recovered = true;
    status.election.term = 7;
    status.election.leader = cloudp2p::NodeId{3};
    status.catalog.images = 1200;
    status.catalog.missing = 4;
    status.under_replicated = 4;
    CHECK(server::status_line(status) ==
          "node 2 follows node 3 (term 7); 1200 images, 4 missing here; disk ok; 4 images have "
          "fewer copies than they should");
    status.election.role = cloudp2p::ElectionRole::leader;
    status.serving = true;
    status.under_replicated = 0;
    status.store.health = cloudp2p::StoreHealth::full;
    status.store.problem = "no\nroom";
    CHECK(server::status_line(status) == "node 2 leads (term 7); 1200 images, 4 missing here; disk full: no?room");
  }
}
