// ClosedImages, ClosedCatalog: what a node has that shares its directory with others and does not hold it: nothing, and
// every call is answered with Errc::not_leader.
#pragma once

#include <cloudp2p/shared_store.hpp>
#include <cloudp2p/timers.hpp>

namespace cloudp2p::core {

class ClosedImages final : public ImageStore {
 public:
  ClosedImages(Executor& executor, const SharedStore& shared) : executor_(executor), shared_(shared) {}

  void begin_put(PutHeader header, Callback<void(Result<PutId>)> done) override;
  void append(PutId put, Buffer bytes, Callback<void(Status)> done) override;
  void commit(PutId put, Callback<void(Result<StoredImage>)> done) override;
  void abort(PutId put) override;
  void read(const std::string& file_name, ReadRange range, Callback<void(Result<Buffer>)> done) override;
  void erase(const std::string& file_name, Callback<void(Status)> done) override;
  void verify(const Digest& digest, const std::string& file_name, Callback<void(Status)> done) override;
  void quarantine(const std::string& file_name, Callback<void(Status)> done) override;
  void list(Callback<void(Result<std::vector<StoredImage>>)> done) override;
  void identify(const std::string& file_name, Callback<void(Result<ImageRecord>)> done) override;
  [[nodiscard]] StoreStatus status() const override { return shared_.status(); }

 private:
  Executor& executor_;
  const SharedStore& shared_;
};

class ClosedCatalog final : public Catalog {
 public:
  explicit ClosedCatalog(Executor& executor) : executor_(executor) {}

  using Entries = std::vector<CatalogEntry>;
  [[nodiscard]] Status open() override { return Errc::not_leader; }
  [[nodiscard]] std::optional<Incarnation> owner() const override { return std::nullopt; }
  void claim(const Incarnation& owner, Callback<void(Status)> done) override;
  void put(CatalogChange change, Callback<void(Result<CatalogEntry>)> done) override;
  void get(const Digest& digest, Callback<void(Result<std::optional<CatalogEntry>>)> done) override;
  void find(std::string hex_prefix, std::size_t limit, Callback<void(Result<Entries>)> done) override;
  void list(ListQuery query, Callback<void(Result<ListPage>)> done) override;
  void bucket(std::size_t bucket, Digest after, std::size_t limit, Callback<void(Result<Entries>)> done) override;
  void missing(Digest after, std::size_t limit, Callback<void(Result<Entries>)> done) override;
  void stalest(std::int64_t now_ms, std::size_t limit, Callback<void(Result<Entries>)> done) override;
  void unburied(Digest after, std::size_t limit, Callback<void(Result<Entries>)> done) override;
  void tombstones(std::int64_t before_ms, std::size_t limit, Callback<void(Result<Entries>)> done) override;
  [[nodiscard]] const CatalogSummary& summary() const override { return summary_; }
  [[nodiscard]] const BucketHashes& buckets() const override { return buckets_; }

 private:
  Executor& executor_;
  const CatalogSummary summary_;
  const BucketHashes buckets_{};
};

}  // namespace cloudp2p::core
