// Sources: a file, a stream, memory.
#include "crypto/digest.hpp"
#include "crypto/keys.hpp"
#include "crypto/sodium_entropy.hpp"
#include "host/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace cloudp2p {
namespace host {
namespace {

/// Smaller contents are hashed at once: waking a thread takes longer.
constexpr std::size_t kHashInlineBytesMax = 64 * 1024;

Error out_of_memory() {
  return {Errc::busy, "not enough memory for the next piece of the image"};
}

/// An open file with what is known of its content. Only the worker touches `identified`.
struct OpenFile {
  Descriptor file;
  std::string path;
  std::optional<ImageSource::Content> identified;
  std::optional<struct stat> before = {};  ///< When hashing began.
};

/// What the record of an image will say of it.
struct Label {
  std::string name;
  std::int64_t stored_ms = 0;
};

/// Also when it grew: the beginning alone is not what somebody meant to send.
Status unchanged(const OpenFile& open) {
  if (!open.before) return {};
  struct stat now{};
  const bool same = ::fstat(open.file.get(), &now) == 0 && now.st_size == open.before->st_size &&
                    now.st_mtim.tv_sec == open.before->st_mtim.tv_sec && now.st_mtim.tv_nsec == open.before->st_mtim.tv_nsec;
  return same ? Status() : Error{Errc::integrity, open.path + " changed while it was being sent: send it again"};
}

Result<ImageSource::Content> hash_file(const OpenFile& open, const std::atomic<bool>& stopping) {
  crypto::DigestHasher hasher;
  std::vector<std::byte> piece(kPieceBytes);
  ImageSource::Content content;
  while (!stopping) {
    const Result<std::size_t> got = read_fully(open.file.get(), piece, content.size_bytes, open.path);
    if (!got) return got.error();
    hasher.update(ByteView(piece).first(*got));
    content.size_bytes += *got;
    if (*got < piece.size()) {
      content.digest = hasher.finish();
      return content;
    }
  }
  return Errc::cancelled;
}

Result<Buffer> read_range(const OpenFile& open, ReadRange range) {
  try {
    Buffer bytes = Buffer::allocate(range.size_bytes);
    const Result<std::size_t> got = read_fully(open.file.get(), {bytes.data(), bytes.size()}, range.offset, open.path);
    if (!got) return got.error();
    const bool last = open.identified && range.offset + range.size_bytes >= open.identified->size_bytes;
    if (const Status same = last ? unchanged(open) : Status(); !same.ok()) return same.error();
    return bytes.part(0, *got);
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

class FileSource final : public ImageSource {
 public:
  FileSource(Label label, OpenFile open)
      : label_(std::move(label)), open_(std::make_shared<OpenFile>(std::move(open))) {}

  [[nodiscard]] const std::string& name() const override { return label_.name; }
  [[nodiscard]] std::int64_t stored_ms() const override { return label_.stored_ms; }

  void identify(Callback<void(Result<Content>)> done) override {
    worker_.post([open = open_, stopping = worker_.stopping(), done = std::move(done)] {
      if (open->identified) return done(*open->identified);
      struct stat before{};
      if (::fstat(open->file.get(), &before) == 0) open->before = before;
      Result<Content> content = hash_file(*open, *stopping);
      if (content) open->identified = *content;
      done(std::move(content));
    });
  }

  void read(ReadRange range, Callback<void(Result<Buffer>)> done) override {
    worker_.post([open = open_, range, done = std::move(done)] { done(read_range(*open, range)); });
  }

 private:
  const Label label_;
  const std::shared_ptr<OpenFile> open_;
  Worker worker_;
};

class MemorySource final : public ImageSource {
 public:
  MemorySource(std::string name, Buffer bytes) : name_(upload_name(name)), bytes_(std::move(bytes)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }

  void identify(Callback<void(Result<Content>)> done) override {
    auto answer = [bytes = bytes_, done = std::move(done)] {
      done(Content{bytes.size(), crypto::digest_of(bytes.view())});
    };
    if (bytes_.size() <= kHashInlineBytesMax) return answer();
    worker_.post(std::move(answer));
  }

  void read(ReadRange range, Callback<void(Result<Buffer>)> done) override {
    const auto offset = static_cast<std::size_t>(std::min<std::uint64_t>(range.offset, bytes_.size()));
    done(bytes_.part(offset, std::min(range.size_bytes, bytes_.size() - offset)));
  }

 private:
  const std::string name_;
  const Buffer bytes_;
  Worker worker_;
};

/// Copies the stream to `to`; hashing on the way saves reading it again.
Result<ImageSource::Content> spool(int from, const Descriptor& to, const std::string& name, std::uint64_t bytes_max) {
  crypto::DigestHasher hasher;
  std::vector<std::byte> piece(kPieceBytes);
  ImageSource::Content content;
  while (true) {
    const ssize_t got = ::read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(name, "the stream cannot be read", errno);
    if (got == 0) break;
    const ByteView bytes = ByteView(piece).first(static_cast<std::size_t>(got));
    content.size_bytes += bytes.size();
    if (content.size_bytes > bytes_max)
      return Error{Errc::refused, name + ": the stream gives more than " + std::to_string(bytes_max) +
                                      " bytes, the limit for an image (store.image_bytes_max)"};
    hasher.update(bytes);
    if (Status written = write_fully(to.get(), bytes, "the temporary file"); !written) return written.error();
  }
  content.digest = hasher.finish();
  return content;
}

Error not_a_file(const std::string& path, mode_t mode) {
  if (S_ISDIR(mode)) return {Errc::invalid_argument, path + ": is a folder: name files, or send all of it with -r"};
  return {Errc::invalid_argument, path + ": is not a regular file: send what it gives through a pipe (`send-image -`)"};
}

Result<std::shared_ptr<ImageSource>> labelled_file(const std::string& path, Label label) {
  if (path.empty()) return Error{Errc::invalid_argument, "the name of the file is empty"};
  // O_NONBLOCK: a FIFO without a writer must not hang the open.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return file_error(path, "cannot be read", errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return file_error(path, "cannot be read", errno);
  if (!S_ISREG(info.st_mode)) return not_a_file(path, info.st_mode);
  return std::shared_ptr<ImageSource>(
      std::make_shared<FileSource>(std::move(label), OpenFile{std::move(file), path, std::nullopt}));
}

}  // namespace
}  // namespace host

Result<std::shared_ptr<ImageSource>> file_source(const std::string& path) {
  return host::labelled_file(path, {host::upload_name(path)});
}

Result<std::shared_ptr<ImageSource>> file_source(const std::string& path, const std::string& name,
                                                 std::int64_t stored_ms) {
  return host::labelled_file(path, {name, stored_ms});
}

Result<std::shared_ptr<ImageSource>> stream_source(int descriptor, std::string name, std::uint64_t bytes_max) {
  Result<host::Descriptor> file = host::temporary_file();
  if (!file) return std::move(file).error();
  const Result<ImageSource::Content> content = host::spool(descriptor, *file, name, bytes_max);
  if (!content) return content.error();
  host::Label label{host::upload_name(name)};
  return std::shared_ptr<ImageSource>(std::make_shared<host::FileSource>(
      std::move(label), host::OpenFile{std::move(*file), std::move(name), *content}));
}

std::shared_ptr<ImageSource> memory_source(std::string name, Buffer bytes) {
  return std::make_shared<host::MemorySource>(std::move(name), std::move(bytes));
}

Status generate_key_file(const std::string& path) {
  if (Status ready = crypto::initialise(); !ready) return ready;
  return crypto::create_key_file(path, crypto::SecretKey::random());
}

}  // namespace cloudp2p
