// An ImageStore of one's own: images in memory, for a member whose disk is too small (a kiosk that mirrors a wall of
// pictures). It shows what the contract in image_store.hpp asks of an implementation:
//   - callbacks never run inline, each exactly once;
//   - nothing is visible before its length and digest are right;
//   - after an error of append or commit the put is gone;
//   - memory is bounded, and running out of it is Errc::full, not an exception.
// What it cannot promise is durability: an acknowledgement that counts such a member means less, and after a restart
// the node fetches everything again from the others.
//   NODE_ID=1 PEERS=1=127.0.0.1:7001 SHARED_DIR=./kiosk ./custom_image_store
#include <cloudp2p/host.hpp>

#include <cstdlib>
#include <iostream>
#include <map>

namespace {

using namespace cloudp2p;

class MemoryStore final : public ImageStore {
 public:
  MemoryStore(Executor& executor, std::uint64_t bytes_max) : executor_(executor), free_(bytes_max) {}

  void begin_put(PutHeader header, Callback<void(Result<PutId>)> done) override {
    if (header.size_bytes > free_) return answer(std::move(done), Result<PutId>(Errc::full));
    free_ -= header.size_bytes;  // Promised: two puts must not both count on the same room.
    const PutId id{++last_put_};
    Put& put = puts_[id];
    put.bytes = Buffer::allocate(static_cast<std::size_t>(header.size_bytes));
    put.header = std::move(header);
    answer(std::move(done), Result<PutId>(id));
  }

  void append(PutId id, Buffer bytes, Callback<void(Status)> done) override {
    const auto at = puts_.find(id);
    if (at == puts_.end()) return answer(std::move(done), Status(Errc::closed));
    Put& put = at->second;
    if (bytes.size() > put.bytes.size() - put.filled) {
      forget(id);
      return answer(std::move(done), Status(Errc::integrity));
    }
    std::copy_n(bytes.data(), bytes.size(), put.bytes.data() + put.filled);
    put.filled += bytes.size();
    answer(std::move(done), Status());
  }

  void commit(PutId id, Callback<void(Result<StoredImage>)> done) override {
    const auto at = puts_.find(id);
    if (at == puts_.end()) return answer(std::move(done), Result<StoredImage>(Errc::closed));
    if (at->second.filled != at->second.header.size_bytes) {
      forget(id);
      return answer(std::move(done), Result<StoredImage>(Errc::integrity));
    }
    // Hashing is the library's: a source identifies its bytes, on a thread of its own choice.
    const Put& put = at->second;
    const auto source = memory_source(put.header.name, put.bytes);
    const auto shared = std::make_shared<Callback<void(Result<StoredImage>)>>(std::move(done));
    source->identify([this, id, source, shared](Result<ImageSource::Content> content) {
      executor_.post([this, id, shared, content = std::move(content)] { (*shared)(publish(id, content)); });
    });
  }

  void abort(PutId id) override { forget(id); }

  void read(const std::string& name, ReadRange range, Callback<void(Result<Buffer>)> done) override {
    const auto at = images_.find(name);
    if (at == images_.end()) return answer(std::move(done), Result<Buffer>(Errc::not_found));
    const Buffer& bytes = at->second.second;
    const std::size_t from = static_cast<std::size_t>(std::min<std::uint64_t>(range.offset, bytes.size()));
    answer(std::move(done), Result<Buffer>(bytes.part(from, std::min(range.size_bytes, bytes.size() - from))));
  }

  void erase(const std::string& name, Callback<void(Status)> done) override {
    if (const auto at = images_.find(name); at != images_.end()) {
      free_ += at->second.second.size();
      images_.erase(at);
    }
    answer(std::move(done), Status());
  }
  /// Memory that was right at commit is taken to be right: only absence is found here.
  void verify(const Digest&, const std::string& name, Callback<void(Status)> done) override {
    answer(std::move(done), images_.contains(name) ? Status() : Status(Errc::not_found));
  }
  void quarantine(const std::string& name, Callback<void(Status)> done) override { erase(name, std::move(done)); }

