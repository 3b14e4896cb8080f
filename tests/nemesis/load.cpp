#include "nemesis/load.hpp"

#include "support/silent_log.hpp"
#include "support/temporary_folder.hpp"

#include <unistd.h>

namespace nemesis {

using cloudp2p::Result;
using cloudp2p::sim::Random;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kSlots = 128;
constexpr std::size_t kHotSlots = 12;  ///< Every second call is about one of these: many at a time for the same image.
constexpr std::uint64_t kCallsOfSlotMin = 10;
constexpr std::uint64_t kCallsOfSlotMax = 100;
constexpr std::uint64_t kPauseMsMax = 80;
constexpr unsigned kWitnesses = 4;
constexpr int kCallsOfWitness = 3;

/// Mostly small ones; some need several windows of credit.
std::size_t draw_size(Random& random) {
  const std::uint64_t kind = random.below(100);
  if (kind < 80) return static_cast<std::size_t>(random.between(100, 32 * 1024));
  if (kind < 97) return static_cast<std::size_t>(random.between(32 * 1024, 300 * 1024));
  return static_cast<std::size_t>(random.between(300 * 1024, 2 * 1024 * 1024));
}

std::shared_ptr<cloudp2p::ImageSource> source_of(const Image& image) {
  const std::string bytes = image.bytes();
  return cloudp2p::memory_source(image.name(), cloudp2p::Buffer::copy_of(std::as_bytes(std::span(bytes))));
}

}  // namespace

std::unique_ptr<cloudp2p::ClientHost> open_client(const cloudp2p::Config& config) {
  static support::SilentLog silent;
  Result<std::unique_ptr<cloudp2p::ClientHost>> host = cloudp2p::ClientHost::open(config, silent);
  if (!host.ok()) throw std::runtime_error(host.error().text());
  return std::move(*host);
}

Load::Load(const cloudp2p::Config& config, Book& book, Options options)
    : book_(book), options_(std::move(options)), slots_(kSlots) {
  Random random(options_.seed);
  working_ = options_.clients + kWitnesses;
  for (unsigned client = 0; client < working_; ++client)
    hosts_.push_back(open_client(config));
  for (unsigned client = 0; client < hosts_.size(); ++client) {
    threads_.emplace_back([this, client, own = random.fork()] {
      client < options_.clients ? run(client, own) : bear_witness(client, own);
      const std::lock_guard lock(mutex_);
      --working_;
      stopped_.notify_all();
    });
  }
}

Load::~Load() {
  // What hangs is cancelled, again and again: it may have been about to begin.
  while (!drain(milliseconds(100)))
    cancel_all();
  for (std::thread& thread : threads_)
    thread.join();
}

void Load::cancel_all() {
  for (const auto& host : hosts_)
    host->cancel_all();
}

bool Load::drain(milliseconds bound) {
  std::unique_lock lock(mutex_);
  stop_ = true;
  stopped_.notify_all();
  return stopped_.wait_for(lock, bound, [this] { return working_ == 0; });
}

bool Load::pause(milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, at_most, [this] { return stop_; });
}

void Load::run(unsigned client, Random random) {
  while (pause(milliseconds(random.below(kPauseMsMax))))
    one_call(client, random);
}

void Load::wake_witnesses() {
  const std::lock_guard lock(mutex_);
  ++woken_;
  stopped_.notify_all();
}

void Load::bear_witness(unsigned client, Random random) {
  for (std::uint64_t served = 0;;) {
    {
      std::unique_lock lock(mutex_);
      stopped_.wait(lock, [&] { return stop_ || woken_ > served; });
      if (stop_) return;
      served = woken_;
    }
    for (int call = 0; call < kCallsOfWitness; ++call)
      one_call(client, random);
  }
}

Image Load::draw_image(Random& random) {
  const std::size_t size = draw_size(random);
  const auto calls = static_cast<unsigned>(random.between(kCallsOfSlotMin, kCallsOfSlotMax));
  const auto index = static_cast<std::size_t>(random.below(random.percent(50) ? kHotSlots : kSlots));
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[index];
    if (slot.calls_left > 0) {
      --slot.calls_left;
      return slot.image;
    }
  }
  const Image fresh = book_.add_image(size);
  const std::lock_guard lock(mutex_);
  slots_[index] = Slot{fresh, calls};
  return fresh;
}

void Load::one_call(unsigned client, Random& random) {
  const Image image = draw_image(random);
  const std::string id = image.digest.hex();
  cloudp2p::ClientHost& host = *hosts_[client];
  const std::uint64_t kind = random.below(100);
  if (kind < 35) return put(client, image);
  if (kind < 55) return get(client, image);
  if (kind < 75) {
    const Book::Entry entry = book_.begin(client, "info", History::Act::read, image);
    return book_.end_read(entry, host.info(id));
  }
  if (kind < 90) {
    const Book::Entry entry = book_.begin(client, "rm", History::Act::remove, image);
    return book_.end_remove(entry, host.remove(id));
  }
  cloudp2p::ListQuery all;
  all.limit = cloudp2p::limits::kListPageMax;
  const Book::Listing listing = book_.begin_list(client);
  book_.end_list(listing, host.list(all));
}

void Load::put(unsigned client, const Image& image) {
  const Book::Entry entry = book_.begin(client, "upload", History::Act::put, image);
  const Result<cloudp2p::UploadOutcome> outcome = hosts_[client]->upload(source_of(image));
  if (outcome.ok()) last_leader_ = value(outcome->leader);
  book_.end_put(entry, outcome);
}

void Load::get(unsigned client, const Image& image) {
  const std::string path = options_.folder + "/got-" + std::to_string(client);
  auto sink = cloudp2p::file_sink(path);
  if (!sink.ok()) return book_.violated("a client can not write: " + sink.error().text());
  const Book::Entry entry = book_.begin(client, "get", History::Act::read, image);
  const Result<cloudp2p::ImageInfo> info = hosts_[client]->get(image.digest.hex(), *sink);
  book_.end_read(entry, info);
  if (info.ok() && support::read_file(path) != image.bytes()) book_.violated("a get gave other bytes", image.number);
  ::unlink(path.c_str());
}

}  // namespace nemesis
