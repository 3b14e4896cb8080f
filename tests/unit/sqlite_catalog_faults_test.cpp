#include "sqlite_catalog_fixture.hpp"
#include "sqlite_fault_vfs.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace cloudp2p;
using namespace cloudp2p::catalog_conformance;
using cloudp2p::testing::SqliteUnderTest;
namespace fault_vfs = cloudp2p::testing::fault_vfs;

namespace {

store::SqliteCatalogOptions faulty(std::size_t wal_pages_max = 1000) {
  store::SqliteCatalogOptions options;
  options.vfs = fault_vfs::install();
  options.wal_pages_max = wal_pages_max;
  return options;
}

constexpr const char* kChildFile = "CLOUDP2P_TEST_CATALOG_OF_CHILD";
constexpr const char* kChildPipe = "CLOUDP2P_TEST_PIPE_OF_CHILD";

/// This test program once more, running only the hidden case below on `path`; its acknowledgements come by the pipe.
pid_t start_child(const std::string& path, int& acknowledgements) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const std::string descriptor = std::to_string(ends[1]);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::fcntl(ends[1], F_SETFD, 0);
    ::setenv(kChildFile, path.c_str(), 1);
    ::setenv(kChildPipe, descriptor.c_str(), 1);
    ::execl("/proc/self/exe", "unit_tests", "--no-skip", "--test-case=child: puts until it is killed", "--no-version",
            static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(ends[1]);
  acknowledgements = ends[0];
  return child;
}

/// False when the writer is gone.
bool read_digest(int from, Digest& out) {
  std::size_t have = 0;
  while (have < Digest::kSize) {
    const ssize_t got = ::read(from, out.bytes.data() + have, Digest::kSize - have);
    if (got <= 0) return false;
    have += static_cast<std::size_t>(got);
  }
  return true;
}

/// Keeps 16 changes in flight, for ever; writes each digest when it was acknowledged.
class EndlessPuts {
 public:
  EndlessPuts(Catalog& catalog, int out) : catalog_(catalog), out_(out) {}
  void put_next() {
    const std::uint64_t number = next_++;
    catalog_.put(here(live(digest_number(number), stamp(1, number))), [this](Result<CatalogEntry> held) {
      if (!held.ok() || ::write(out_, held->record.digest.bytes.data(), Digest::kSize) < 0) std::abort();
      put_next();
    });
  }

 private:
  Catalog& catalog_;
  const int out_;
  std::uint64_t next_ = 0;
};

}  // namespace

TEST_CASE("child: puts until it is killed" * doctest::skip()) {
  const char* path = std::getenv(kChildFile);
  const char* pipe = std::getenv(kChildPipe);
  if (path == nullptr || pipe == nullptr) return;
  cloudp2p::testing::HandLoop loop;
  cloudp2p::testing::LinesOf log;
  store::SqliteCatalogOptions options;
  options.wal_pages_max = 100;
  store::SqliteCatalog catalog(path, loop, log, options);
  REQUIRE(catalog.open().ok());
  EndlessPuts puts(catalog, std::atoi(pipe));
  for (int i = 0; i < 16; ++i)
    puts.put_next();
  loop.run_until([] { return false; });
}

TEST_CASE("every change acknowledged before a kill -9 is there afterwards") {
  SqliteUnderTest t;
  t.close();
  int pipe = -1;
  const pid_t child = start_child(t.path(), pipe);
  std::vector<Digest> acknowledged;
  for (Digest digest; acknowledged.size() < 1000 && read_digest(pipe, digest);)
    acknowledged.push_back(digest);
  REQUIRE(::kill(child, SIGKILL) == 0);
  for (Digest digest; read_digest(pipe, digest);)
    acknowledged.push_back(digest);
  ::close(pipe);
  REQUIRE(::waitpid(child, nullptr, 0) == child);

  REQUIRE(acknowledged.size() >= 1000);
  REQUIRE(t.reopen().ok());
  std::size_t lost = 0;
  for (const Digest& digest : acknowledged) {
    const Result<std::optional<CatalogEntry>> held = get(t, digest);
    if (!held->has_value() || !(*held)->present) ++lost;
  }
  CHECK(lost == 0);
  check_summary(t);
}

