// The real store of one node on a folder, as a host opens it, with limits that suit small folders.
//
// Thread: the node's. Destruction ends the threads of the store.
#pragma once

#include "store/directory_image_store.hpp"
#include "store/sqlite_catalog.hpp"
#include "store/state_file.hpp"

#include <cloudp2p/node.hpp>

namespace crash {

struct NodeDisk {
  /// `path` is created; the message names what could not be opened.
  [[nodiscard]] cloudp2p::Status open(const std::string& path, cloudp2p::Executor& executor,
                                      cloudp2p::Entropy& entropy, cloudp2p::LogSink& log);

  std::unique_ptr<cloudp2p::store::StoreDirectory> directory;
  std::unique_ptr<cloudp2p::store::StateFile> state;
  std::unique_ptr<cloudp2p::store::SqliteCatalog> catalog;
  std::unique_ptr<cloudp2p::store::DirectoryImageStore> images;
};

}  // namespace crash
