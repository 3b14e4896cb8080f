// MemoryImageStore: images on a simulated disk. A commit that was not called back is kept whole or lost, by the seed;
// a put that was not committed is lost. Waiting commits share a sync.
#pragma once

#include "sim/content_hash.hpp"
#include "sim/disk.hpp"

#include <cloudp2p/image_store.hpp>

#include <functional>
#include <map>
#include <set>
#include <variant>

namespace cloudp2p::sim {

class MemoryImageStore final : public ImageStore {
 public:
  explicit MemoryImageStore(Disk& disk) : disk_(disk) {}
  /// Called when an image is durable, and when it leaves the disk.
  void watch(std::function<void(const Digest&)> stored, std::function<void(const Digest&)> gone) {
    on_stored_ = std::move(stored);
    on_gone_ = std::move(gone);
  }

  void begin_put(PutHeader header, Callback<void(Result<PutId>)> done) override;
  void append(PutId put, Buffer bytes, Callback<void(Status)> done) override;
  void commit(PutId put, Callback<void(Result<StoredImage>)> done) override;
  void abort(PutId put) override;
  void read(const std::string& file_name, ReadRange range, Callback<void(Result<Buffer>)> done) override;
  void erase(const std::string& file_name, Callback<void(Status)> done) override;
  void verify(const Digest& digest, const std::string& file_name, Callback<void(Status)> done) override;
  void quarantine(const std::string& file_name, Callback<void(Status)> done) override {
    erase(file_name, std::move(done));
  }
  void identify(const std::string& file_name, Callback<void(Result<ImageRecord>)> done) override;
  /// Tells as much of a digest as a file name does.
  void list(Callback<void(Result<std::vector<StoredImage>>)> done) override;
  [[nodiscard]] StoreStatus status() const override;

  void crash();
  /// Every change is made there as well, at the same instant. Null: no more.
  void mirror_to(MemoryImageStore* mirror) noexcept { mirror_ = mirror; }
  [[nodiscard]] bool idle() const noexcept { return calls_ == 0 && syncing_.empty() && waiting_.empty(); }
  void forget_puts() { puts_.clear(); }
  /// What it refuses it refuses because another machine writes there.
  [[nodiscard]] bool fenced_off() const noexcept { return refused_.code == Errc::stale_term; }
  /// A machine that restarts has its store writable again.
  void reopen() noexcept { refused_ = {}; }
  /// Bytes of this content, complete and with the right digest, survive a power loss now.
  [[nodiscard]] bool holds(const Digest& digest) const { return by_digest_.contains(digest); }
  /// The same, less what `corrupt` spoilt: from memory, without reading.
  [[nodiscard]] bool sound(const Digest& digest) const { return holds(digest) && !rotten_.contains(digest); }
  /// Of two files of that content it is this one that `holds` and `sound` tell of.
  [[nodiscard]] bool names(const Digest& digest, const std::string& file_name) const {
    const auto at = by_digest_.find(digest);
    return at != by_digest_.end() && at->second == file_name;
  }
  /// What a reader would get has the right digest.
  [[nodiscard]] bool intact(const Digest& digest) const;
  struct File {
    std::vector<Buffer> parts;
    StoredImage about;
  };
  using Files = std::map<std::string, File, std::less<>>;
  [[nodiscard]] const Files& files() const noexcept { return files_; }
  /// The disk holds these from now on, and nothing else; before `reopen`.
  void replace(Files files);
  /// The file goes, and nobody is told. False when there is none.
  bool lose(const Digest& digest);
  /// One bit of a stored image flips where it lies. False when there is none, or one is flipped already.
  bool corrupt(const Digest& digest);

 private:
  struct Put {
    PutHeader header;
    std::vector<Buffer> parts;
    ContentHash hash;
    std::size_t appends_under_way = 0;
    TimePoint written_at{};                      ///< When the last of them will be done: they finish in order.
    Callback<void(Result<StoredImage>)> commit;  ///< Waits for them.
  };
  struct Commit {
    Put put;
    Callback<void(Result<StoredImage>)> done;
  };
  struct Erasure {
    std::string file_name;
    Callback<void(Status)> done;
  };
  using Work = std::variant<Commit, Erasure>;  ///< In the order of the calls.

  /// Why this call can not be carried out; no error when it can. What refuses for good is remembered.
  [[nodiscard]] Error refusal(testing::DiskCall call);
  void appended(PutId id, Callback<void(Status)> done);
  void commit_when_written(PutId id);
  void enqueue(Work work);
  void sync_next();
  void finish(Commit& commit);
  void finish(Erasure& erasure);
  void drop(const std::string& file_name);
  void note(const std::string& name, const File& file);
  [[nodiscard]] Result<StoredImage> publish(const Put& put);
  [[nodiscard]] Result<Buffer> read_now(const std::string& file_name, ReadRange range) const;

  Disk& disk_;
  Files files_;
  std::map<Digest, std::string> by_digest_;  ///< Of two files of one content the good one.
  std::set<Digest> rotten_;
  std::map<PutId, Put> puts_;
  std::vector<Work> waiting_;
  std::vector<Work> syncing_;
  std::uint64_t last_put_ = 0;
  std::size_t calls_ = 0;  ///< Under way, commits and erasures aside.
  MemoryImageStore* mirror_ = nullptr;
  Error refused_;  ///< For good: until a restart.
  std::function<void(const Digest&)> on_stored_;
  std::function<void(const Digest&)> on_gone_;
};

}  // namespace cloudp2p::sim
