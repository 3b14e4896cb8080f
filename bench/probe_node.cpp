// The two kinds of process of the replication probe.
#include "clock.hpp"
#include "probe.hpp"
#include "probe_parts.hpp"

#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>

namespace bench {
namespace {

constexpr int kMajority = 2;

/// Which images are durable where; blocks while too many are under way.
class Ledger {
 public:
  /// An image is done when `copies_needed` nodes have it.
  Ledger(std::size_t in_flight_max, int copies_needed) : in_flight_max_(in_flight_max), copies_needed_(copies_needed) {}
  void begin(std::uint32_t image) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_ < in_flight_max_; });
    ++under_way_;
    copies_[image] = 0;
  }
  void durable(const std::vector<std::uint32_t>& images) {
    const std::lock_guard lock(mutex_);
    for (const std::uint32_t image : images) {
      if (++copies_[image] == copies_needed_) {
        --under_way_;
        ++done_;
      }
      if (copies_[image] > copies_needed_) copies_.erase(image);
    }
    changed_.notify_one();
  }
  std::size_t wait_for_all() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_ == 0; });
    return done_;
  }

 private:
  const std::size_t in_flight_max_;
  const int copies_needed_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint32_t, int> copies_;
  std::size_t under_way_ = 0;
  std::size_t done_ = 0;
};

/// An image's file while it is written.
class ProbeFile {
 public:
  ProbeFile(DurableFiles& files, std::uint32_t image) : files_(files), image_(image), fd_(files.create(image)) {}
  void append(std::span<const std::byte> bytes) {
    DurableFiles::append(fd_, bytes);
    written_ += bytes.size();
    if (written_ - started_ < kProbeWritebackBytes) return;
    DurableFiles::start_writeback(fd_, started_, written_);
    started_ = written_;
  }
  void commit() { files_.commit(image_, fd_); }

 private:
  DurableFiles& files_;
  const std::uint32_t image_;
  const int fd_;
  std::size_t written_ = 0;
  std::size_t started_ = 0;
};

struct Follower {
  Stream stream;
  ProbeCipher cipher;
};

void read_acks(const Stream& from, Ledger& ledger) {
  std::uint32_t image = 0;
  while (from.receive(std::as_writable_bytes(std::span(&image, 1))))
    ledger.durable({image});
}

std::vector<std::byte> random_bytes(std::size_t size_bytes) {
  std::vector<std::byte> out(size_bytes);
  std::mt19937_64 random(1);
  for (std::byte& byte : out)
    byte = static_cast<std::byte>(random());
  return out;
}

/// Calls `send(header, unit)` for each unit of an image.
template <class Send>
void in_units(std::uint32_t number, std::span<const std::byte> image, Send send) {
  while (!image.empty()) {
    const auto unit = image.first(std::min(image.size(), kProbeUnitBytes));
    image = image.subspan(unit.size());
    send(UnitHeader{number, static_cast<std::uint32_t>(unit.size()), image.empty() ? 1U : 0U}, unit);
  }
}

void send_unit(Follower& follower, const UnitHeader& header, std::span<const std::byte> unit) {
  if (!follower.stream.send(follower.cipher.seal(header, unit))) throw std::runtime_error("a follower left");
}

void send_image(std::uint32_t number, std::span<const std::byte> image, std::vector<Follower>& followers,
                DurableFiles& files) {
  ProbeFile file(files, number);
  in_units(number, image, [&](const UnitHeader& header, std::span<const std::byte> unit) {
    for (Follower& follower : followers)
      send_unit(follower, header, unit);
    file.append(unit);
  });
  file.commit();
}

std::vector<std::byte> bytes_of(const std::filesystem::path& file) {
  std::vector<std::byte> out(std::filesystem::file_size(file));
  std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
  return out;
}

}  // namespace

/// FOLDER PORT PORT BYTES SECONDS WHOLE_FILESYSTEM
int probe_leader(int argc, char** argv) {
  if (argc != 6) return 2;
  const std::filesystem::path folder = argv[0];
  const std::vector<std::byte> image = random_bytes(std::stoul(argv[3]));
  const double seconds = std::stod(argv[4]);
  Ledger ledger(16, kMajority);
  std::vector<Follower> followers;
  for (const int at : {1, 2})
    followers.push_back({Stream::connect(static_cast<std::uint16_t>(std::stoul(argv[at]))), {}});
  DurableFiles files(folder, std::stoi(argv[5]) != 0, [&](const auto& images) { ledger.durable(images); });
  std::vector<std::thread> readers;
  for (const Follower& follower : followers)
    readers.emplace_back([&] { read_acks(follower.stream, ledger); });
  const Instant start = Clock::now();
  for (std::uint32_t number = 0; seconds_since(start) < seconds; ++number) {
    ledger.begin(number);
    send_image(number, image, followers, files);
  }
  const std::size_t done = ledger.wait_for_all();
  const double elapsed = seconds_since(start);
  for (const Follower& follower : followers)
    follower.stream.shut();
  for (std::thread& reader : readers)
    reader.join();
  std::ofstream(folder / "result") << done << ' ' << elapsed << '\n';
  return 0;
}

/// FOLDER PORT RESULT
int probe_source(int argc, char** argv) {
  if (argc != 3) return 2;
  Ledger ledger(32, 1);
  Follower follower{Stream::connect(static_cast<std::uint16_t>(std::stoul(argv[1]))), {}};
  std::thread reader([&] { read_acks(follower.stream, ledger); });
  const Instant start = Clock::now();
  std::uint32_t number = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[0])) {
    if (!entry.is_regular_file()) continue;
    ledger.begin(++number);
    const std::vector<std::byte> image = bytes_of(entry.path());
    in_units(number, image, [&](const UnitHeader& header, std::span<const std::byte> unit) {
      send_unit(follower, header, unit);
    });
  }
  const std::size_t done = ledger.wait_for_all();
  const double elapsed = seconds_since(start);
  follower.stream.shut();
  reader.join();
  std::ofstream(argv[2]) << done << ' ' << elapsed << '\n';
  return 0;
}

/// FOLDER WHOLE_FILESYSTEM
int probe_follower(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[0];
  const Listener listener;
  std::ofstream(folder / "port.new") << listener.port() << '\n';
  std::filesystem::rename(folder / "port.new", folder / "port");
  const Stream stream = listener.accept();
  DurableFiles files(folder, std::stoi(argv[1]) != 0, [&](const std::vector<std::uint32_t>& images) {
    // A leader that has its majority for all may have left by now.
    static_cast<void>(stream.send(std::as_bytes(std::span(images))));
  });
  ProbeCipher cipher;
  std::vector<std::byte> unit(kProbeUnitBytes + kProbeTagBytes);
  UnitHeader header;
  std::optional<ProbeFile> file;
  while (stream.receive(std::as_writable_bytes(std::span(&header, 1)))) {
    const std::span<std::byte> sealed = std::span(unit).first(header.plain_bytes + kProbeTagBytes);
    if (!stream.receive(sealed)) break;
    if (!cipher.open(sealed)) return 1;
    if (!file) file.emplace(files, header.image);
    file->append(sealed.first(header.plain_bytes));
    if (header.last == 0) continue;
    file->commit();
    file.reset();
  }
  return 0;
}

}  // namespace bench
