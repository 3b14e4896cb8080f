// ImageInMemory: the bytes of an upload, with their simulated digest.
#pragma once

#include <cloudp2p/testing/sim_cluster.hpp>

namespace cloudp2p::sim {

class ImageInMemory final : public ImageSource {
 public:
  ImageInMemory(Executor& executor, testing::SimImage image) : executor_(executor), image_(std::move(image)) {}

  [[nodiscard]] const std::string& name() const override { return image_.name; }
  void identify(Callback<void(Result<Content>)> done) override {
    executor_.post([done = std::move(done), content = Content{image_.size_bytes, image_.digest}] { done(content); });
  }
  void read(ReadRange range, Callback<void(Result<Buffer>)> done) override {
    executor_.post([done = std::move(done), bytes = part(range)]() mutable { done(std::move(bytes)); });
  }

 private:
  [[nodiscard]] Buffer part(ReadRange range) const {
    const std::size_t head = image_.head.size();
    const auto offset = static_cast<std::size_t>(range.offset);
    if (offset >= head) return image_.tail.part(offset - head, range.size_bytes);
    if (offset + range.size_bytes <= head) return image_.head.part(offset, range.size_bytes);
    Buffer out = Buffer::allocate(range.size_bytes);
    const std::size_t from_head = head - offset;
    std::memcpy(out.data(), image_.head.data() + offset, from_head);
    std::memcpy(out.data() + from_head, image_.tail.data(), range.size_bytes - from_head);
    return out;
  }

  Executor& executor_;
  const testing::SimImage image_;
};

}  // namespace cloudp2p::sim
