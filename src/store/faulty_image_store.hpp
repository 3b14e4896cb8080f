// FaultyImageStore: any ImageStore, with a disk that misbehaves on request.
//
// Purpose:   wraps a store, forwards everything, and lets a policy decide call by call: fail with an error, answer
// late,
//            flip a bit of what is read. For tests and for demonstrations of repair.
// Thread:    the node's thread, like every ImageStore; never inline.
// Ownership: inner store, executor, timers and policy outlive the wrapper. Answers still held back at destruction are
//            posted with cancelled.
// Errors:    an injected error of append or commit ends the put: the inner one is aborted. Of begin, read and the
// others
//            the inner store never hears. Late answers of one wrapper keep their order.
#pragma once

#include <cloudp2p/image_store.hpp>
#include <cloudp2p/timers.hpp>

#include <map>

namespace cloudp2p::store {

enum class StoreOperation : std::uint8_t { begin, append, commit, read, erase, verify, quarantine, list };

struct StoreFault {
  Errc error = Errc::ok;
  Duration delay{};
  bool flip_bit = false;  ///< In the bytes of a read.
};

/// Override what a test needs; `call` counts the calls of that operation from 1.
struct FaultPolicy {
  virtual ~FaultPolicy() = default;
  virtual StoreFault decide(StoreOperation operation, std::uint64_t call) = 0;
};

/// The n-th call of an operation goes wrong, the others do not.
struct ScriptedFaults : FaultPolicy {
  std::map<std::pair<StoreOperation, std::uint64_t>, StoreFault> script;
  StoreFault decide(StoreOperation operation, std::uint64_t call) override;
};

/// Faults at given rates per million calls, the same ones for the same seed.
struct SeededFaults : FaultPolicy {
  struct Rates {
    std::uint32_t io_per_million = 0;
    std::uint32_t full_per_million = 0;
    std::uint32_t flip_per_million = 0;
    Duration delay_max{};
  };
  SeededFaults(std::uint64_t seed, Rates rates) : state_(seed), rates_(rates) {}
  StoreFault decide(StoreOperation operation, std::uint64_t call) override;

 private:
  [[nodiscard]] std::uint64_t draw();
  std::uint64_t state_;
  Rates rates_;
};

class FaultyImageStore final : public ImageStore {
 public:
  struct World {
    Executor& executor;
    Timers& timers;
  };
  FaultyImageStore(ImageStore& inner, FaultPolicy& policy, World world);
  ~FaultyImageStore() override;

  void begin_put(PutHeader header, Callback<void(Result<PutId>)> done) override;
  void append(PutId put, Buffer bytes, Callback<void(Status)> done) override;
  void commit(PutId put, Callback<void(Result<StoredImage>)> done) override;
  void abort(PutId put) override { inner_.abort(put); }
  void read(const std::string& file_name, ReadRange range, Callback<void(Result<Buffer>)> done) override;
  void erase(const std::string& file_name, Callback<void(Status)> done) override;
  void verify(const Digest& digest, const std::string& file_name, Callback<void(Status)> done) override;
  void quarantine(const std::string& file_name, Callback<void(Status)> done) override;
  /// As verify: both read everything.
  void identify(const std::string& file_name, Callback<void(Result<ImageRecord>)> done) override;
  void list(Callback<void(Result<std::vector<StoredImage>>)> done) override;
  [[nodiscard]] StoreStatus status() const override { return inner_.status(); }

 private:
  class Delays;
  [[nodiscard]] StoreFault decide(StoreOperation operation);
  /// True when the call is to fail: it was answered and must not be forwarded.
  template <class Answer>
  [[nodiscard]] bool refused(const StoreFault& fault, Callback<void(Answer)>& done);
  template <class Answer>
  [[nodiscard]] Callback<void(Answer)> delayed(const StoreFault& fault, Callback<void(Answer)> done);

  ImageStore& inner_;
  FaultPolicy& policy_;
  World world_;
  std::map<StoreOperation, std::uint64_t> calls_;
  std::shared_ptr<Delays> delays_;
};

}  // namespace cloudp2p::store
