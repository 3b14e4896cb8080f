// One directory for several nodes: who may open it, who may write to it, and who finds out that he may no more.
#include "unit/store_fixture.hpp"

#include "store/shared_directory.hpp"

#include <fcntl.h>

using namespace cloudp2p;
using namespace cloudp2p::store_test;

namespace {

using Opened = SharedStore::Opened;

/// One node's hold on the folder.
struct Sharer {
  Sharer(TemporaryDirectory& folder, std::uint32_t id) : self{id} {
    options.shared_as = self;
    auto opened = store::StoreDirectory::open((folder.path() / "images").string(), options, entropy);
    REQUIRE_MESSAGE(opened.ok(), opened.error().text());
    directory = std::move(*opened);
    shared = std::make_unique<store::SharedDirectory>(executor, *directory, sodium_hashers(), self, log);
  }
  void ask(Term term) { shared->take(term, answer.sink()); }
  bool answered() {
    return executor.run_until([&] { return answer.times > 0; });
  }
  Result<Opened> take(Term term) {
    answer.times = 0;
    ask(term);
    REQUIRE(answered());
    return std::move(*answer.value);
  }
  template <class T, class Call>
  T wait(Call&& call) {
    Answer<T> got;
    call(got.sink());
    REQUIRE(executor.run_until([&] { return got.times > 0; }));
    return std::move(*got.value);
  }
  Result<StoredImage> put(const Opened& opened, const Picture& image) {
    const auto id = wait<Result<PutId>>([&](auto done) { opened.images->begin_put(image.header(), std::move(done)); });
    if (!id.ok()) return id.error();
    const Status written = wait<Status>(
        [&](auto done) { opened.images->append(*id, Buffer::copy_of(image.view()), std::move(done)); });
    if (!written.ok()) return written.error();
    return wait<Result<StoredImage>>([&](auto done) { opened.images->commit(*id, std::move(done)); });
  }
  Result<CatalogEntry> record(const Opened& opened, const Picture& image, Term term) {
    ImageRecord record;
    record.digest = image.digest();
    record.stamp = Stamp{term, self, 1};
    record.size_bytes = image.bytes.size();
    record.name = image.name;
    return wait<Result<CatalogEntry>>(
        [&](auto done) { opened.catalog->put(CatalogChange{record, std::nullopt}, std::move(done)); });
  }