  void identify(const std::string& name, Callback<void(Result<ImageRecord>)> done) override {
    const auto at = images_.find(name);
    if (at == images_.end()) return answer(std::move(done), Result<ImageRecord>(Errc::not_found));
    const auto& [digest, bytes] = at->second;
    answer(std::move(done), Result<ImageRecord>(ImageRecord{digest, {}, false, bytes.size(), sniff(bytes.view()), name, 0}));
  }

  void list(Callback<void(Result<std::vector<StoredImage>>)> done) override {
    std::vector<StoredImage> out;
    for (const auto& [name, image] : images_)
      out.push_back({image.first, name, image.second.size(), 0});
    answer(std::move(done), Result<std::vector<StoredImage>>(std::move(out)));
  }

  [[nodiscard]] StoreStatus status() const override {
    return {free_ > 0 ? StoreHealth::ok : StoreHealth::full, free_, free_ > 0 ? "" : "memory is used up"};
  }

 private:
  struct Put {
    PutHeader header;
    Buffer bytes;
    std::uint64_t filled = 0;
  };

  template <class Answer>
  void answer(Callback<void(Answer)> done, Answer value) {
    executor_.post([done = std::move(done), value = std::move(value)] { done(value); });
  }

  Result<StoredImage> publish(PutId id, const Result<ImageSource::Content>& content) {
    const auto at = puts_.find(id);
    if (at == puts_.end()) return Errc::cancelled;  // Aborted while it was hashed.
    if (!content || content->digest != at->second.header.digest) {
      forget(id);
      return content ? Result<StoredImage>(Errc::integrity) : Result<StoredImage>(content.error());
    }
    const std::string name = content->digest.hex() + "." + std::string(extension(at->second.header.type));
    const StoredImage stored{content->digest, name, content->size_bytes, 0};
    const bool fresh = images_.try_emplace(name, content->digest, std::move(at->second.bytes)).second;
    if (!fresh) free_ += content->size_bytes;
    puts_.erase(at);
    return stored;
  }

  void forget(PutId id) {
    const auto at = puts_.find(id);
    if (at == puts_.end()) return;
    free_ += at->second.header.size_bytes;
    puts_.erase(at);
  }

  Executor& executor_;
  std::uint64_t free_;
  std::uint64_t last_put_ = 0;
  std::map<PutId, Put> puts_;
  std::map<std::string, std::pair<Digest, Buffer>> images_;
};

class Log final : public LogSink {
 public:
  void log(LogLevel level, std::string_view line) override {
    if (level >= LogLevel::warning) std::clog << std::string(line) + '\n';
  }
};

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int fail(const Error& error) {
  std::cerr << error.text() << '\n';
  return exit_code(error.code);
}

}  // namespace

int main() {
  const auto config = load_config({}, environment);
  if (!config) return fail(config.error());
  Log log;
  HostOptions options;
  options.image_store = [](Executor& node_thread) { return std::make_unique<MemoryStore>(node_thread, 1 << 20); };
  const auto host = Host::open(*config, log, std::move(options));
  if (!host) return fail(host.error());
  const auto client = ClientHost::open(*config, log);
  if (!client) return fail(client.error());

  const auto picture = [](std::size_t size_bytes) {
    std::string jpeg = "\xff\xd8\xff\xe0 a picture";
    jpeg.resize(size_bytes, '.');
    return memory_source("wall.jpg", Buffer::copy_of(std::as_bytes(std::span(jpeg))));
  };
  const auto stored = (*client)->upload(picture(1000));
  if (!stored) return fail(stored.error());
  const auto sink = file_sink(config->shared_dir + "/read-back.jpg");
  if (!sink) return fail(sink.error());
  if (const auto read = (*client)->get(stored->digest.hex(), *sink); !read) return fail(read.error());
  std::cout << "stored in memory and read back: " << short_id(stored->digest) << '\n';

  const auto refused = (*client)->upload(picture(2 << 20));
  std::cout << "two megabytes: " << (refused ? "stored" : refused.error().text()) << '\n';
  return refused ? EXIT_FAILURE : EXIT_SUCCESS;
}
