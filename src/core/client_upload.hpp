// UploadOperation: one image to the leader, under one upload id through every retry.
//
// Flow:    the source is identified once. The first attempt sends a small window at once; a later one waits to hear
// what
//          the leader holds. Credit moves the limit; at most kReadsMax chunks are read ahead of what was sent.
// Unknown: when all bytes were sent and the answer was lost, the image may be stored. The next attempt finds out; the
//          outcome then does not say `already_stored`, for it was this very upload that stored it.
#pragma once

#include "core/client_operation.hpp"

#include <cloudp2p/limits.hpp>

namespace cloudp2p::core {

class UploadOperation final : public Answering<LeaderOperation, UploadOutcome> {
 public:
  UploadOperation(ClientCore& core, OperationId id, Callback<void(Result<UploadOutcome>)> done,
                  std::shared_ptr<ImageSource> source, Progress progress)
      : Answering(core, id, std::move(done)), source_(std::move(source)), progress_(std::move(progress)) {}

  void begin() override;
  void fail(Error error) override;
  [[nodiscard]] bool wants_leader() const override { return identifying_ || LeaderOperation::wants_leader(); }
  void on_link_drained(NodeId node) override;

 protected:
  void attempt() override;
  void on_reply(wire::Message& message, Buffer payload) override;
  void attempt_over(Errc code) override;

 private:
  struct Read {
    std::uint64_t offset = 0;
    std::size_t size_bytes = 0;
    std::optional<Buffer> bytes;
  };
  static constexpr std::size_t kReadsMax = 2;

  void identified(Result<ImageSource::Content> content);
  void credited(const wire::Credit& credit);
  void acknowledged(const wire::UploadResult& result);
  void announce();
  void pump();
  void read_next();
  void read_done(std::uint64_t generation, std::uint64_t offset, Result<Buffer> bytes);
  [[nodiscard]] bool send_next();
  [[nodiscard]] bool all_sent() const noexcept { return working() && sent_to_ == content_.size_bytes; }

  const std::shared_ptr<ImageSource> source_;  ///< Calls under way keep it too: a cancelled read may still run.
  const Progress progress_;
  ImageSource::Content content_;
  UploadId upload_;
  bool identifying_ = false;
  bool unknown_ = false;         ///< An earlier attempt sent everything and was not answered for certain.
  bool sent_before_ = false;     ///< An earlier attempt sent everything.
  std::uint64_t most_held_ = 0;  ///< By any leader so far: what renews the retry budget.

  // Of the attempt under way.
  std::uint64_t generation_ = 0;  ///< Tells its reads from those of former attempts.
  bool announced_ = false;        ///< This attempt's Upload was sent.
  bool placed_ = false;           ///< It is known where to begin.
  bool pumping_ = false;
  std::uint64_t held_ = 0;
  std::uint64_t limit_ = 0;
  std::uint64_t read_to_ = 0;
  std::uint64_t sent_to_ = 0;
  std::deque<Read> reads_;
};

}  // namespace cloudp2p::core
