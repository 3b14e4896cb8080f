// What a party that waits on nodes is told; everything arrives on the owner's thread.
#pragma once

#include "core/wire.hpp"

namespace cloudp2p::core {

using wire::RequestId;

class ClientListener {
 public:
  virtual ~ClientListener() = default;
  virtual void on_link_ready(NodeId node) { (void)node; }
  virtual void on_link_failed(NodeId node, const Error& error) { (void)node, (void)error; }
  virtual void on_link_silent(NodeId node) { (void)node; }
  virtual void on_link_drained(NodeId node) { (void)node; }
  /// A message that carries a request id which this listener expects.
  virtual void on_answer(RequestId request, wire::Message& message, Buffer payload) {
    (void)request, (void)message, (void)payload;
  }
};

}  // namespace cloudp2p::core
