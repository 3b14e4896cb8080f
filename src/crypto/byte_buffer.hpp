// ByteBuffer: bytes to be sent. Like a vector, but growing writes nothing: zeroing 64 KiB costs a tenth of sealing
// them.
//
// Thread:    one thread at a time. Ownership: `clear` keeps the memory for the next use, `release` gives it back.
#pragma once

#include <cloudp2p/types.hpp>

#include <memory>
#include <utility>

namespace cloudp2p::crypto {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : bytes_(std::move(other.bytes_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  [[nodiscard]] std::byte* data() noexcept { return bytes_.get(); }
  [[nodiscard]] const std::byte* data() const noexcept { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] ByteView view() const noexcept { return {data(), size_}; }

  /// Room for at least `wanted` bytes in all; grows by half or more, so that many small calls stay cheap.
  void reserve(std::size_t wanted) {
    if (wanted <= capacity_) return;
    wanted = std::max(wanted, capacity_ + capacity_ / 2);
    std::unique_ptr<std::byte[]> larger(new std::byte[wanted]);
    if (size_ != 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    capacity_ = wanted;
  }
  /// Room for `more` bytes at the end, uninitialised. Invalidates earlier pointers.
  std::byte* extend(std::size_t more) {
    if (capacity_ - size_ < more) reserve(size_ + more);
    std::byte* at = bytes_.get() + size_;
    size_ += more;
    return at;
  }
  void append(ByteView bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
  }
  void clear() noexcept { size_ = 0; }
  void release() noexcept {
    bytes_.reset();
    size_ = capacity_ = 0;
  }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace cloudp2p::crypto
