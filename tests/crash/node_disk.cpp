#include "crash/node_disk.hpp"

#include "crypto/digest.hpp"

namespace crash {

using namespace cloudp2p;

namespace {

class DigestOfImage final : public store::Hasher {
 public:
  void update(ByteView bytes) override { hasher_.update(bytes); }
  [[nodiscard]] Digest finish() override { return hasher_.finish(); }

 private:
  crypto::DigestHasher hasher_;
};

}  // namespace

Status NodeDisk::open(const std::string& path, Executor& executor, Entropy& entropy, LogSink& log) {
  store::StoreDirectoryOptions options;
  options.space = {0, 0, 64 * 1024};
  options.notice_copies = false;
  auto opened = store::StoreDirectory::open(path, options, entropy);
  if (!opened.ok()) return opened.error();
  directory = std::move(*opened);
  store::DirectoryImageStoreOptions unhurried;
  unhurried.verify.bytes_per_second_max = std::uint64_t{1} << 40;
  images = std::make_unique<store::DirectoryImageStore>(
      executor, *directory, [] { return std::make_unique<DigestOfImage>(); }, log, unhurried);
  state = std::make_unique<store::StateFile>(executor, *directory);
  const std::string file = directory->meta_path() + "/catalog.sqlite";
  store::SqliteCatalogOptions small;
  small.wal_pages_max = 24;  // So that a short run sees its log moved into the file, and begun again.
  small.journal.path = directory->meta_path() + "/journal";
  catalog = std::make_unique<store::SqliteCatalog>(file, executor, log, small);
  return catalog->open();
}

}  // namespace crash
