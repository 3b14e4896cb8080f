// Three nodes in processes of their own, on loopback, in a folder that goes with them.
//
// Thread:    one. Errors: exceptions; a benchmark that cannot set up its cluster has nothing to say.
#pragma once

#include "clock.hpp"
#include "options.hpp"
#include "process.hpp"
#include "serve.hpp"

#include <cloudp2p/host.hpp>

#include <array>
#include <filesystem>

namespace bench {

/// A new folder on a real disk; emptied with its owner, removed when the program ends.
class WorkFolder {
 public:
  explicit WorkFolder(const Options& options);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  const bool keep_;
  std::filesystem::path path_;
};

class QuietLog final : public cloudp2p::LogSink {
 public:
  void log(cloudp2p::LogLevel, std::string_view) override {}
};

inline constexpr std::size_t kNodes = 3;

class Cluster {
 public:
  struct Setup {
    std::string takeover = "polite";  ///< The product's default.
  };
  /// Only prepares; nothing runs yet.
  Cluster(const Options& options, Setup setup);
  Cluster(const Options& options) : Cluster(options, Setup{}) {}
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  void start();
  void start(std::size_t node);
  /// SIGTERM, and wait.
  void stop();
  void stop(std::size_t node);
  /// Every node answers, has every image, and all agree; returns who leads.
  std::size_t wait_until_settled(Seconds patience = Seconds(60));

  [[nodiscard]] ChildProcess& process(std::size_t node) { return processes_.at(node); }
  [[nodiscard]] std::filesystem::path folder(std::size_t node) const;
  [[nodiscard]] bool has_said(std::size_t node, const std::string& words) const;
  /// When a node last printed these words; only when this program is the node.
  [[nodiscard]] std::optional<double> said_at(std::size_t node, const std::string& words) const;
  void forget_output(std::size_t node) const;
  /// What a node counted; only when this program is the node.
  [[nodiscard]] std::optional<NodeLine> status(std::size_t node);

  [[nodiscard]] const cloudp2p::Config& client_config() const { return client_; }
  [[nodiscard]] std::unique_ptr<cloudp2p::ClientHost> connect();

  [[nodiscard]] static std::size_t index_of(cloudp2p::NodeId id) { return cloudp2p::value(id) - 1; }

 private:
  [[nodiscard]] std::filesystem::path output_file(std::size_t node) const;
  [[nodiscard]] std::string output(std::size_t node) const;
  [[nodiscard]] std::optional<std::size_t> settled_leader(cloudp2p::ClientHost& client) const;

  const Options& options_;
  WorkFolder work_;
  QuietLog quiet_;
  cloudp2p::Config client_;
  std::array<ChildProcess, kNodes> processes_;
};

}  // namespace bench
