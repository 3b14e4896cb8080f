#include "store/faulty_image_store.hpp"

namespace cloudp2p::store {

StoreFault ScriptedFaults::decide(StoreOperation operation, std::uint64_t call) {
  const auto found = script.find({operation, call});
  return found == script.end() ? StoreFault{} : found->second;
}

/// SplitMix64.
std::uint64_t SeededFaults::draw() {
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

StoreFault SeededFaults::decide(StoreOperation operation, std::uint64_t) {
  constexpr std::uint64_t kMillion = 1'000'000;
  StoreFault fault;
  // Always the same number of draws, so that one decision does not shift the next.
  const std::uint64_t lot = draw() % kMillion;
  const std::uint64_t flip = draw() % kMillion;
  const std::uint64_t wait = draw();
  const bool writes =
      operation == StoreOperation::begin || operation == StoreOperation::append || operation == StoreOperation::commit;
  if (lot < rates_.io_per_million) {
    fault.error = Errc::io;
  } else if (writes && lot < std::uint64_t{rates_.io_per_million} + rates_.full_per_million) {
    fault.error = Errc::full;
  }
  fault.flip_bit = operation == StoreOperation::read && flip < rates_.flip_per_million;
  if (rates_.delay_max.count() > 0) {
    fault.delay = Duration(static_cast<Duration::rep>(wait % static_cast<std::uint64_t>(rates_.delay_max.count())));
  }
  return fault;
}

/// Answers held back until their time; shared with the callbacks that the inner store owns.
class FaultyImageStore::Delays : public std::enable_shared_from_this<Delays> {
 public:
  explicit Delays(World world) : world_(world) {}

  using Deliver = Callback<void(bool cancelled)>;
  void hold(Duration delay, Deliver deliver) {
    if (closed_) return world_.executor.post([deliver = std::move(deliver)] { deliver(true); });
    const TimePoint due = std::max(world_.timers.now() + delay, last_due_);
    last_due_ = due;
    const std::uint64_t key = ++last_key_;
    held_.emplace(key, Held{std::move(deliver), kNoTimer});
    held_.at(key).timer = world_.timers.at(due, [self = shared_from_this(), key] {
      const Deliver ready = std::move(self->held_.at(key).deliver);
      self->held_.erase(key);
      ready(false);
    });
  }
  [[nodiscard]] bool idle() const { return held_.empty(); }
  void close() {
    closed_ = true;
    for (auto& [key, held] : held_) {
      world_.timers.cancel(held.timer);
      world_.executor.post([deliver = std::move(held.deliver)] { deliver(true); });
    }
    held_.clear();
  }

 private:
  struct Held {
    Deliver deliver;
    TimerId timer;
  };
  World world_;
  std::map<std::uint64_t, Held> held_;
  std::uint64_t last_key_ = 0;
  TimePoint last_due_{};
  bool closed_ = false;
};

FaultyImageStore::FaultyImageStore(ImageStore& inner, FaultPolicy& policy, World world)
    : inner_(inner), policy_(policy), world_(world), delays_(std::make_shared<Delays>(world)) {}

FaultyImageStore::~FaultyImageStore() {
  delays_->close();
}

StoreFault FaultyImageStore::decide(StoreOperation operation) {
  return policy_.decide(operation, ++calls_[operation]);
}

template <class Answer>
Callback<void(Answer)> FaultyImageStore::delayed(const StoreFault& fault, Callback<void(Answer)> done) {
  return [delays = delays_, delay = fault.delay, done = std::move(done)](Answer answer) mutable {
    if (delay.count() == 0 && delays->idle()) return done(std::move(answer));
    delays->hold(delay, [done = std::move(done), answer = std::move(answer)](bool cancelled) mutable {
      done(cancelled ? Answer(Errc::cancelled) : std::move(answer));
    });
  };
}

template <class Answer>
bool FaultyImageStore::refused(const StoreFault& fault, Callback<void(Answer)>& done) {
  if (fault.error == Errc::ok) return false;
  auto answer = delayed<Answer>(fault, std::move(done));
  world_.executor.post([answer = std::move(answer), error = fault.error] { answer(Error{error, "injected fault"}); });
  return true;
}

void FaultyImageStore::begin_put(PutHeader header, Callback<void(Result<PutId>)> done) {
  const StoreFault fault = decide(StoreOperation::begin);
  if (!refused(fault, done)) inner_.begin_put(std::move(header), delayed(fault, std::move(done)));
}

void FaultyImageStore::append(PutId put, Buffer bytes, Callback<void(Status)> done) {
  const StoreFault fault = decide(StoreOperation::append);
  if (refused(fault, done)) return inner_.abort(put);
  inner_.append(put, std::move(bytes), delayed(fault, std::move(done)));
}

void FaultyImageStore::commit(PutId put, Callback<void(Result<StoredImage>)> done) {
  const StoreFault fault = decide(StoreOperation::commit);
  if (refused(fault, done)) return inner_.abort(put);
  inner_.commit(put, delayed(fault, std::move(done)));
}

void FaultyImageStore::read(const std::string& file_name, ReadRange range, Callback<void(Result<Buffer>)> done) {
  const StoreFault fault = decide(StoreOperation::read);
  if (refused(fault, done)) return;
  Callback<void(Result<Buffer>)> answer = delayed(fault, std::move(done));
  if (!fault.flip_bit) return inner_.read(file_name, range, std::move(answer));
  inner_.read(file_name, range, [answer = std::move(answer)](Result<Buffer> got) {
    if (!got || got->empty()) return answer(std::move(got));
    Buffer flipped = Buffer::copy_of(got->view());
    flipped.data()[flipped.size() / 2] ^= std::byte{0x10};
    answer(std::move(flipped));
  });
}

void FaultyImageStore::erase(const std::string& file_name, Callback<void(Status)> done) {
  const StoreFault fault = decide(StoreOperation::erase);
  if (!refused(fault, done)) inner_.erase(file_name, delayed(fault, std::move(done)));
}

void FaultyImageStore::verify(const Digest& digest, const std::string& file_name, Callback<void(Status)> done) {
  const StoreFault fault = decide(StoreOperation::verify);
  if (!refused(fault, done)) inner_.verify(digest, file_name, delayed(fault, std::move(done)));
}

void FaultyImageStore::quarantine(const std::string& file_name, Callback<void(Status)> done) {
  const StoreFault fault = decide(StoreOperation::quarantine);
  if (!refused(fault, done)) inner_.quarantine(file_name, delayed(fault, std::move(done)));
}

void FaultyImageStore::identify(const std::string& file_name, Callback<void(Result<ImageRecord>)> done) {
  const StoreFault fault = decide(StoreOperation::verify);
  if (!refused(fault, done)) inner_.identify(file_name, delayed(fault, std::move(done)));
}

void FaultyImageStore::list(Callback<void(Result<std::vector<StoredImage>>)> done) {
  const StoreFault fault = decide(StoreOperation::list);
  if (!refused(fault, done)) inner_.list(delayed(fault, std::move(done)));
}

}  // namespace cloudp2p::store
