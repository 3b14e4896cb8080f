// A client host goes while a source of its caller is still at work.
#include "support/cluster.hpp"
#include "support/silent_log.hpp"

#include <cloudp2p/config.hpp>
#include <cloudp2p/host.hpp>

#include <doctest/doctest.h>

#include <future>
#include <thread>

using namespace cloudp2p;

namespace {

/// Answers when it is told to, as a file on a slow disk may.
class LateSource final : public ImageSource {
 public:
  [[nodiscard]] const std::string& name() const override { return name_; }
  void identify(Callback<void(Result<Content>)> done) override {
    identified_ = std::move(done);
    asked.set_value();
  }
  void read(ReadRange, Callback<void(Result<Buffer>)>) override {}
  void answer() { identified_(Content{1, {}}); }
  std::promise<void> asked;

 private:
  std::string name_ = "late.jpg";
  Callback<void(Result<Content>)> identified_;
};

}  // namespace

TEST_CASE("what a source says once its client host is gone is dropped") {
  Config config;
  config.peers = {PeerAddress{NodeId{1}, {"127.0.0.1", static_cast<std::uint16_t>(support::free_ports(1).front())}}};
  config.encryption_key = std::string(64, 'a');
  support::SilentLog silent;
  Result<std::unique_ptr<ClientHost>> host = ClientHost::open(config, silent);
  REQUIRE_MESSAGE(host.ok(), host.error().text());
  const auto source = std::make_shared<LateSource>();
  std::thread caller([&] { CHECK((*host)->upload(source).code() == Errc::cancelled); });
  source->asked.get_future().wait();
  (*host)->cancel_all();
  caller.join();
  host->reset();
  source->answer();
}
