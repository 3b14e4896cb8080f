// ReceiveBuffer: where a socket reads to, and where records are opened in place.
//
// Purpose:   an idle session holds nothing, a quiet one little, a busy one enough for large reads.
// Thread:    one thread at a time.
// Limits:    at most kLarge bytes, whatever the other side sends.
#pragma once

#include <cloudp2p/types.hpp>

#include <cassert>
#include <memory>

namespace cloudp2p::crypto {

class ReceiveBuffer {
 public:
  static constexpr std::size_t kHandshake = 1024;
  static constexpr std::size_t kSmall = 4 * 1024;
  static constexpr std::size_t kLarge = 128 * 1024;

  /// Free room for the next read; never empty.
  [[nodiscard]] std::span<std::byte> prepare() {
    if (begin_ == end_) begin_ = end_ = 0;
    const std::size_t wanted = std::max(target_, needed_);
    if (capacity_ < wanted) move_to(wanted);
    const std::size_t room = capacity_ - begin_;
    if (begin_ != 0 && (room < needed_ || capacity_ - end_ < capacity_ / 8)) compact();
    assert(end_ < capacity_);
    return {bytes_.get() + end_, capacity_ - end_};
  }
  /// `count` bytes were written to the start of what `prepare` gave.
  void commit(std::size_t count) {
    assert(count <= capacity_ - end_);
    end_ += count;
    if (end_ == capacity_) target_ = std::min(limit_, target_ * 2);
  }
  [[nodiscard]] std::span<std::byte> pending() noexcept { return {bytes_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t count) noexcept {
    begin_ += count;
    needed_ = 0;
  }
  /// The unit that begins at `pending` has this many bytes, more than are pending; `prepare` makes room for all of it.
  void need(std::size_t bytes) noexcept {
    assert(bytes > end_ - begin_ && bytes <= kLarge);
    needed_ = bytes;
  }

  /// The handshake is over: reads may grow as traffic asks.
  void allow_growth() noexcept {
    limit_ = kLarge;
    target_ = kSmall;
  }
  /// Gives the memory back when nothing is pending.
  void trim() noexcept {
    if (begin_ != end_) return;
    bytes_.reset();
    begin_ = end_ = capacity_ = needed_ = 0;
    target_ = std::min(limit_, kSmall);
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  void move_to(std::size_t capacity) {
    std::unique_ptr<std::byte[]> larger(new std::byte[capacity]);
    if (end_ != begin_) std::memcpy(larger.get(), bytes_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }
  void compact() noexcept {
    std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }

  std::unique_ptr<std::byte[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
  std::size_t needed_ = 0;
  std::size_t target_ = kHandshake;
  std::size_t limit_ = kHandshake;
};

}  // namespace cloudp2p::crypto
