#include "store_fixture.hpp"

#include <cloudp2p/limits.hpp>

using namespace cloudp2p;
using namespace cloudp2p::store_test;

namespace {

DurableState state_of_term(Term term) {
  DurableState state;
  state.cluster.bytes.fill(std::byte{7});
  state.founded = true;
  state.node = NodeId{3};
  state.incarnation.bytes.fill(std::byte{9});
  state.term = term;
  state.voted_for = NodeId{2};
  state.membership = {term, 5, {}};
  for (std::uint32_t i = 1; i <= limits::kMembersMax; ++i) {
    state.membership.members.push_back({NodeId{i}, state.incarnation});
  }
  return state;
}

struct StateFixture {
  StoreFixture base;
  std::unique_ptr<store::StateFile> file;

  void open() {
    file.reset();
    if (!base.directory) {
      auto opened = store::StoreDirectory::open(base.root().string(), base.directory_options, base.entropy);
      REQUIRE(opened.ok());
      base.directory = std::move(*opened);
    }
    file = std::make_unique<store::StateFile>(base.executor, *base.directory);
  }
  [[nodiscard]] fs::path path() const { return base.meta() / "state"; }
  Status save(const DurableState& state) {
    return base.wait<Status>([&](auto done) { file->save(state, std::move(done)); });
  }
  void save_terms(Term first, Term last) {
    open();
    REQUIRE(file->load().ok());
    for (Term term = first; term <= last; ++term)
      REQUIRE(save(state_of_term(term)).ok());
    file.reset();
  }
  void damage(std::size_t at) {
    std::string bytes = content_of(path());
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(path(), bytes);
  }
  Result<std::optional<DurableState>> reload() {
    open();
    return file->load();
  }
};

struct BrokenSync final : store::DiskCalls {
  int sync_data(int fd) override { return broken ? EIO : DiskCalls::sync_data(fd); }
  std::atomic<bool> broken{false};
};

}  // namespace

