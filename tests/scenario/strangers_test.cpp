// Whoever speaks to the port without knowing how: dropped, said in the log, and nobody else notices.
#include "scenario/cluster.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace scenario;
using namespace std::chrono_literals;
using cloudp2p::Digest;
using cloudp2p::NodeId;

namespace {

/// A TCP connection from 127.0.0.`last`, so that the cluster sees somebody else than its clients.
class Stranger {
 public:
  Stranger(std::uint16_t port, unsigned last) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in from = address(0, last);
    const sockaddr_in to = address(port, 1);
    connected_ = ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
                 ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~Stranger() { ::close(descriptor_); }
  Stranger(Stranger&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), connected_(other.connected_) {}
  Stranger& operator=(Stranger&&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  void say(std::string_view bytes) { (void)::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// The other side closed; whatever it said before that is read and ignored.
  [[nodiscard]] bool dropped(std::chrono::milliseconds patience = support::kGenerous) {
    return eventually(
        [this] {
          char bytes[4096];
          const ssize_t got = ::recv(descriptor_, bytes, sizeof bytes, MSG_DONTWAIT);
          return got == 0 || (got < 0 && errno != EAGAIN);
        },
        patience);
  }

 private:
  static sockaddr_in address(std::uint16_t port, unsigned last) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(0x7f000000U + last);
    return out;
  }

  int descriptor_;
  bool connected_ = false;
};

/// Sanitizers keep freed memory: only their own builds may grow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kGrowthBytesMax = std::size_t{1} << 30;
#else
constexpr std::size_t kGrowthBytesMax = 6 * 1024 * 1024;
#endif

/// What a stranger does must neither cost memory nor stop the others.
template <class Act>
void bears(Cluster& cluster, Act act) {
  REQUIRE(put(cluster, picture(100'000, 1)).has_value());
  const std::size_t before = cluster.resident_bytes(NodeId{3});
  act(cluster.port(NodeId{3}));
  const std::optional<Digest> stored = put(cluster, picture(100'000, 2));
  CHECK(stored.has_value());
  const std::size_t after = cluster.resident_bytes(NodeId{3});
  CHECK_MESSAGE(after < before + kGrowthBytesMax, before << " bytes resident before, " << after << " after");
  CHECK(cluster.client().discover()->leader == NodeId{3});
}

bool logged_drop(Cluster& cluster, const std::string& address) {
  return eventually([&] {
    return cluster.log(NodeId{3}).find("connection from " + address + " dropped: ") != std::string::npos;
  });
}

}  // namespace

TEST_CASE("garbage is dropped and logged once, and the cluster goes on") {
  Cluster cluster;
  bears(cluster, [](std::uint16_t port) {
    for (unsigned seed = 0; seed < 50; ++seed) {
      Stranger stranger(port, 2);
      REQUIRE(stranger.connected());
      stranger.say(picture(3'000, seed).substr(4));
      CHECK(stranger.dropped());
    }
  });
  CHECK(logged_drop(cluster, "127.0.0.2"));
  const std::string log = cluster.log(NodeId{3});
  const std::string line = "connection from 127.0.0.2 dropped";
  std::size_t lines = 0;
  for (std::size_t at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) ++lines;
  CHECK(lines <= 2);
}

TEST_CASE("a huge length prefix, an HTTP request and a port scan are dropped") {
  Cluster cluster;
  bears(cluster, [](std::uint16_t port) {
    for (const std::string& words : {std::string("\xff\xff\xff\xff", 4) + std::string(100, 'x'),
                                     std::string("\x00\x00\x00\x7f", 4) + std::string(100, '\0'),
                                     std::string("GET / HTTP/1.1\r\nHost: node\r\n\r\n"), std::string(2'000, '\0')}) {
      Stranger stranger(port, 3);
      stranger.say(words);
      CHECK(stranger.dropped());
    }
    for (int i = 0; i < 100; ++i) Stranger(port, 3);
  });
}

TEST_CASE("half a frame and a handshake that stops are dropped after the handshake's time") {
  Cluster cluster;
  bears(cluster, [](std::uint16_t port) {
    Stranger silent(port, 4);
    Stranger half(port, 4);
    half.say(std::string("\x00\x40", 2));
    Stranger drip(port, 4);
    for (int i = 0; i < 3; ++i) drip.say("c");
    CHECK(silent.dropped(15s));
    CHECK(half.dropped(15s));
    CHECK(drip.dropped(15s));
  });
  CHECK(logged_drop(cluster, "127.0.0.4"));
}

TEST_CASE("a thousand connections that say nothing: old clients and new ones are served") {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Cluster cluster;
  bears(cluster, [&](std::uint16_t port) {
    std::vector<Stranger> crowd;
    for (unsigned i = 0; i < 1'000; ++i) crowd.emplace_back(port, 2 + i % 100);
    CHECK(put(cluster, picture(100'000, 3)).has_value());
    const Finished sent = cluster.run_client({"discover"});
    CHECK_MESSAGE(sent.exit_status == 0, sent.err);
    for (Stranger& stranger : crowd) CHECK(stranger.dropped());
  });
}
