// On a simulated disk: questions that fail, and when a catalog is one that fails.
#include "core/services.hpp"
#include "sim/memory_catalog.hpp"

#include <doctest/doctest.h>

using namespace cloudp2p;
using namespace cloudp2p::core;
using namespace std::chrono_literals;
using testing::DiskCall;

namespace {

/// One node's catalog with a record of each first byte, and what asks it.
struct Bench {
  Bench() : random(1), process(scheduler, random.fork()), disk(scheduler, random.fork(), {}), catalog(disk) {
    disk.attach(&process);
    REQUIRE(catalog.open().ok());
    services.ports.catalog = &catalog;
    services.ports.timers = &process;
    for (unsigned first = 0; first < 256; ++first) {
      CatalogChange change;
      change.record.digest = digest(first);
      change.record.stamp = Stamp{1, NodeId{1}, first + 1};
      catalog.put(std::move(change), [](const Result<CatalogEntry>&) {});
    }
    run();
  }
  static Digest digest(unsigned first) {
    Digest out;
    out.bytes[0] = static_cast<std::byte>(first);
    return out;
  }
  void wait(Duration duration) {
    const TimePoint end = scheduler.now() + duration;
    while (scheduler.step(end)) {
    }
  }
  /// Long enough for what waits there, and far less than what would be taken for hanging.
  void run() { wait(20ms); }
  Errc get(unsigned first) {
    Errc out = Errc::timed_out;
    services.catalog.get(digest(first), [&](const Result<CatalogReader::Entry>& told) { out = told.code(); });
    run();
    return out;
  }
  void probe() {
    services.catalog.probe();
    run();
  }

  sim::Scheduler scheduler;
  sim::Random random;
  sim::Process process;
  sim::Disk disk;
  sim::MemoryCatalog catalog;
  Services services;
};

}  // namespace

TEST_SUITE("catalog reader") {
  TEST_CASE("one page fails: so does the catalog, whatever else it answers, until that page is read") {
    Bench bench;
    bench.disk.set_call_fails(DiskCall::kLookUpSome, true);
    std::vector<unsigned> bad;
    for (unsigned first = 0; first < 256; ++first) {
      if (bench.get(first) != Errc::ok) bad.push_back(first);
    }
    CHECK(bad.size() == 32);
    CHECK(bench.services.catalog.fails());
    CHECK_FALSE(bench.services.catalog.hangs());
    bench.wait(Services::kDiskPatience);
    CHECK(bench.get(bad.front() ^ 0x80U) == Errc::ok);
    bench.probe();
    CHECK(bench.services.catalog.hangs());
    bench.disk.set_call_fails(DiskCall::kLookUpSome, false);
    CHECK(bench.get(bad.front()) == Errc::ok);
    CHECK(bench.services.catalog.fails());  // only the very question tells
    bench.probe();
    CHECK_FALSE(bench.services.catalog.fails());
    CHECK_FALSE(bench.services.catalog.hangs());
  }

  TEST_CASE("a page that fails is noticed whatever is asked") {
    const auto none = [](const auto& told) { CHECK_FALSE(told.ok()); };
    const std::function<void(CatalogReader&)> questions[] = {
        [&](CatalogReader& reader) { reader.find("", 256, none); },
        [&](CatalogReader& reader) { reader.list({256, "", 0}, none); },
        [&](CatalogReader& reader) { reader.missing({}, 256, none); },
        [&](CatalogReader& reader) {
          for (std::size_t bucket = 0; bucket < limits::kBuckets; ++bucket) reader.bucket(bucket, {}, [](const auto&) {});
        },
    };
    for (const auto& question : questions) {
      Bench bench;
      bench.disk.set_call_fails(DiskCall::kLookUpSome, true);
      question(bench.services.catalog);
      bench.run();
      CHECK(bench.services.catalog.fails());
      bench.disk.set_call_fails(DiskCall::kLookUpSome, false);
      bench.probe();
      CHECK_FALSE(bench.services.catalog.fails());
    }
  }

  TEST_CASE("a question that is amiss says nothing about the catalog") {
    Bench bench;
    Errc told = Errc::ok;
    bench.services.catalog.list({10, "nowhere", 0}, [&](const Result<ListPage>& page) { told = page.code(); });
    bench.run();
    CHECK(told == Errc::invalid_argument);
    CHECK_FALSE(bench.services.catalog.fails());
  }

  TEST_CASE("a catalog that does not answer hangs after a while, and one that is not asked does not") {
    Bench bench;
    bench.wait(Services::kDiskPatience);
    CHECK_FALSE(bench.services.catalog.hangs());
    bench.disk.stall(true);
    bench.services.catalog.get(bench.digest(1), [](const Result<CatalogReader::Entry>&) {});
    bench.wait(Services::kDiskPatience);
    CHECK(bench.services.catalog.hangs());
    CHECK_FALSE(bench.services.catalog.fails());
    bench.disk.stall(false);
    bench.run();
    CHECK_FALSE(bench.services.catalog.hangs());
  }
}
