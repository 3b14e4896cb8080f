#include "load.hpp"

#include "crypto/digest.hpp"

#include <atomic>
#include <random>

namespace bench {
namespace {

constexpr std::size_t kHeadBytes = 64;  ///< JPEG header and what makes an image unique.

class PooledImage final : public cloudp2p::ImageSource {
 public:
  PooledImage(std::string name, cloudp2p::Buffer head, cloudp2p::Buffer rest)
      : name_(std::move(name)), head_(std::move(head)), rest_(std::move(rest)) {
    cloudp2p::crypto::DigestHasher hasher;
    hasher.update(head_.view());
    hasher.update(rest_.view());
    content_ = {head_.size() + rest_.size(), hasher.finish()};
  }
  [[nodiscard]] const std::string& name() const override { return name_; }
  void identify(cloudp2p::Callback<void(cloudp2p::Result<Content>)> done) override { done(content_); }
  void read(cloudp2p::ReadRange range, cloudp2p::Callback<void(cloudp2p::Result<cloudp2p::Buffer>)> done) override {
    const auto offset = static_cast<std::size_t>(range.offset);
    if (offset >= head_.size()) return done(rest_.part(offset - head_.size(), range.size_bytes));
    cloudp2p::Buffer out = cloudp2p::Buffer::allocate(range.size_bytes);
    const std::size_t from_head = std::min(range.size_bytes, head_.size() - offset);
    std::copy_n(head_.data() + offset, from_head, out.data());
    std::copy_n(rest_.data(), range.size_bytes - from_head, out.data() + from_head);
    done(std::move(out));
  }

 private:
  const std::string name_;
  const cloudp2p::Buffer head_;
  const cloudp2p::Buffer rest_;
  Content content_;
};

/// Hashes what it gets and keeps nothing.
class CheckingSink final : public cloudp2p::ImageSink {
 public:
  void restart() override { hasher_.reset(); }
  void write(cloudp2p::Buffer bytes, cloudp2p::Callback<void(cloudp2p::Status)> done) override {
    hasher_.update(bytes.view());
    done({});
  }
  void finish(const cloudp2p::ImageRecord& record, cloudp2p::Callback<void(cloudp2p::Status)> done) override {
    done(hasher_.finish() == record.digest ? cloudp2p::Status() : cloudp2p::Status(cloudp2p::Errc::integrity));
  }

 private:
  cloudp2p::crypto::DigestHasher hasher_;
};

}  // namespace

ImageMaker::ImageMaker(std::size_t image_bytes) : pool_(cloudp2p::Buffer::allocate(image_bytes)) {
  std::random_device random;
  std::mt19937_64 numbers(random());
  salt_ = numbers();
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= pool_.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t number = numbers();
    std::memcpy(pool_.data() + at, &number, sizeof number);
  }
  constexpr std::array<unsigned char, 12> kJpeg{0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1};
  std::memcpy(pool_.data(), kJpeg.data(), kJpeg.size());
}

std::shared_ptr<cloudp2p::ImageSource> ImageMaker::next() {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++made_;
  }
  cloudp2p::Buffer head = cloudp2p::Buffer::copy_of(pool_.view().first(kHeadBytes));
  std::memcpy(head.data() + 32, &salt_, sizeof salt_);
  std::memcpy(head.data() + 40, &number, sizeof number);
  return std::make_shared<PooledImage>("bench-" + std::to_string(number) + ".jpg", std::move(head),
                                       pool_.part(kHeadBytes, pool_.size() - kHeadBytes));
}

struct Clients::Shared {
  std::atomic<std::size_t> done{0};
  std::mutex mutex;
  LoadResult result;
  Instant last_success;
};

Clients::Clients(Cluster& cluster, unsigned clients, unsigned client_hosts) : clients_(clients) {
  for (unsigned i = 0; i < std::min(clients, client_hosts); ++i) {
    hosts_.push_back(cluster.connect());
    if (const auto leader = hosts_.back()->discover(); !leader) throw std::runtime_error(leader.error().text());
  }
}

/// `work(host, id)` does one operation; it sets the id of the image.
template <class Work>
LoadResult Clients::run(double seconds, std::size_t images_min, Work work) {
  Shared shared;
  const Instant start = Clock::now();
  shared.last_success = start;
  const auto client = [&](unsigned number) {
    while (seconds_since(start) < seconds || shared.done < images_min) {
      const Instant begun = Clock::now();
      std::string id;
      const cloudp2p::Status outcome = work(*hosts_[number % hosts_.size()], id);
      const std::lock_guard lock(shared.mutex);
      if (!outcome) {
        if (shared.result.failures++ == 0) shared.result.failure = outcome.error().text();
        if (shared.result.failures > 100) return;
        continue;
      }
      ++shared.done;
      shared.last_success = Clock::now();
      shared.result.latencies_ms.push_back(seconds_since(begun) * 1000);
      shared.result.ids.push_back(std::move(id));
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < clients_; ++i)
    threads.emplace_back(client, i);
  for (std::thread& thread : threads)
    thread.join();
  shared.result.images = shared.done;
  shared.result.seconds = Seconds(shared.last_success - start).count();
  return std::move(shared.result);
}

LoadResult Clients::upload(ImageMaker& images, double seconds, std::size_t images_min) {
  return run(seconds, images_min, [&](cloudp2p::ClientHost& host, std::string& id) -> cloudp2p::Status {
    const auto outcome = host.upload(images.next());
    if (!outcome) return outcome.error();
    id = outcome->digest.hex();
    return {};
  });
}

LoadResult Clients::read(const std::vector<std::string>& ids, double seconds) {
  std::atomic<std::size_t> next{0};
  return run(seconds, 1, [&](cloudp2p::ClientHost& host, std::string& id) -> cloudp2p::Status {
    id = ids[next++ % ids.size()];
    const auto got = host.get(id, std::make_shared<CheckingSink>());
    return got ? cloudp2p::Status() : cloudp2p::Status(got.error());
  });
}

}  // namespace bench