  const NodeId self;
  WaitingExecutor executor;
  SilentLog log;
  CountingEntropy entropy;
  store::StoreDirectoryOptions options{{0, 0, 0}, nullptr, kNobody};
  std::unique_ptr<store::StoreDirectory> directory;
  std::unique_ptr<store::SharedDirectory> shared;
  Answer<Result<Opened>> answer;
};

std::string refusal(TemporaryDirectory& folder, NodeId shared_as) {
  CountingEntropy entropy;
  const store::StoreDirectoryOptions options{{0, 0, 0}, nullptr, shared_as};
  const auto opened = store::StoreDirectory::open((folder.path() / "images").string(), options, entropy);
  return opened.ok() ? "" : opened.error().message;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

fs::path writer_of(TemporaryDirectory& folder) { return folder.path() / "images" / ".cloudp2p" / "writer"; }

}  // namespace

TEST_SUITE("shared directory") {
  TEST_CASE("nodes that say so share it; the same node twice, or one that does not say so, is refused") {
    TemporaryDirectory folder;
    Sharer one(folder, 1);
    Sharer two(folder, 2);
    CHECK(one.directory->store_id() == two.directory->store_id());
    CHECK(one.shared->identity() == two.shared->identity());
    CHECK(has(refusal(folder, NodeId{2}), "is in use by another process that says it is node 2 too: check NODE_ID"));
    CHECK(has(refusal(folder, kNobody), R"(is in use by nodes that share it ("shared": true): stop it, or give)"));
  }

  TEST_CASE("who does not share it keeps out those who would") {
    TemporaryDirectory folder;
    CountingEntropy entropy;
    const store::StoreDirectoryOptions alone{{0, 0, 0}, nullptr, kNobody};
    const auto held = store::StoreDirectory::open((folder.path() / "images").string(), alone, entropy);
    REQUIRE(held.ok());
    CHECK(has(refusal(folder, NodeId{1}), "is in use by process " + std::to_string(::getpid()) + ", which does not share it"));
  }

  TEST_CASE("each node has a state of its own") {
    TemporaryDirectory folder;
    Sharer one(folder, 1);
    Sharer two(folder, 2);
    for (Sharer* node : {&one, &two}) {
      store::StateFile file(node->executor, *node->directory);
      REQUIRE(file.load().ok());
      DurableState state;
      state.node = node->self;
      state.term = value(node->self);
      CHECK(node->wait<Status>([&](auto done) { file.save(state, std::move(done)); }).ok());
    }
    for (Sharer* node : {&one, &two}) {
      store::StateFile file(node->executor, *node->directory);
      const auto loaded = file.load();
      REQUIRE((loaded.ok() && loaded->has_value()));
      CHECK((**loaded).term == value(node->self));
    }
  }

  TEST_CASE("what one holder stored and recorded, the next one finds") {
    TemporaryDirectory folder;
    Sharer one(folder, 1);
    Sharer two(folder, 2);
    const auto first = one.take(4);
    REQUIRE(first.ok());
    CHECK(first->catalog_is_new);
    const Picture image = picture(100'000);
    REQUIRE(one.put(*first, image).ok());
    REQUIRE(one.record(*first, image, 4).ok());
    one.shared->let_go();
    const auto second = two.take(5);
    REQUIRE(second.ok());
    CHECK_FALSE(second->catalog_is_new);
    CHECK(second->catalog->summary().images == 1);
    const auto files = two.wait<Result<std::vector<StoredImage>>>([&](auto done) { second->images->list(std::move(done)); });
    REQUIRE(files.ok());
    CHECK(files->size() == 1);
  }

  TEST_CASE("a successor waits for the holder, says for whom, and gets it when it is let go of") {
    TemporaryDirectory folder;
    Sharer one(folder, 1);
    Sharer two(folder, 2);
    REQUIRE(one.take(4).ok());
    two.ask(5);
    CHECK(two.executor.run_until([&] { return two.shared->waits_for() == "node 1 to let go of the directory"; }));
    CHECK(two.answer.times == 0);
    one.shared->let_go();
    REQUIRE(two.answered());
    CHECK(two.answer.value->ok());
    CHECK(two.shared->waits_for().empty());
  }

  TEST_CASE("who lets go while it waits is answered once, with cancelled, and may take it later") {
    TemporaryDirectory folder;
    Sharer one(folder, 1);
    Sharer two(folder, 2);
    REQUIRE(one.take(4).ok());
    two.ask(5);
    two.shared->let_go();
    REQUIRE(two.answered());
    CHECK(two.answer.value->code() == Errc::cancelled);
    CHECK(two.answer.times == 1);
    one.shared->let_go();
    CHECK(two.take(6).ok());
  }

  TEST_CASE("an answer that was on its way when it was let go of is void") {
    TemporaryDirectory folder;
    Sharer one(folder, 1);
    WaitingExecutor bystander;
    one.ask(4);
    CHECK(bystander.run_until([&] { return has(content_of(writer_of(folder)), "term 00000000000000000004"); }));
    one.shared->let_go();
    REQUIRE(one.answered());
    CHECK(one.answer.value->code() == Errc::cancelled);
  }

  TEST_CASE("a term below the last one that held it is refused, and the last one is told") {
    TemporaryDirectory folder;
    Sharer one(folder, 1);
    Sharer two(folder, 2);
    REQUIRE(one.take(9).ok());
    one.shared->let_go();
    CHECK(two.take(8).code() == Errc::stale_term);
    CHECK(two.shared->newest_term() == 9);
    two.shared->let_go();
    CHECK(two.take(9).code() == Errc::stale_term);
    two.shared->let_go();
    CHECK(two.take(10).ok());
  }

  TEST_CASE("a holder that was superseded stores and records nothing more, and is well again when it has let go") {
    TemporaryDirectory folder;
    Sharer one(folder, 1);
    const auto opened = one.take(4);
    REQUIRE(opened.ok());
    const Picture before = picture(50'000, 1);
    REQUIRE(one.put(*opened, before).ok());
    REQUIRE(one.record(*opened, before, 4).ok());
    // A file server took the holder for dead, broke its lock, and another node has written its name.
    write_file(writer_of(folder), "term 00000000000000000005 node 0000000002\n");
    const Picture after = picture(50'000, 2);
    CHECK(one.record(*opened, after, 4).code() == Errc::stale_term);
    CHECK(one.put(*opened, after).code() == Errc::stale_term);
    CHECK(opened->images->status().health == StoreHealth::failed);
    CHECK(opened->catalog->summary().images == 1);
    one.shared->let_go();
    const auto again = one.take(6);
    REQUIRE(again.ok());
    CHECK(one.shared->status().health == StoreHealth::ok);
    CHECK(again->images->status().health == StoreHealth::ok);
    CHECK(again->catalog->summary().images == 1);
    CHECK(one.record(*again, after, 6).ok());
  }

  TEST_CASE("where the catalog is gone, nobody clears its images away") {
    TemporaryDirectory folder;
    {
      Sharer one(folder, 1);
      const auto opened = one.take(4);
      REQUIRE(opened.ok());
      REQUIRE(one.put(*opened, picture(1'000)).ok());
    }
    fs::remove(folder.path() / "images" / ".cloudp2p" / "catalog.sqlite");
    Sharer two(folder, 2);
    const auto refused = two.take(6);
    CHECK(refused.code() == Errc::format);
    CHECK(has(refused.error().message, "catalog.sqlite is gone, and 1 images lie there"));
    CHECK(files_in(folder.path() / "images").size() == 1);
  }

  TEST_CASE("a holder that can not read who holds the directory records nothing") {
    TemporaryDirectory folder;
    Sharer one(folder, 1);
    const auto opened = one.take(4);
    REQUIRE(opened.ok());
    fs::remove(writer_of(folder));
    CHECK(one.record(*opened, picture(100), 4).code() == Errc::stale_term);
  }
}
