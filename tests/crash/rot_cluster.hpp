// Three hosts in this process, as programs embed them, full of images; one of them is there to rot.
//
// Thread:    the test's. Every wait is for a condition and ends in a failed REQUIRE, with what was seen last.
#pragma once

#include "support/temporary_folder.hpp"

#include <cloudp2p/host.hpp>

#include <map>
#include <mutex>

namespace crash {

class RotCluster {
 public:
  /// Stores `images` of them and deletes some others.
  explicit RotCluster(std::size_t images);

  void stop_victim();
  /// It ends as by kill -9: the log of its catalog is left as it was.
  void kill_victim();
  /// False: it does not start; `complaint` says why.
  [[nodiscard]] bool start_victim();
  [[nodiscard]] const std::string& complaint() const { return complaint_; }
  /// It is a member again, lacks nothing, and leads, as the highest id.
  void wait_until_victim_leads();
  /// Whatever a client is told and given, byte by byte. It asks the leader first: the victim.
  void check_what_is_served();
  /// As `client scrub --repair` on the victim.
  void scrub_victim();
  /// All copies on all nodes are good, by their own word and by the victim's files.
  void check_all_is_healed();

  /// Of the victim, which runs: another one means that it found its promises or its records damaged.
  [[nodiscard]] cloudp2p::Incarnation victim_incarnation();

  [[nodiscard]] std::string victim_folder() const { return folder_ / "node3"; }

 private:
  class Lines final : public cloudp2p::LogSink {
    void log(cloudp2p::LogLevel, std::string_view) override {}
  };
  struct Image {
    cloudp2p::Digest digest;
    std::string bytes;
  };
  [[nodiscard]] cloudp2p::Config config(std::uint32_t node) const;
  [[nodiscard]] bool start(std::uint32_t node);
  cloudp2p::Digest store(const std::string& bytes);
  void wait_for(const char* what, const std::function<bool(std::string& seen)>& reached);

  support::TemporaryFolder folder_;
  const std::vector<unsigned> ports_;
  Lines log_;
  std::string complaint_;
  std::map<std::uint32_t, std::unique_ptr<cloudp2p::Host>> hosts_;
  std::unique_ptr<cloudp2p::ClientHost> client_;
  std::vector<Image> images_;
};

}  // namespace crash
