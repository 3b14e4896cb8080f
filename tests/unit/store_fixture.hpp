// A store on a real temporary directory, driven from one thread.
#pragma once

#include "store/directory_image_store.hpp"
#include "store/state_file.hpp"

#include <doctest/doctest.h>
#include <sodium.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace cloudp2p::store_test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// Posted work runs on the thread that waits for a condition.
class WaitingExecutor final : public Executor {
 public:
  void post(Callback<void()> work) override {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    wake_.notify_one();
  }
  template <class Condition>
  [[nodiscard]] bool run_until(Condition&& reached) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!reached()) {
      std::unique_lock lock(mutex_);
      // The short wait is for conditions that no posted work announces.
      wake_.wait_for(lock, 1ms, [this] { return !queue_.empty(); });
      if (queue_.empty() && std::chrono::steady_clock::now() > deadline) return false;
      if (queue_.empty()) continue;
      const Callback<void()> work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
    }
    return true;
  }
  void run_all() {
    while (!queue_.empty()) {
      const Callback<void()> work = std::move(queue_.front());
      queue_.pop_front();
      work();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Callback<void()>> queue_;
};

struct SilentLog final : LogSink {
  void log(LogLevel, std::string_view) override {}
};

struct CountingEntropy final : Entropy {
  void fill(std::span<std::byte> out) override {
    for (std::byte& b : out)
      b = static_cast<std::byte>(++next);
  }
  unsigned next = 0;
};

class SodiumHasher final : public store::Hasher {
 public:
  SodiumHasher() { crypto_generichash_init(&state_, nullptr, 0, Digest::kSize); }
  void update(ByteView bytes) override {
    crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
  Digest finish() override {
    Digest digest;
    crypto_generichash_final(&state_, reinterpret_cast<unsigned char*>(digest.bytes.data()), Digest::kSize);
    return digest;
  }

 private:
  crypto_generichash_state state_;
};

inline store::HasherFactory sodium_hashers() {
  return [] { return std::make_unique<SodiumHasher>(); };
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "cloudp2p-store-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Picture {
  std::string bytes;
  std::string name = "holiday.jpg";
  [[nodiscard]] ByteView view() const { return std::as_bytes(std::span(bytes)); }
  [[nodiscard]] Digest digest() const {
    SodiumHasher hasher;
    hasher.update(view());
    return hasher.finish();
  }
  [[nodiscard]] PutHeader header() const {
    PutHeader out;
    out.upload.bytes[0] = digest().bytes[0];
    out.digest = digest();
    out.size_bytes = bytes.size();
    out.type = ImageType::jpeg;
    out.name = name;
    return out;
  }
};

/// Different bytes for every seed, of no particular look.
inline Picture picture(std::size_t size_bytes, unsigned seed = 1) {
  Picture out;
  out.bytes.resize(size_bytes);
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& c : out.bytes)
    c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24);
  return out;
}

inline std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_file(const fs::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary) << content;
}
/// Without `.cloudp2p`.
inline std::vector<std::string> files_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename().string().front() != '.') names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

template <class T>
struct Answer {
  std::optional<T> value;
  int times = 0;
  [[nodiscard]] Callback<void(T)> sink() {
    return [this](T got) {
      value.emplace(std::move(got));
      ++times;
    };
  }
};

struct StoreFixture {
  TemporaryDirectory folder;
  WaitingExecutor executor;
  SilentLog log;
  CountingEntropy entropy;
  store::StoreDirectoryOptions directory_options{{0, 0, 0}, nullptr};
  store::DirectoryImageStoreOptions store_options;
  std::unique_ptr<store::StoreDirectory> directory;
  std::unique_ptr<store::DirectoryImageStore> store;

  [[nodiscard]] fs::path root() const { return folder.path() / "images"; }
  [[nodiscard]] fs::path meta() const { return root() / ".cloudp2p"; }

  void open() {
    auto opened = store::StoreDirectory::open(root().string(), directory_options, entropy);
    REQUIRE_MESSAGE(opened.ok(), opened.error().text());
    directory = std::move(*opened);
    store = std::make_unique<store::DirectoryImageStore>(executor, *directory, sodium_hashers(), log, store_options);
  }
  void close() {
    store.reset();
    directory.reset();
  }

  template <class T, class Call>
  T wait(Call&& call) {
    Answer<T> answer;
    call(answer.sink());
    REQUIRE(executor.run_until([&] { return answer.times > 0; }));
    return std::move(*answer.value);
  }
  Result<PutId> begin(const PutHeader& header) {
    return wait<Result<PutId>>([&](auto done) { store->begin_put(header, std::move(done)); });
  }
  Status append(PutId put, ByteView bytes) {
    return wait<Status>([&](auto done) { store->append(put, Buffer::copy_of(bytes), std::move(done)); });
  }
  Result<StoredImage> commit(PutId put) {
    return wait<Result<StoredImage>>([&](auto done) { store->commit(put, std::move(done)); });
  }
  /// In chunks, as an upload would.
  Result<StoredImage> put(const Picture& image, std::size_t chunk_bytes = 128 * 1024) {
    const auto id = begin(image.header());
    if (!id) return id.error();
    for (std::size_t at = 0; at < image.bytes.size(); at += chunk_bytes) {
      const auto chunk = image.view().subspan(at, std::min(chunk_bytes, image.bytes.size() - at));
      if (auto status = append(*id, chunk); !status) return status.error();
    }
    return commit(*id);
  }
  Result<Buffer> read(const std::string& name, ReadRange range) {
    return wait<Result<Buffer>>([&](auto done) { store->read(name, range, std::move(done)); });
  }
  Status verify(const Digest& digest, const std::string& name) {
    return wait<Status>([&](auto done) { store->verify(digest, name, std::move(done)); });
  }
  Status erase(const std::string& name) {
    return wait<Status>([&](auto done) { store->erase(name, std::move(done)); });
  }
  Status quarantine(const std::string& name) {
    return wait<Status>([&](auto done) { store->quarantine(name, std::move(done)); });
  }
  Result<std::vector<StoredImage>> list() {
    return wait<Result<std::vector<StoredImage>>>([&](auto done) { store->list(std::move(done)); });
  }
};

inline std::string text_of(const Buffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

}  // namespace cloudp2p::store_test
