// CatalogReader: what a running node asks its catalog, and whether it is answered.
//
// A question that fails is asked again until it is answered: a catalog of which one page can not be read tells everything
// else, and is no better for who waits for that page. Answers come in the order of the questions.
#pragma once

#include <cloudp2p/catalog.hpp>
#include <cloudp2p/types.hpp>

#include <deque>
#include <functional>

namespace cloudp2p::core {

class Services;

class CatalogReader {
 public:
  using Entry = std::optional<CatalogEntry>;
  using Entries = std::vector<CatalogEntry>;

  explicit CatalogReader(Services& services) : services_(services) {}

  /// As those of the Catalog; a bucket by kSyncRecordsPerPage. Nothing is called back once the node is gone.
  void get(const Digest& digest, Callback<void(Result<Entry>)> done);
  void find(const std::string& prefix, std::size_t limit, Callback<void(Result<Entries>)> done);
  void list(const ListQuery& query, Callback<void(Result<ListPage>)> done);
  void bucket(std::size_t bucket, const Digest& after, Callback<void(Result<Entries>)> done);
  void missing(const Digest& after, std::size_t limit, Callback<void(Result<Entries>)> done);
  void stalest(std::int64_t now_ms, std::size_t limit, Callback<void(Result<Entries>)> done);
  void tombstones(std::int64_t before_ms, std::size_t limit, Callback<void(Result<Entries>)> done);
  void unburied(const Digest& after, std::size_t limit, Callback<void(Result<Entries>)> done);
  /// The record of a digest. Calls back at once when the catalog knows from memory that there is none.
  void look_up(const Digest& digest, Callback<void(Result<Entry>)> done);

  /// One question more, behind all others: the one that failed, if one did. One at a time.
  void probe();
  /// A question was answered with an error, `problem`, and not otherwise since.
  [[nodiscard]] bool fails() const { return again_ != nullptr; }
  [[nodiscard]] const Error& problem() const { return problem_; }
  /// It has answered nothing, or not the one that fails, for kDiskPatience.
  [[nodiscard]] bool hangs() const;

 private:
  template <class T>
  using Question = std::function<void(Callback<void(Result<T>)>)>;
  template <class T>
  void ask(Question<T> question, Callback<void(Result<T>)> done);

  Services& services_;
  std::deque<TimePoint> asked_;   ///< When.
  std::function<void()> again_;   ///< Asks what failed.
  Error problem_;
  TimePoint failing_since_;
  bool probing_ = false;
};

}  // namespace cloudp2p::core
