// The simulator's own parts, alone: virtual time, processes, disks that forget, the network.
#include "sim/memory_catalog.hpp"
#include "sim/memory_image_store.hpp"
#include "sim/memory_state_store.hpp"
#include "sim/sim_transport.hpp"
#include "unit/catalog_conformance.hpp"

using namespace cloudp2p;
using namespace cloudp2p::sim;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint kEver = TimePoint::max();

/// One machine: virtual time, a process, a disk.
struct Bench {
  explicit Bench(std::uint64_t seed = 1) : random(seed), disk(scheduler, random.fork(), {}) {
    process = std::make_unique<Process>(scheduler, random.fork());
    disk.attach(process.get());
  }
  void run() {
    while (scheduler.step(scheduler.now() + 1h)) {
    }
  }
  void crash() {
    disk.detach();
    process = std::make_unique<Process>(scheduler, random.fork());
    disk.attach(process.get());
  }
  Scheduler scheduler;
  Random random;
  Disk disk;
  std::unique_ptr<Process> process;
};

class MemoryCatalogUnderTest final : public catalog_conformance::CatalogUnderTest {
 public:
  MemoryCatalogUnderTest() : catalog_(bench_.disk) { REQUIRE(catalog_.open().ok()); }
  Catalog& catalog() override { return catalog_; }
  void run_until(const std::function<bool()>& done) override {
    while (!done())
      REQUIRE(bench_.scheduler.step(kEver));
  }

 private:
  Bench bench_;
  MemoryCatalog catalog_;
};

CatalogChange change(std::uint8_t first_byte, std::uint64_t sequence) {
  CatalogChange out;
  out.record.digest.bytes[0] = std::byte{first_byte};
  out.record.stamp = Stamp{1, NodeId{1}, sequence};
  return out;
}

Buffer some_bytes(std::size_t size) {
  Buffer out = Buffer::allocate(size);
  SeededEntropy(Random(size)).fill({out.data(), size});
  return out;
}

Digest digest_of(const Buffer& bytes) {
  ContentHash hash;
  hash.update(bytes.view());
  return hash.finish();
}

/// Puts these bytes and calls `after_append` before the commit is waited for.
std::optional<Result<StoredImage>> store(Bench& bench, MemoryImageStore& images, const Buffer& bytes,
                                         const Digest& digest, bool wait) {
  std::optional<Result<PutId>> put;
  images.begin_put(PutHeader{UploadId{}, digest, bytes.size(), ImageType::jpeg, "a.jpg"},
                   [&put](Result<PutId> id) { put = std::move(id); });
  bench.run();
  images.append(**put, bytes, [](Status) {});
  auto stored = std::make_shared<std::optional<Result<StoredImage>>>();
  images.commit(**put, [stored](Result<StoredImage> done) { *stored = std::move(done); });
  if (wait) bench.run();
  return *stored;
}

}  // namespace

TEST_CASE("the catalog twin keeps the contract of every catalog") {
  for (const catalog_conformance::Case& one : catalog_conformance::cases()) {
    INFO(one.name);
    MemoryCatalogUnderTest fresh;
    one.run(fresh);
  }
}

TEST_CASE("events run in the order of their times, equal times in the order in which they were made") {
  Scheduler scheduler;
  std::string seen;
  scheduler.after(2ms, kWorld, [&] { seen += 'c'; });
  scheduler.after(1ms, kWorld, [&] { seen += 'a'; });
  scheduler.after(1ms, kWorld, [&] { seen += 'b'; });
  const EventId cancelled = scheduler.after(1ms, kWorld, [&] { seen += 'x'; });
  scheduler.cancel(cancelled);
  while (scheduler.step(TimePoint(10ms))) {
  }
  CHECK(seen == "abc");
  CHECK(scheduler.now() == TimePoint(10ms));
}

TEST_CASE("a paused process does nothing and catches up; a dead one never does") {
  Scheduler scheduler;
  Process process(scheduler, Random(1));
  int ran = 0;
  process.pause();
  process.post([&] { ++ran; });
  process.after(1ms, [&] { ++ran; });
  while (scheduler.step(TimePoint(1s))) {
  }
  CHECK(ran == 0);
  process.resume();
  while (scheduler.step(TimePoint(2s))) {
  }
  CHECK(ran == 2);
  process.post([&] { ++ran; });
  process.drop();
  CHECK_FALSE(scheduler.step(TimePoint(3s)));
  CHECK(ran == 2);
}

TEST_CASE("a crash keeps what was called back and forgets, or not, what was not") {
  int kept = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Bench bench(seed);
    MemoryCatalog catalog(bench.disk);
    REQUIRE(catalog.open().ok());
    catalog.put(change(1, 1), [](Result<CatalogEntry>) {});
    bench.run();
    catalog.put(change(2, 2), [](Result<CatalogEntry>) {});
    catalog.put(change(3, 3), [](Result<CatalogEntry>) {});
    catalog.crash();
    bench.crash();
    REQUIRE(catalog.open().ok());
    CHECK(catalog.durable().contains(change(1, 1).record.digest));
    CHECK_FALSE(catalog.durable().contains(change(3, 3).record.digest));  // its transaction had not begun
    kept += catalog.durable().contains(change(2, 2).record.digest) ? 1 : 0;
  }
  CHECK(kept > 5);
  CHECK(kept < 35);
}

TEST_CASE("the state twin saves in order; after a crash it holds a prefix of what was saved") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Bench bench(seed);
    MemoryStateStore store(bench.disk);
    for (Term term = 1; term <= 5; ++term) {
      DurableState state;
      state.term = term;
      store.save(state, [](Status) {});
      if (term == 2) bench.run();
    }
    store.crash();
    bench.crash();
    const auto loaded = store.load();
    REQUIRE(loaded.ok());
    CHECK((*loaded)->term >= 2);
    CHECK((*loaded)->term <= 5);
  }
}

TEST_CASE("the image twin publishes what is whole and right, and nothing else") {
  Bench bench;
  MemoryImageStore images(bench.disk);
  const Buffer bytes = some_bytes(5'000);
  CHECK(store(bench, images, bytes, digest_of(bytes), true)->ok());
  CHECK(images.holds(digest_of(bytes)));
  const Buffer other = some_bytes(6'000);
  CHECK(store(bench, images, other, digest_of(bytes), true)->code() == Errc::integrity);
  CHECK_FALSE(images.holds(digest_of(other)));
  std::size_t files = 0;
  images.list([&](Result<std::vector<StoredImage>> all) { files = all->size(); });
  bench.run();
  CHECK(files == 1);
}

TEST_CASE("an image that was not committed is gone after a crash") {
  Bench bench;
  MemoryImageStore images(bench.disk);
  const Buffer bytes = some_bytes(5'000);
  CHECK_FALSE(store(bench, images, bytes, digest_of(bytes), false).has_value());
  images.crash();
  bench.crash();
  CHECK_FALSE(images.holds(digest_of(bytes)));
}

TEST_CASE("content hashes do not depend on how the bytes were cut") {
  const Buffer bytes = some_bytes(1'000);
  ContentHash parts;
  for (std::size_t at = 0; at < bytes.size(); at += 77) {
    parts.update(bytes.view().subspan(at, std::min<std::size_t>(77, bytes.size() - at)));
  }
  CHECK(parts.finish() == digest_of(bytes));
}
