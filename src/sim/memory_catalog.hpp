// MemoryCatalog: the catalog on a simulated disk: one worker, requests in order, waiting changes in one transaction.
//
// Beside it lies a journal of its records, as beside a real one: what `lose` leaves. A crash keeps the transaction under
// way whole or not at all, by the seed, and loses everything behind it. The object outlives its node: `crash`, then `open`
// on the same object is a restart on the same disk.
#pragma once

#include "sim/disk.hpp"

#include <cloudp2p/catalog.hpp>

#include <deque>
#include <functional>
#include <map>
#include <set>

namespace cloudp2p::sim {

class MemoryCatalog final : public Catalog {
 public:
  explicit MemoryCatalog(Disk& disk) : disk_(disk) {}
  /// Called for every change that becomes durable: the change, and what is held after it.
  void watch(std::function<void(const CatalogChange&, const CatalogEntry&)> durable) {
    on_durable_ = std::move(durable);
  }
  /// The hash over all buckets costs 4,096 steps; where all nodes are simulated, any function of the buckets will do.
  void use_cheap_root() noexcept { cheap_root_ = true; }

  [[nodiscard]] Status open() override;
  [[nodiscard]] std::optional<Incarnation> owner() const override { return found_owner_; }
  void claim(const Incarnation& owner, Callback<void(Status)> done) override;
  void put(CatalogChange change, Callback<void(Result<CatalogEntry>)> done) override;
  void get(const Digest& digest, Callback<void(Result<std::optional<CatalogEntry>>)> done) override;
  void find(std::string hex_prefix, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  void list(ListQuery query, Callback<void(Result<ListPage>)> done) override;
  void bucket(std::size_t bucket, Digest after, std::size_t limit,
              Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  void missing(Digest after, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  void stalest(std::int64_t now_ms, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  void tombstones(std::int64_t before_ms, std::size_t limit,
                  Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  void unburied(Digest after, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  [[nodiscard]] bool may_hold(const Digest& digest) const override {
    return durable_.contains(digest) || put_.contains(digest);
  }
  [[nodiscard]] const CatalogSummary& summary() const override;
  [[nodiscard]] const BucketHashes& buckets() const override { return buckets_; }

  void crash();
  /// Every change is made there as well, at the same instant. Null: no more.
  void mirror_to(MemoryCatalog* mirror) noexcept { mirror_ = mirror; }
  [[nodiscard]] bool idle() const noexcept { return !busy_ && queue_.empty(); }
  using Records = std::map<Digest, CatalogEntry>;
  using Journal = std::map<Digest, ImageRecord>;
  /// The last records of the journal were not synced when the power failed.
  void tear_journal();
  [[nodiscard]] const Journal& journal() const noexcept { return journal_; }
  /// The catalog is gone; what this journal knows comes back, without bytes. Before `open`.
  void lose(Journal journal);
  /// What is durable now.
  [[nodiscard]] const Records& durable() const noexcept { return durable_; }
  /// The disk holds these from now on, and nothing else; before `open`.
  void replace(Records records);

 private:
  using Entries = std::vector<CatalogEntry>;
  /// What a change did to one record, for the summary that follows the callbacks.
  struct Effect {
    std::optional<CatalogEntry> before;
    CatalogEntry after;
  };
  struct Request {
    std::optional<CatalogChange> change;
    Callback<void(Result<CatalogEntry>)> changed;
    Task read;  ///< Runs on the worker; posts its own answer.
  };

  void note(const Digest& digest, const CatalogEntry& held);
  void enqueue(Request request);
  void work();
  void finish_batch();
  [[nodiscard]] Effect apply(const CatalogChange& change);
  /// Into the lists that queries read, and out of them.
  void enter(const CatalogEntry& entry);
  void strike(const CatalogEntry& entry);
  void count(const Effect& effect);
  void count_one(const CatalogEntry& entry, std::uint64_t sign);
  void ask_some(const std::set<Digest>& some, Digest after, std::size_t limit, Callback<void(Result<Entries>)> done);
  /// `about`: what is looked for, there or not.
  template <class T, class Read>
  void ask(Callback<void(Result<T>)> done, Read read, std::optional<Digest> about = {});

  Disk& disk_;
  Records durable_;
  Incarnation owner_;
  Incarnation found_owner_;  ///< By `open`.
  Journal journal_;
  /// What the journal said before, of the last few changes: the system syncs it some time later.
  std::deque<std::pair<Digest, std::optional<ImageRecord>>> unsynced_;
  std::set<std::pair<std::int64_t, Digest>> by_time_;  ///< Live ones, by (~time, digest): the newest is first.
  std::set<std::pair<std::int64_t, Digest>> dead_by_time_;
  std::set<Digest> missing_;
  std::set<std::pair<std::int64_t, Digest>> by_verified_;  ///< Those whose bytes are here.
  std::set<Digest> unburied_;
  std::set<Digest> put_;  ///< Since the start: perhaps not durable yet.
  std::vector<Request> queue_;
  std::vector<Request> batch_;
  bool busy_ = false;
  bool cheap_root_ = false;
  MemoryCatalog* mirror_ = nullptr;
  mutable bool root_known_ = true;
  mutable CatalogSummary summary_;
  BucketHashes buckets_{};
  std::uint64_t cheap_ = 0;
  std::function<void(const CatalogChange&, const CatalogEntry&)> on_durable_;
};

}  // namespace cloudp2p::sim
