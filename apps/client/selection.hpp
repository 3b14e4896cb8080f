// Which files the arguments of send-image mean.
#pragma once

#include "commands.hpp"

namespace client {

/// A file by its path, or standard input, already read.
struct Outgoing {
  std::string path;
  std::uint64_t size_bytes = 0;
  std::shared_ptr<cloudp2p::ImageSource> source;
};
struct Selection {
  std::vector<Outgoing> files;
  std::size_t skipped = 0;  ///< In folders, and no images.
  ManyResults results;      ///< Arguments that came to nothing, reported.
};

[[nodiscard]] Selection select(Session& session, const Command& command, const cloudp2p::Config& config);

}  // namespace client
