#include "nemesis/proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <list>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace nemesis {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kHeldBytesMax = 1024 * 1024;  ///< Of one direction; then the sender waits.
constexpr int kIdleMs = 1'000;

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

sockaddr_in address_of(in_addr_t address, unsigned port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  out.sin_addr.s_addr = address;
  return out;
}

Descriptor tcp_socket() {
  Descriptor out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (out.get() < 0) throw std::system_error(errno, std::generic_category(), "socket");
  return out;
}

/// What goes from one socket to the other.
struct Direction {
  struct Piece {
    Clock::time_point due;
    std::string bytes;
  };
  std::deque<Piece> pieces;
  std::size_t held_bytes = 0;
  bool ended = false;   ///< Nothing more comes.
  bool closed = false;  ///< And the other side has been told.
};

struct Turned {
  Descriptor outside;
  Descriptor node;
  Direction inwards;
  Direction outwards;
  bool broken = false;

  Turned(Descriptor from, Descriptor to) : outside(std::move(from)), node(std::move(to)) {}
  [[nodiscard]] bool over() const { return broken || (inwards.closed && outwards.closed); }
  void reset() {
    const linger at_once{1, 0};
    for (const int socket : {outside.get(), node.get()})
      ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    broken = true;
  }
};

bool again() {
  return errno == EAGAIN || errno == EINTR || errno == EINPROGRESS || errno == ENOTCONN;
}

}  // namespace

class Proxy::Loop {
 public:
  Loop(const Network& network, unsigned node)
      : node_(node), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), listener_(listening(network, node)) {
    thread_ = std::thread([this, &network] { network.inside(node_, [this] { run(); }); });
  }
  ~Loop() {
    stop_ = true;
    wake();
    thread_.join();
  }

  void wake() {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }

  std::atomic<int> delay_ms{0};
  std::atomic<bool> swallow{false};
  std::atomic<bool> reset_wanted{false};

 private:
  /// A socket stays in the namespace in which it was made.
  static Descriptor listening(const Network& network, unsigned node) {
    int out = -1;
    network.inside(node, [&] {
      Descriptor socket = tcp_socket();
      const sockaddr_in at = address_of(htonl(INADDR_ANY), kProxyPort);
      if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
          ::listen(socket.get(), 64) != 0)
        throw std::system_error(errno, std::generic_category(), "proxy");
      out = socket.release();
    });
    return Descriptor(out);
  }

  void run() {
    while (!stop_) {
      wait();
      std::uint64_t ignored = 0;
      (void)!::read(wake_.get(), &ignored, sizeof ignored);
      accept_all();
      const bool reset = reset_wanted.exchange(false);
      for (Turned& turned : turned_) {
        if (reset) turned.reset();
        if (!swallow) move(turned);
      }
      turned_.remove_if([](const Turned& turned) { return turned.over(); });
    }
  }

  void wait() {
    std::vector<pollfd> watched{{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    int timeout = kIdleMs;
    for (const Turned& turned : turned_) {
      if (swallow) break;
      watch(watched, timeout, turned.outside.get(), turned.inwards, turned.outwards);
      watch(watched, timeout, turned.node.get(), turned.outwards, turned.inwards);
    }
    (void)::poll(watched.data(), watched.size(), timeout);
  }

  static void watch(std::vector<pollfd>& watched, int& timeout, int socket, const Direction& from,
                    const Direction& to) {
    short events = 0;
    if (!from.ended && from.held_bytes < kHeldBytesMax) events |= POLLIN;
    if (!to.pieces.empty()) {
      const auto left = std::chrono::duration_cast<milliseconds>(to.pieces.front().due - Clock::now()).count();
      if (left <= 0) events |= POLLOUT;
      if (left > 0) timeout = std::min(timeout, static_cast<int>(left) + 1);
    }
    if (events != 0) watched.push_back({socket, events, 0});
  }

  void accept_all() {
    for (;;) {
      Descriptor from(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (from.get() < 0) return;
      Descriptor to = tcp_socket();
      const sockaddr_in at = address_of(::inet_addr(Network::address(node_).c_str()), kPort);
      const int yes = 1;
      for (const int socket : {from.get(), to.get()})
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      const bool refused = ::connect(to.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 && !again();
      turned_.emplace_back(std::move(from), std::move(to));
      if (refused) turned_.back().reset();
    }
  }

  void move(Turned& turned) {
    if (turned.broken) return;
    take(turned, turned.outside.get(), turned.inwards);
    take(turned, turned.node.get(), turned.outwards);
    give(turned, turned.node.get(), turned.inwards);
    give(turned, turned.outside.get(), turned.outwards);
  }

  void take(Turned& turned, int socket, Direction& into) {
    while (!into.ended && into.held_bytes < kHeldBytesMax) {
      std::string bytes(kPieceBytes, '\0');
      const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), 0);
      if (got < 0) {
        if (!again()) turned.reset();
        return;
      }
      into.ended = got == 0;
      bytes.resize(static_cast<std::size_t>(got));
      into.held_bytes += bytes.size();
      if (got > 0) into.pieces.push_back({Clock::now() + milliseconds(delay_ms), std::move(bytes)});
    }
  }

  static void give(Turned& turned, int socket, Direction& from) {
    while (!turned.broken && !from.pieces.empty() && from.pieces.front().due <= Clock::now()) {
      std::string& bytes = from.pieces.front().bytes;
      const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) {
        if (!again()) turned.reset();
        return;
      }
      from.held_bytes -= static_cast<std::size_t>(sent);
      bytes.erase(0, static_cast<std::size_t>(sent));
      if (!bytes.empty()) return;
      from.pieces.pop_front();
    }
    if (!from.ended || from.closed || !from.pieces.empty()) return;
    ::shutdown(socket, SHUT_WR);
    from.closed = true;
  }

  const unsigned node_;
  const Descriptor wake_;
  const Descriptor listener_;
  std::list<Turned> turned_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

Proxy::Proxy(const Network& network, unsigned node) : loop_(std::make_unique<Loop>(network, node)) {}
Proxy::~Proxy() = default;

void Proxy::delay(milliseconds by) {
  loop_->delay_ms = static_cast<int>(by.count());
  loop_->wake();
}

void Proxy::swallow(bool on) {
  loop_->swallow = on;
  loop_->wake();
}

void Proxy::reset_all() {
  loop_->reset_wanted = true;
  loop_->wake();
}

}  // namespace nemesis
