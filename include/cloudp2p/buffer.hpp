// Buffer: shared bytes that are written once, then only read; BufferPool recycles their memory.
//
// Purpose:   one chunk of an image goes to the local disk and to every follower without a copy.
// Thread:    a Buffer is a value that may be handed to other threads; its bytes may be written only before it is
//            first shared. BufferPool is safe from any thread.
// Ownership: the last Buffer that refers to a block gives it back to its pool, or frees it. A pool may be destroyed
//            before its buffers.
// Limits:    a pool keeps at most `spare_max` free blocks; it never refuses: what bounds memory is credit, not the pool.
#pragma once

#include <cloudp2p/types.hpp>

#include <memory>
#include <mutex>

namespace cloudp2p {

/// A part of a shared block of bytes. Copies refer to the same bytes; a default-constructed one refers to none.
class Buffer {
 public:
  Buffer() = default;
  /// Uninitialised bytes from the heap.
  [[nodiscard]] static Buffer allocate(std::size_t size_bytes) {
    return Buffer(std::shared_ptr<std::byte[]>(new std::byte[size_bytes]), size_bytes);
  }
  /// The same bytes in a block of their own, from the heap.
  [[nodiscard]] static Buffer copy_of(ByteView bytes) {
    Buffer out = allocate(bytes.size());
    std::copy(bytes.begin(), bytes.end(), out.data());
    return out;
  }

  /// To write to, before the buffer is first shared. Good while a Buffer refers to the block; null when there is none.
  [[nodiscard]] std::byte* data() noexcept { return block_.get() + offset_; }
  /// To read from; otherwise as above.
  [[nodiscard]] const std::byte* data() const noexcept { return block_.get() + offset_; }
  /// In bytes. `to_send_on` keeps the size although it lets the bytes go.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// True of a default-constructed Buffer, and of a part without bytes.
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// All of it; good while a Buffer refers to the block.
  [[nodiscard]] ByteView view() const noexcept { return {data(), size_}; }
  /// A part of the same block, without a copy. The range must lie within this buffer.
  [[nodiscard]] Buffer part(std::size_t offset, std::size_t size_bytes) const {
    Buffer out = bare();
    out.offset_ += offset;
    out.size_ = size_bytes;
    return out;
  }

  /// What a transport wants to find again if it is to send these very bytes on. It may hold memory of its own.
  struct Attachment {
    virtual ~Attachment() = default;
  };
  /// For transports, on what they received. Copies made from now on carry it, parts do not.
  void attach(std::shared_ptr<const Attachment> attachment) { attachment_ = std::move(attachment); }
  /// Null unless a transport has set one.
  [[nodiscard]] const std::shared_ptr<const Attachment>& attachment() const noexcept { return attachment_; }
  /// Only good for being sent on: with an attachment, its bytes are let go of here.
  [[nodiscard]] Buffer to_send_on() const {
    Buffer out = *this;
    if (attachment_) out.block_.reset();
    return out;
  }
  /// The same bytes without it.
  [[nodiscard]] Buffer bare() const {
    Buffer out;
    out.block_ = block_;
    out.offset_ = offset_;
    out.size_ = size_;
    return out;
  }

 private:
  friend class BufferPool;
  Buffer(std::shared_ptr<std::byte[]> block, std::size_t size) : block_(std::move(block)), size_(size) {}

  std::shared_ptr<std::byte[]> block_;
  std::shared_ptr<const Attachment> attachment_;
  std::size_t offset_ = 0;
  std::size_t size_ = 0;
};

/// Recycles blocks of one size: the first touch of new memory costs more than the copy into it.
class BufferPool {
 public:
  /// What a pool keeps for reuse.
  struct Limits {
    std::size_t block_bytes;  ///< Requests up to this size are served by recycled blocks of this size.
    std::size_t spare_max;    ///< Free blocks kept.
  };
  /// Allocates no block before the first `take`.
  explicit BufferPool(Limits limits) : shared_(std::make_shared<Shared>(limits)) {}

  /// A buffer of exactly `size_bytes`; larger than a block comes from the heap.
  [[nodiscard]] Buffer take(std::size_t size_bytes) {
    if (size_bytes > shared_->limits.block_bytes) return Buffer::allocate(size_bytes);
    std::unique_ptr<std::byte[]> block = shared_->pop();
    if (!block) block.reset(new std::byte[shared_->limits.block_bytes]);
    auto give_back = [shared = shared_](std::byte* bytes) { shared->push(std::unique_ptr<std::byte[]>(bytes)); };
    return Buffer(std::shared_ptr<std::byte[]>(block.release(), std::move(give_back)), size_bytes);
  }

 private:
  struct Shared {
    explicit Shared(Limits l) : limits(l) { spare.reserve(l.spare_max); }
    std::unique_ptr<std::byte[]> pop() {
      const std::lock_guard lock(mutex);
      if (spare.empty()) return nullptr;
      std::unique_ptr<std::byte[]> out = std::move(spare.back());
      spare.pop_back();
      return out;
    }
    void push(std::unique_ptr<std::byte[]> block) {
      const std::lock_guard lock(mutex);
      if (spare.size() < limits.spare_max) spare.push_back(std::move(block));
    }
    const Limits limits;
    std::mutex mutex;
    std::vector<std::unique_ptr<std::byte[]>> spare;
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace cloudp2p
