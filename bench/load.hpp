// Clients that upload and read as fast as they can.
#pragma once

#include "clock.hpp"
#include "cluster.hpp"

#include <cloudp2p/host.hpp>

#include <mutex>

namespace bench {

/// Random bytes behind a JPEG header; every image differs from every other in its first chunk.
class ImageMaker {
 public:
  explicit ImageMaker(std::size_t image_bytes);
  /// Hashes it on the calling thread, as `client` does with a file.
  [[nodiscard]] std::shared_ptr<cloudp2p::ImageSource> next();

 private:
  cloudp2p::Buffer pool_;
  std::mutex mutex_;
  std::uint64_t made_ = 0;
  std::uint64_t salt_;
};

struct LoadResult {
  std::size_t images = 0;
  double seconds = 0;
  std::vector<double> latencies_ms;
  std::vector<std::string> ids;
  std::size_t failures = 0;
  std::string failure;  ///< The first.

  [[nodiscard]] double rate() const { return seconds > 0 ? static_cast<double>(images) / seconds : 0; }
};

/// `clients` threads, each with one image at a time; they share at most `client_hosts` connections to a node.
class Clients {
 public:
  Clients(Cluster& cluster, unsigned clients, unsigned client_hosts);
  [[nodiscard]] LoadResult upload(ImageMaker& images, double seconds, std::size_t images_min);
  [[nodiscard]] LoadResult read(const std::vector<std::string>& ids, double seconds);

 private:
  struct Shared;
  template <class Work>
  [[nodiscard]] LoadResult run(double seconds, std::size_t images_min, Work work);

  const unsigned clients_;
  std::vector<std::unique_ptr<cloudp2p::ClientHost>> hosts_;
};

}  // namespace bench
