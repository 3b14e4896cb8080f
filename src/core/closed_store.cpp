#include "core/closed_store.hpp"

namespace cloudp2p::core {
namespace {

template <class Answer>
void refuse(Executor& executor, Callback<void(Answer)> done) {
  executor.post([done = std::move(done)] {
    done(Error{Errc::not_leader, "all nodes share one directory, and this one does not hold it: ask the leader"});
  });
}

}  // namespace

void ClosedImages::begin_put(PutHeader, Callback<void(Result<PutId>)> done) { refuse(executor_, std::move(done)); }
void ClosedImages::append(PutId, Buffer, Callback<void(Status)> done) { refuse(executor_, std::move(done)); }
void ClosedImages::commit(PutId, Callback<void(Result<StoredImage>)> done) { refuse(executor_, std::move(done)); }
void ClosedImages::abort(PutId) {}
void ClosedImages::read(const std::string&, ReadRange, Callback<void(Result<Buffer>)> done) {
  refuse(executor_, std::move(done));
}
void ClosedImages::erase(const std::string&, Callback<void(Status)> done) { refuse(executor_, std::move(done)); }
void ClosedImages::verify(const Digest&, const std::string&, Callback<void(Status)> done) {
  refuse(executor_, std::move(done));
}
void ClosedImages::quarantine(const std::string&, Callback<void(Status)> done) { refuse(executor_, std::move(done)); }
void ClosedImages::list(Callback<void(Result<std::vector<StoredImage>>)> done) { refuse(executor_, std::move(done)); }
void ClosedImages::identify(const std::string&, Callback<void(Result<ImageRecord>)> done) {
  refuse(executor_, std::move(done));
}

void ClosedCatalog::claim(const Incarnation&, Callback<void(Status)> done) { refuse(executor_, std::move(done)); }
void ClosedCatalog::put(CatalogChange, Callback<void(Result<CatalogEntry>)> done) { refuse(executor_, std::move(done)); }
void ClosedCatalog::get(const Digest&, Callback<void(Result<std::optional<CatalogEntry>>)> done) {
  refuse(executor_, std::move(done));
}
void ClosedCatalog::find(std::string, std::size_t, Callback<void(Result<Entries>)> done) {
  refuse(executor_, std::move(done));
}
void ClosedCatalog::list(ListQuery, Callback<void(Result<ListPage>)> done) { refuse(executor_, std::move(done)); }
void ClosedCatalog::bucket(std::size_t, Digest, std::size_t, Callback<void(Result<Entries>)> done) {
  refuse(executor_, std::move(done));
}
void ClosedCatalog::missing(Digest, std::size_t, Callback<void(Result<Entries>)> done) {
  refuse(executor_, std::move(done));
}
void ClosedCatalog::stalest(std::int64_t, std::size_t, Callback<void(Result<Entries>)> done) {
  refuse(executor_, std::move(done));
}
void ClosedCatalog::unburied(Digest, std::size_t, Callback<void(Result<Entries>)> done) {
  refuse(executor_, std::move(done));
}
void ClosedCatalog::tombstones(std::int64_t, std::size_t, Callback<void(Result<Entries>)> done) {
  refuse(executor_, std::move(done));
}

}  // namespace cloudp2p::core