TEST_SUITE("state file") {
  TEST_CASE("the checksum is CRC-64/XZ") {
    const std::string check = "123456789";
    CHECK(store::crc64(std::as_bytes(std::span(check))) == 0x995DC9BBDF1939FA);
  }

  TEST_CASE("a node that never promised anything loads nothing, also after a crash before its first save") {
    StateFixture f;
    CHECK_FALSE(f.reload()->has_value());
    CHECK_FALSE(f.reload()->has_value());
  }

  TEST_CASE("what was saved is loaded, to the last member") {
    StateFixture f;
    for (Term term = 1; term <= 5; ++term) {
      f.save_terms(term, term);
      CHECK(*f.reload() == state_of_term(term));
    }
  }

  TEST_CASE("a write of which only a part of the sectors arrived leaves the old state or the new one") {
    StateFixture f;
    f.save_terms(1, 3);
    const std::string before = content_of(f.path());
    f.save_terms(4, 4);
    const std::string after = content_of(f.path());
    for (unsigned sectors = 0; sectors < 1U << (store::kSlotBytes / store::kSectorBytes); ++sectors) {
      std::string torn = after;
      for (std::size_t i = 0; i < store::kSlotBytes / store::kSectorBytes; ++i) {
        const std::size_t at = store::kSlotBytes + i * store::kSectorBytes;
        if ((sectors >> i & 1) == 0) torn.replace(at, store::kSectorBytes, before, at, store::kSectorBytes);
      }
      write_file(f.path(), torn);
      const auto loaded = f.reload();
      REQUIRE(loaded.ok());
      CHECK((*loaded)->term == ((sectors & 1) == 0 ? 3 : 4));
    }
  }

  TEST_CASE("a bit that flipped in what a slot says is damage: what is left may be the older promise") {
    StateFixture f;
    f.save_terms(1, 4);
    const std::string whole = content_of(f.path());
    for (std::size_t bit = 0; bit < 2 * store::kSlotBytes * 8; bit += 7) {
      std::string flipped = whole;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      write_file(f.path(), flipped);
      const bool says_something = bit / 8 % store::kSlotBytes < store::kSectorBytes;
      CHECK_MESSAGE(f.reload().code() == (says_something ? Errc::format : Errc::ok), "bit " << bit);
    }
  }

  TEST_CASE("a slot that was emptied is damage, unless it was never written") {
    StateFixture f;
    f.save_terms(1, 1);
    CHECK((*f.reload())->term == 1);
    f.save_terms(2, 4);
    std::string bytes = content_of(f.path());
    bytes.replace(store::kSlotBytes, store::kSlotBytes, store::kSlotBytes, '\0');
    write_file(f.path(), bytes);
    CHECK(f.reload().code() == Errc::format);
  }

  TEST_CASE("after damage in one copy the next save makes both whole") {
    StateFixture f;
    f.save_terms(1, 4);
    f.damage(100);
    CHECK(f.reload().code() == Errc::format);
    REQUIRE(f.save(state_of_term(5)).ok());
    CHECK((*f.reload())->term == 5);
  }

  TEST_CASE("slots of the first version are read") {
    StateFixture f;
    f.save_terms(1, 2);
    std::string bytes = content_of(f.path());
    for (const std::size_t slot : {std::size_t{0}, store::kSlotBytes}) {
      bytes[slot + 8] = '\1';
      bytes.replace(slot + store::kSectorBytes - 8, 8, 8, '\0');
      const std::size_t end = slot + store::kSlotBytes - 8;
      const std::uint64_t checksum = store::crc64(std::as_bytes(std::span(bytes)).subspan(slot, end - slot));
      for (std::size_t i = 0; i < 8; ++i) bytes[end + i] = static_cast<char>(checksum >> (8 * i));
    }
    write_file(f.path(), bytes);
    CHECK((*f.reload())->term == 2);
    REQUIRE(f.save(state_of_term(3)).ok());
    CHECK((*f.reload())->term == 3);
  }

  TEST_CASE("with both copies damaged the file says so, and can be written anew") {
    StateFixture f;
    f.save_terms(1, 2);
    f.damage(50);
    f.damage(store::kSlotBytes + 50);
    const auto loaded = f.reload();
    CHECK(loaded.code() == Errc::format);
    CHECK(loaded.error().message.find("state") != std::string::npos);
    REQUIRE(f.save(state_of_term(9)).ok());
    CHECK((*f.reload())->term == 9);
  }

  TEST_CASE("a truncated file is a damaged one") {
    StateFixture f;
    f.save_terms(1, 1);
    fs::resize_file(f.path(), 100);
    CHECK(f.reload().code() == Errc::format);
  }

  TEST_CASE("saves are answered in the order of the calls, and the last one counts") {
    StateFixture f;
    f.open();
    REQUIRE(f.file->load().ok());
    std::vector<Term> answered;
    for (Term term = 1; term <= 50; ++term) {
      f.file->save(state_of_term(term), [&answered, term](Status status) {
        if (status) answered.push_back(term);
      });
    }
    REQUIRE(f.base.executor.run_until([&] { return answered.size() == 50; }));
    CHECK(std::is_sorted(answered.begin(), answered.end()));
    CHECK((*f.reload())->term == 50);
  }

  TEST_CASE("after a failed sync no later save succeeds") {
    StateFixture f;
    const auto disk = std::make_shared<BrokenSync>();
    f.base.directory_options.disk = disk;
    f.save_terms(1, 2);
    f.open();
    REQUIRE(f.file->load().ok());
    disk->broken = true;
    CHECK(f.save(state_of_term(3)).code() == Errc::io);
    disk->broken = false;
    CHECK(f.save(state_of_term(4)).code() == Errc::io);
    CHECK((*f.reload())->term >= 2);
  }

  TEST_CASE("a membership above the limit is refused, not cut") {
    StateFixture f;
    f.open();
    REQUIRE(f.file->load().ok());
    DurableState state = state_of_term(1);
    state.membership.members.push_back({NodeId{99}, state.incarnation});
    CHECK(f.save(state).code() == Errc::invalid_argument);
  }

  TEST_CASE("saves that a shutdown overtakes are answered once") {
    StateFixture f;
    f.open();
    REQUIRE(f.file->load().ok());
    std::vector<Answer<Status>> answers(30);
    for (auto& answer : answers)
      f.file->save(state_of_term(1), answer.sink());
    f.file.reset();
    f.base.executor.run_all();
    for (const auto& answer : answers)
      CHECK(answer.times == 1);
  }
}
