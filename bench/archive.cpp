#include "archive.hpp"

#include "clock.hpp"
#include "crypto/digest.hpp"
#include "store/image_files.hpp"
#include "store/sqlite_catalog.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <mutex>
#include <random>
#include <vector>

namespace bench {
namespace {

class QuietLog final : public cloudp2p::LogSink {
 public:
  void log(cloudp2p::LogLevel, std::string_view) override {}
};

/// Runs what is posted when its owner asks for it.
class Queue final : public cloudp2p::Executor {
 public:
  void post(cloudp2p::Callback<void()> work) override {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
    wake_.notify_one();
  }
  void run_one() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return !work_.empty(); });
    const cloudp2p::Callback<void()> work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    work();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<cloudp2p::Callback<void()>> work_;
};

/// A stamp of the first term, by a leader that does not exist: above nothing that a real one will give.
cloudp2p::CatalogChange write_image(const std::filesystem::path& folder, std::size_t number) {
  std::array<char, 64> bytes{'\xff', '\xd8', '\xff', '\xe0', 0, 16, 'J', 'F', 'I', 'F', 0, 1};
  std::memcpy(bytes.data() + 32, &number, sizeof number);
  cloudp2p::CatalogChange out;
  out.record.digest = cloudp2p::crypto::digest_of(std::as_bytes(std::span(bytes)));
  out.record.stamp = {1, cloudp2p::NodeId{1}, number + 1};
  out.record.size_bytes = bytes.size();
  out.record.type = cloudp2p::ImageType::jpeg;
  out.record.name = "bench-" + std::to_string(number) + ".jpg";
  out.record.time_ms = static_cast<std::int64_t>(1'700'000'000'000 + number);
  const cloudp2p::PutHeader header{{}, out.record.digest, bytes.size(), out.record.type, out.record.name};
  const std::string file_name = cloudp2p::store::image_file_name(header, 1);
  std::ofstream(folder / file_name, std::ios::binary).write(bytes.data(), bytes.size());
  out.presence = cloudp2p::CatalogChange::Presence{true, file_name, out.record.time_ms};
  return out;
}

/// `change(number)` makes the records; they are written in that order.
template <class Change>
void write_catalog(const std::filesystem::path& folder, std::size_t count, Change change) {
  constexpr std::size_t kBatch = 8'000;
  QuietLog log;
  Queue queue;
  cloudp2p::store::SqliteCatalog catalog((folder / ".cloudp2p" / "catalog.sqlite").string(), queue, log);
  if (const cloudp2p::Status opened = catalog.open(); !opened) throw std::runtime_error(opened.error().text());
  std::size_t waiting = 0;
  std::size_t failed = 0;
  for (std::size_t number = 0; number < count; ++number) {
    ++waiting;
    catalog.put(change(number), [&](const cloudp2p::Result<cloudp2p::CatalogEntry>& entry) {
      --waiting;
      failed += entry.ok() ? 0U : 1U;
    });
    while (waiting >= kBatch || (number + 1 == count && waiting > 0))
      queue.run_one();
  }
  if (failed > 0) throw std::runtime_error("the catalog refused records");
}

/// In the order of their digests, so that the catalog is written from its beginning to its end.
std::vector<cloudp2p::Digest> random_digests(std::size_t count) {
  std::mt19937_64 random(count);
  std::vector<cloudp2p::Digest> out(count);
  for (cloudp2p::Digest& digest : out) {
    for (std::size_t at = 0; at < digest.bytes.size(); at += sizeof(std::uint64_t)) {
      const std::uint64_t number = random();
      std::memcpy(digest.bytes.data() + at, &number, sizeof number);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

cloudp2p::CatalogChange bare_record(const cloudp2p::Digest& digest, std::size_t number, std::int64_t now_ms) {
  cloudp2p::CatalogChange out;
  out.record.digest = digest;
  out.record.stamp = {1, cloudp2p::NodeId{1}, number + 1};
  out.record.size_bytes = 100 * 1024;
  out.record.type = cloudp2p::ImageType::jpeg;
  out.record.name = "bench-" + std::to_string(number) + ".jpg";
  out.record.time_ms = static_cast<std::int64_t>(1'700'000'000'000 + number);
  const cloudp2p::PutHeader header{{}, digest, out.record.size_bytes, out.record.type, out.record.name};
  out.presence = cloudp2p::CatalogChange::Presence{true, cloudp2p::store::image_file_name(header, 1), now_ms};
  return out;
}

void make_hollow(const std::filesystem::path& file, std::uint64_t size_bytes) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  const bool made = fd >= 0 && ::ftruncate(fd, static_cast<off_t>(size_bytes)) == 0;
  ::close(fd);
  if (!made) throw std::runtime_error("cannot make " + file.string());
}

}  // namespace

void fill_archive(const std::filesystem::path& folder, std::size_t images) {
  write_catalog(folder, images, [&](std::size_t number) { return write_image(folder, number); });
}

void fill_records(const std::vector<std::filesystem::path>& folders, std::size_t images) {
  const std::vector<cloudp2p::Digest> digests = random_digests(images);
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  for (const std::filesystem::path& folder : folders) {
    write_catalog(folder, images, [&](std::size_t number) {
      cloudp2p::CatalogChange change = bare_record(digests[number], number, now_ms);
      const std::string& name = change.presence->file_name;
      if (folder == folders.front()) make_hollow(folder / name, change.record.size_bytes);
      if (folder != folders.front()) std::filesystem::create_hard_link(folders.front() / name, folder / name);
      return change;
    });
  }
}

double seconds_to_read(const std::filesystem::path& folder) {
  const Instant start = Clock::now();
  std::size_t names = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder))
    ++names;
  std::ifstream catalog(folder / ".cloudp2p" / "catalog.sqlite", std::ios::binary);
  std::vector<char> piece(1024 * 1024);
  while (catalog.read(piece.data(), static_cast<std::streamsize>(piece.size()))) {
  }
  return names > 0 ? seconds_since(start) : 0;
}

}  // namespace bench
