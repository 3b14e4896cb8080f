#include "core/catalog_reader.hpp"

#include "core/services.hpp"

namespace cloudp2p::core {
namespace {

/// It was not the question's own fault.
bool is_unreadable(Errc answer) {
  return answer != Errc::ok && answer != Errc::invalid_argument;
}

}  // namespace

template <class T>
void CatalogReader::ask(Question<T> question, Callback<void(Result<T>)> done) {
  asked_.push_back(services_.now());
  auto answered = [this, question, done = std::move(done)](Result<T> answer) mutable {
    const TimePoint since = asked_.front();
    asked_.pop_front();
    if (sabotaged(Rule::failed_question_is_repeated) && answer.ok()) again_ = nullptr;
    if (is_unreadable(answer.code()) && !fails() && !sabotaged(Rule::failing_catalog_makes_way)) {
      problem_ = answer.error();
      failing_since_ = since;
      again_ = [this, question = std::move(question)] {
        ask<T>(question, [this](const Result<T>& told) {
          probing_ = false;
          if (!is_unreadable(told.code())) again_ = nullptr;
        });
      };
    }
    done(std::move(answer));
  };
  question(services_.guard(std::move(answered)));
}

void CatalogReader::get(const Digest& digest, Callback<void(Result<Entry>)> done) {
  ask<Entry>([this, digest](auto told) { services_.ports.catalog->get(digest, std::move(told)); }, std::move(done));
}

void CatalogReader::find(const std::string& prefix, std::size_t limit, Callback<void(Result<Entries>)> done) {
  ask<Entries>([this, prefix, limit](auto told) { services_.ports.catalog->find(prefix, limit, std::move(told)); },
               std::move(done));
}

void CatalogReader::list(const ListQuery& query, Callback<void(Result<ListPage>)> done) {
  ask<ListPage>([this, query](auto told) { services_.ports.catalog->list(query, std::move(told)); }, std::move(done));
}

void CatalogReader::bucket(std::size_t bucket, const Digest& after, Callback<void(Result<Entries>)> done) {
  constexpr std::size_t kLimit = limits::kSyncRecordsPerPage;
  ask<Entries>([this, bucket, after](auto told) { services_.ports.catalog->bucket(bucket, after, kLimit, std::move(told)); },
               std::move(done));
}

void CatalogReader::missing(const Digest& after, std::size_t limit, Callback<void(Result<Entries>)> done) {
  ask<Entries>([this, after, limit](auto told) { services_.ports.catalog->missing(after, limit, std::move(told)); },
               std::move(done));
}

void CatalogReader::stalest(std::int64_t now_ms, std::size_t limit, Callback<void(Result<Entries>)> done) {
  ask<Entries>([this, now_ms, limit](auto told) { services_.ports.catalog->stalest(now_ms, limit, std::move(told)); },
               std::move(done));
}

void CatalogReader::tombstones(std::int64_t before_ms, std::size_t limit, Callback<void(Result<Entries>)> done) {
  ask<Entries>([this, before_ms, limit](auto told) { services_.ports.catalog->tombstones(before_ms, limit, std::move(told)); },
               std::move(done));
}

void CatalogReader::unburied(const Digest& after, std::size_t limit, Callback<void(Result<Entries>)> done) {
  ask<Entries>([this, after, limit](auto told) { services_.ports.catalog->unburied(after, limit, std::move(told)); },
               std::move(done));
}

void CatalogReader::look_up(const Digest& digest, Callback<void(Result<Entry>)> done) {
  if (!services_.ports.catalog->may_hold(digest)) return done(Entry());
  get(digest, std::move(done));
}

void CatalogReader::probe() {
  if (std::exchange(probing_, true)) return;
  if (again_ && !sabotaged(Rule::failed_question_is_repeated)) return again_();
  get(kWatermark, [this](const Result<Entry>&) { probing_ = false; });
}

bool CatalogReader::hangs() const {
  const TimePoint since = fails() ? failing_since_ : asked_.empty() ? services_.now() : asked_.front();
  return services_.now() - since >= Services::kDiskPatience;
}

}  // namespace cloudp2p::core
