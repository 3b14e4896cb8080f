// The small operations: one question, one answer, to the leader or to several nodes at once.
#pragma once

#include "core/client_operation.hpp"

namespace cloudp2p::core {

[[nodiscard]] LeaderView view_of(ClientCore& core, const KnownLeader& leader);

/// Always asks; what was known before only says whom first.
class Discover final : public Answering<LeaderOperation, LeaderView> {
 public:
  using Answering::Answering;
  void begin() override;

 protected:
  void attempt() override;
  void on_reply(wire::Message&, Buffer) override {}
};

class InfoOperation final : public Answering<LeaderOperation, ImageInfo> {
 public:
  InfoOperation(ClientCore& core, OperationId id, Callback<void(Result<ImageInfo>)> done, std::string prefix);
  void begin() override;

 protected:
  void attempt() override;
  void on_reply(wire::Message& message, Buffer payload) override;

 private:
  const std::string prefix_;
};

/// Looks the image up, then deletes what it saw: by its stamp, so that only this can be deleted, however often it asks.
class RemoveOperation final : public Answering<LeaderOperation, ImageRecord> {
 public:
  RemoveOperation(ClientCore& core, OperationId id, Callback<void(Result<ImageRecord>)> done, std::string prefix);
  void begin() override;

 protected:
  void attempt() override;
  void on_reply(wire::Message& message, Buffer payload) override;
  bool on_refusal(const wire::ErrorReply& refusal) override;
  void attempt_over(Errc code) override;

 private:
  void ask_to_delete();

  const std::string prefix_;
  std::optional<ImageRecord> seen_;
  bool asked_ = false;       ///< In this attempt.
  bool maybe_done_ = false;  ///< By an attempt that was lost.
};

class ListOperation final : public Answering<LeaderOperation, ListPage> {
 public:
  ListOperation(ClientCore& core, OperationId id, Callback<void(Result<ListPage>)> done, ListQuery query)
      : Answering(core, id, std::move(done)), query_(std::move(query)) {}
  void begin() override;

 protected:
  void attempt() override;
  void on_reply(wire::Message& message, Buffer payload) override;

 private:
  const ListQuery query_;
};

/// Asks the leader of one term to end it. Whatever happens to the request: when another node leads a later term, it is done.
class StepDownOperation final : public Answering<LeaderOperation, StepDownOutcome> {
 public:
  using Answering::Answering;
  void begin() override;

 protected:
  void attempt() override;
  void on_reply(wire::Message& message, Buffer payload) override;

 private:
  NodeId asked_ = kNobody;
  Term term_ = 0;
};

/// Asks several nodes the same; each settles with an answer or an error, silence among the errors.
class FanOut : public Operation {
 public:
  using Operation::Operation;
  void on_link_ready(NodeId node) override;
  void on_link_failed(NodeId node, const Error& error) override;
  void on_link_silent(NodeId node) override;
  void on_answer(RequestId request, wire::Message& message, Buffer payload) override;

 protected:
  [[nodiscard]] virtual wire::Message question(RequestId request) const = 0;
  /// False: the answer makes no sense.
  [[nodiscard]] virtual bool take(NodeId node, wire::Message& message) = 0;
  virtual void failed(NodeId node, const Error& error) = 0;
  virtual void all_settled() = 0;
  void ask(const std::vector<NodeId>& nodes);
  void clean_up() override;
  void timed_out() override;

 private:
  void settle(NodeId node, const std::optional<Error>& error);

  struct Ask {
    RequestId request = 0;
    bool sent = false;
  };
  std::map<NodeId, Ask> open_;
};

/// The answer of the leader of the highest term; without one, the best that came within a failure timeout of the first.
class MembersOperation final : public Answering<FanOut, ClusterView> {
 public:
  using Answering::Answering;
  void begin() override { ask(core_.links().nodes()); }

 protected:
  wire::Message question(RequestId request) const override { return wire::QueryMembers{request}; }
  bool take(NodeId node, wire::Message& message) override;
  void failed(NodeId, const Error& error) override { failures_.push_back(error); }
  void all_settled() override;
  void clean_up() override;

 private:
  void ask_unknown_leader(const wire::MembersResult& result);

  std::optional<wire::MembersResult> best_;
  std::vector<Error> failures_;
  TimerId gathering_ = kNoTimer;
};

class VerifyOperation final : public Answering<FanOut, std::vector<CopyCheck>> {
 public:
  VerifyOperation(ClientCore& core, OperationId id, Callback<void(Result<std::vector<CopyCheck>>)> done,
                  const Digest& digest)
      : Answering(core, id, std::move(done)), digest_(digest) {}
  void begin() override { ask(core_.links().nodes()); }

 protected:
  wire::Message question(RequestId request) const override { return wire::Verify{request, digest_}; }
  bool take(NodeId node, wire::Message& message) override;
  void failed(NodeId node, const Error& error) override;
  void all_settled() override;

 private:
  const Digest digest_;
  std::map<NodeId, CopyCheck> checks_;
};

class ScrubOperation final : public Answering<FanOut, std::vector<ScrubView>> {
 public:
  ScrubOperation(ClientCore& core, OperationId id, Callback<void(Result<std::vector<ScrubView>>)> done,
                 ScrubAction action, std::vector<NodeId> nodes)
      : Answering(core, id, std::move(done)), action_(action), nodes_(std::move(nodes)) {}
  void begin() override;

 protected:
  wire::Message question(RequestId request) const override { return wire::Scrub{request, action_}; }
  bool take(NodeId node, wire::Message& message) override;
  void failed(NodeId node, const Error& error) override { views_[node] = {node, error.code, error.message, {}}; }
  void all_settled() override;

 private:
  const ScrubAction action_;
  const std::vector<NodeId> nodes_;
  std::map<NodeId, ScrubView> views_;
};

class PingOperation final : public Answering<FanOut, LeaderView> {
 public:
  PingOperation(ClientCore& core, OperationId id, Callback<void(Result<LeaderView>)> done, NodeId node)
      : Answering(core, id, std::move(done)), node_(node) {}
  void begin() override;

 protected:
  wire::Message question(RequestId request) const override { return wire::Ping{request}; }
  bool take(NodeId node, wire::Message& message) override;
  void failed(NodeId, const Error& error) override { error_ = error; }
  void all_settled() override;

 private:
  const NodeId node_;
  std::optional<LeaderView> view_;
  Error error_;
};

}  // namespace cloudp2p::core
