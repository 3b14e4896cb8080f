// GetOperation: asks the leader what there is, then takes the bytes from any node that holds them.
//
// Flow:     Info on the leader (linearizable), Fetch from the leader first, then from the others. Credit is granted as
//           the sink takes the bytes, so that at most kFetchWindowBytes wait here.
// Failures: a lost or silent holder is left for the next one at the offset reached, and so is one that answers and sends
//           nothing, as long as there is another that was not left so: its disk may hang. A damaged copy begins again from
//           the first byte elsewhere, and is not asked again when all bytes came from it. What was stitched together
//           from several holders and does not match is taken once more from a single one.
#pragma once

#include "core/client_operation.hpp"

namespace cloudp2p::core {

/// Empty when `prefix` may be asked for, else what is wrong with it.
[[nodiscard]] std::optional<Error> prefix_fault(std::string_view prefix);
[[nodiscard]] std::string lower_case(std::string text);

class GetOperation final : public Answering<LeaderOperation, ImageInfo> {
 public:
  GetOperation(ClientCore& core, OperationId id, Callback<void(Result<ImageInfo>)> done, std::string prefix,
               std::shared_ptr<ImageSink> sink, Progress progress, ReadFrom first)
      : Answering(core, id, std::move(done)),
        prefix_(lower_case(std::move(prefix))),
        sink_(std::move(sink)),
        progress_(std::move(progress)),
        first_(first) {}

  void begin() override;
  void on_link_ready(NodeId node) override;
  void on_link_failed(NodeId node, const Error& error) override;
  void on_link_silent(NodeId node) override;
  void on_answer(RequestId request, wire::Message& message, Buffer payload) override;

 protected:
  void attempt() override;
  void on_reply(wire::Message& message, Buffer payload) override;
  void clean_up() override;
  void timed_out() override;

 private:
  struct Holder {
    NodeId node = kNobody;
    bool bad = false;   ///< Asked, and of no use: damaged, or not there.
    bool slow = false;  ///< It answers, and sent nothing of what it was asked for: its disk may hang.
    Error error;        ///< Its last failure.
  };

  void found(const wire::Entry& entry);
  /// In the order in which they are asked.
  [[nodiscard]] std::vector<NodeId> holders_of(const wire::Entry& entry);
  void fetch_next();
  void fetch_from(Holder& holder);
  void send_fetch();
  void grant_credit();
  void chunk(const wire::Chunk& chunk, Buffer payload);
  void ended(const wire::FetchEnd& end);
  /// This holder does not deliver at the moment.
  void holder_lost(const Error& error);
  /// Sends nothing, though it may, for longer than others are kept waiting for it.
  void watch();
  void overdue();
  [[nodiscard]] bool others_left(bool slow_too) const;
  [[nodiscard]] bool away(const Holder& holder) const;
  /// This holder can not deliver.
  void holder_bad(Errc code, const std::string& what, bool distrust_bytes);
  void begin_again();
  void stop_fetch(bool tell);
  void write_next();
  void written(std::size_t size, const Status& status);
  void finish_sink();
  void sink_finished(const Status& status);
  void all_bad();
  [[nodiscard]] bool fetching() const noexcept { return fetch_ != 0; }

  const std::string prefix_;
  const std::shared_ptr<ImageSink> sink_;  ///< Calls under way keep it too: a cancelled write may still run.
  const Progress progress_;
  const ReadFrom first_;
  ImageInfo info_;
  std::vector<Holder> holders_;
  std::size_t current_ = 0;  ///< Index into holders_.
  RequestId fetch_ = 0;
  bool asked_ = false;            ///< The Fetch was sent; else the link is being made.
  NodeId only_from_ = kNobody;    ///< All bytes so far came from this one.
  bool stitched_ = false;         ///< They came from several.
  bool restart_pending_ = false;  ///< As soon as the sink is not writing.
  bool writing_ = false;
  bool finishing_ = false;
  std::uint64_t received_to_ = 0;
  std::uint64_t most_received_ = 0;  ///< Before any restart: what renews the retry budget.
  std::uint64_t written_to_ = 0;
  std::uint64_t granted_at_ = 0;  ///< written_to_ when credit was last granted.
  std::deque<Buffer> queue_;
  TimerId pick_timer_ = kNoTimer;
  TimerId watch_timer_ = kNoTimer;
  Duration patience_{};
  std::optional<Error> nobody_has_it_;  ///< The leader is asked once more whether the image is there at all.
};

}  // namespace cloudp2p::core