TEST_CASE("a failed sync ends writing: no later change is taken, and reads tell what is durable") {
  SqliteUnderTest t(faulty());
  REQUIRE(put(t, live(digest_of("aa"), stamp(1, 1))).ok());
  fault_vfs::faults().sync_result = SQLITE_IOERR_FSYNC;
  const Result<CatalogEntry> lost = put(t, live(digest_of("bb"), stamp(1, 2)));
  CHECK(lost.code() == Errc::io);
  CHECK(lost.error().message.find(t.path()) != std::string::npos);
  fault_vfs::faults().heal();
  CHECK(put(t, live(digest_of("cc"), stamp(1, 3))).code() == Errc::read_only);
  CHECK(get(t, digest_of("aa"))->has_value());
  CHECK_FALSE(get(t, digest_of("bb"))->has_value());
  CHECK(t.catalog().summary().images == 1);
  CHECK(t.log().errors().find("until the node is restarted") != std::string::npos);
  REQUIRE(t.reopen().ok());
  CHECK(get(t, digest_of("aa"))->has_value());
  CHECK(put(t, live(digest_of("cc"), stamp(1, 3))).ok());
}

TEST_CASE("a full disk fails the whole group, and writing goes on when there is space again") {
  SqliteUnderTest t(faulty());
  REQUIRE(put(t, live(digest_of("aa"), stamp(1, 1))).ok());
  fault_vfs::faults().write_result = SQLITE_FULL;
  std::vector<Errc> codes;
  std::vector<bool> seen;
  for (std::uint64_t i = 0; i < 10; ++i) {
    t.catalog().put(live(digest_number(i), stamp(1, 9)), [&](Result<CatalogEntry> r) { codes.push_back(r.code()); });
    t.catalog().get(digest_number(i), [&](Result<std::optional<CatalogEntry>> r) { seen.push_back(r->has_value()); });
  }
  t.run_until([&] { return codes.size() + seen.size() == 20; });
  CHECK(codes == std::vector<Errc>(10, Errc::full));
  CHECK(seen == std::vector<bool>(10, false));
  CHECK(t.catalog().summary().images == 1);
  fault_vfs::faults().heal();
  CHECK(put(t, live(digest_of("bb"), stamp(1, 2))).ok());
  check_summary(t);
}

TEST_CASE("a full disk on which room can be made takes the change at the second attempt") {
  store::SqliteCatalogOptions options = faulty();
  std::atomic<int> asked{0};
  options.make_room = [&asked] {
    fault_vfs::faults().heal();
    return ++asked == 1;
  };
  SqliteUnderTest t(std::move(options));
  REQUIRE(put(t, live(digest_of("aa"), stamp(1, 1))).ok());
  fault_vfs::faults().write_result = SQLITE_FULL;
  CHECK(put(t, live(digest_of("bb"), stamp(1, 2))).ok());
  CHECK(asked == 1);
  fault_vfs::faults().write_result = SQLITE_FULL;
  CHECK(put(t, live(digest_of("cc"), stamp(1, 3))).code() == Errc::full);
  CHECK(asked == 2);
  CHECK(t.catalog().summary().images == 2);
  check_summary(t);
}

TEST_CASE("a lone change costs one sync of a log that does not grow without bound") {
  SqliteUnderTest t(faulty(100));
  REQUIRE(put(t, live(digest_of("aa"), stamp(1, 0))).ok());
  const int log_before = fault_vfs::faults().log_syncs;
  const int other_before = fault_vfs::faults().other_syncs;
  for (std::uint64_t i = 0; i < 500; ++i)
    REQUIRE(put(t, here(live(digest_number(i), stamp(1, i)))).ok());
  const int checkpoints = fault_vfs::faults().other_syncs - other_before;
  CHECK(checkpoints >= 1);
  CHECK(checkpoints <= 50);
  // A checkpoint syncs the log once more, and its restarted header once.
  CHECK(fault_vfs::faults().log_syncs - log_before >= 500);
  CHECK(fault_vfs::faults().log_syncs - log_before <= 500 + 2 * (checkpoints + 1));
  CHECK(std::filesystem::file_size(t.path() + "-wal") < 150 * 4120);
  check_summary(t);
}
