#include "net/transport_support.hpp"

#include <asio/buffer.hpp>
#include <asio/connect.hpp>
#include <asio/write.hpp>

namespace cloudp2p::asio_net::testing {
namespace {

constexpr std::uint32_t kFarewell = ~std::uint32_t{0};

void put_u32(std::vector<std::byte>& out, std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<std::byte>(number >> shift));
}

std::uint32_t get_u32(const std::byte* at) {
  std::uint32_t out = 0;
  for (int i = 3; i >= 0; --i)
    out = (out << 8) | std::to_integer<std::uint32_t>(at[i]);
  return out;
}

void put_bytes(std::vector<std::byte>& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}
void put_text(std::vector<std::byte>& out, std::string_view text) {
  put_bytes(out, std::as_bytes(std::span(text)));
}

bool begins_with(ByteView bytes, std::string_view text) {
  return std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

}  // namespace

std::unique_ptr<PlainSession> PlainSession::initiate(Self self, NodeId expected, Lane lane) {
  auto out = std::make_unique<PlainSession>();
  out->self_ = self;
  out->initiator_ = true;
  out->info_.lane = lane;
  out->info_.role = Role::node;
  put_text(out->out_, hello(self.role, lane, expected));
  return out;
}

std::unique_ptr<PlainSession> PlainSession::respond(Self self) {
  auto out = std::make_unique<PlainSession>();
  out->self_ = self;
  return out;
}

std::span<std::byte> PlainSession::prepare() {
  room_.resize(64 * 1024);
  return room_;
}

Status PlainSession::commit(std::size_t size_bytes, std::vector<Frame>& frames) {
  in_.insert(in_.end(), room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(size_bytes));
  if (!established_) {
    if (Status taken = take_handshake(); !taken) return taken;
  }
  return established_ ? take_frames(frames) : Status();
}

Status PlainSession::take_handshake() {
  if (in_.size() < 2) return {};
  if (!begins_with(in_, initiator_ ? "OK" : "HI")) return Error{Errc::bad_key, "not our protocol"};
  const std::size_t size = initiator_ ? kAnswerBytes : kHelloBytes;
  if (in_.size() < size) return {};
  if (initiator_) {
    info_.peer = NodeId{get_u32(in_.data() + 2)};
  } else {
    info_.role = in_[2] == std::byte{1} ? Role::node : Role::client;
    info_.lane = in_[3] == std::byte{1} ? Lane::bulk : Lane::control;
    put_text(out_, "OK");
    put_u32(out_, value(self_.node));
  }
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(size));
  established_ = true;
  return {};
}

Status PlainSession::take_frames(std::vector<Frame>& frames) {
  std::size_t at = 0;
  while (in_.size() - at >= 8 && !farewell_) {
    const std::size_t head = get_u32(in_.data() + at);
    const std::size_t payload = get_u32(in_.data() + at + 4);
    const std::size_t head_bytes = head == kFarewell ? 0 : head;
    if (head_bytes > limits::kHeadBytesMax || payload > limits::kPayloadBytesMax) {
      return Error{Errc::protocol, "a frame longer than allowed"};
    }
    if (in_.size() - at - 8 < head_bytes + payload) break;
    const ByteView body = ByteView(in_).subspan(at + 8, head_bytes + payload);
    if (head == kFarewell) {
      farewell_ = Error{Errc::closed, std::string(reinterpret_cast<const char*>(body.data()), body.size())};
    } else {
      const ByteView first = body.first(head_bytes);
      frames.push_back({{first.begin(), first.end()}, Buffer::copy_of(body.subspan(head_bytes))});
    }
    at += 8 + head_bytes + payload;
  }
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(at));
  return {};
}

Status PlainSession::seal(std::span<const Frame> frames) {
  for (const Frame& frame : frames) {
    put_u32(out_, static_cast<std::uint32_t>(frame.head.size()));
    put_u32(out_, static_cast<std::uint32_t>(frame.payload.size()));
    put_bytes(out_, frame.head);
    put_bytes(out_, frame.payload.view());
  }
  return {};
}

void PlainSession::seal_close(const Error& reason) {
  put_u32(out_, kFarewell);
  put_u32(out_, static_cast<std::uint32_t>(reason.message.size()));
  put_text(out_, reason.message);
}

Frame numbered_frame(std::uint32_t number, std::size_t head_bytes, std::size_t payload_bytes) {
  Frame frame;
  put_u32(frame.head, number);
  frame.head.resize(std::max<std::size_t>(4, head_bytes), static_cast<std::byte>(number * 7));
  if (payload_bytes > 0) {
    frame.payload = Buffer::allocate(payload_bytes);
    std::fill_n(frame.payload.data(), payload_bytes, static_cast<std::byte>(number * 11));
  }
  return frame;
}

std::optional<std::uint32_t> number_of(const Frame& frame) {
  if (frame.head.size() < 4) return std::nullopt;
  const std::uint32_t number = get_u32(frame.head.data());
  const auto all = [](ByteView bytes, std::byte expected) {
    return std::all_of(bytes.begin(), bytes.end(), [=](std::byte each) { return each == expected; });
  };
  const bool intact = all(ByteView(frame.head).subspan(4), static_cast<std::byte>(number * 7)) &&
                      (frame.payload.empty() || all(frame.payload.view(), static_cast<std::byte>(number * 11)));
  return intact ? std::optional(number) : std::nullopt;
}

RawSocket::RawSocket(std::uint16_t port, const std::string& host) : socket_(io_) {
  socket_.connect(tcp::endpoint(asio::ip::make_address(host), port));
}

void RawSocket::write(ByteView bytes) {
  std::error_code ignored;  // The other side may close in the middle; that is then what the test is about.
  asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), ignored);
}

bool RawSocket::closed_by_peer() {
  std::array<std::byte, 4096> skipped;
  std::error_code error;
  socket_.non_blocking(true, error);
  while (!error)
    socket_.read_some(asio::buffer(skipped), error);
  return error != asio::error::would_block;
}

std::string hello(Role role, Lane lane, NodeId expected) {
  std::vector<std::byte> out;
  put_u32(out, value(expected));
  std::string text = "HI";
  text += role == Role::node ? '\1' : '\0';
  text += lane == Lane::bulk ? '\1' : '\0';
  return text + std::string(reinterpret_cast<const char*>(out.data()), out.size());
}

}  // namespace cloudp2p::asio_net::testing
