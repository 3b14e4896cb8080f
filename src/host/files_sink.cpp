// Sinks: a file, a stream.
#include "crypto/digest.hpp"
#include "host/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace cloudp2p {
namespace host {
namespace {

/// What arrived so far. Only the worker touches it once the sink is made.
class Received {
 public:
  Received(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  virtual ~Received() = default;

  void restart() {
    hasher_.reset();
    size_bytes_ = 0;
    failure_ = {};
    if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0)
      failure_ = file_error(path_, "cannot be written again", errno);
  }

  Status write(const Buffer& bytes) {
    if (!failure_) return failure_;
    failure_ = write_fully(file_.get(), bytes.view(), path_);
    if (!failure_) return failure_;
    hasher_.update(bytes.view());
    size_bytes_ += bytes.size();
    return {};
  }

  Status finish(const ImageRecord& record) {
    if (!failure_) return failure_;
    const Digest digest = hasher_.finish();
    hasher_.reset();
    if (size_bytes_ != record.size_bytes || digest != record.digest)
      return Error{Errc::integrity, path_ + ": the bytes of image " + short_id(record.digest) +
                                        " do not match their digest; nothing was kept"};
    return publish();
  }

 protected:
  virtual Status publish() = 0;
  [[nodiscard]] int file() const { return file_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }

 private:
  const Descriptor file_;
  const std::string path_;
  crypto::DigestHasher hasher_;
  std::uint64_t size_bytes_ = 0;
  Status failure_;
};

/// PATH.part, which becomes PATH or goes away.
class PartFile final : public Received {
 public:
  PartFile(Descriptor file, const std::string& path) : Received(std::move(file), path), part_(path + ".part") {}
  ~PartFile() override {
    if (!published_) ::unlink(part_.c_str());
  }

 private:
  Status publish() override {
    if (::fsync(file()) != 0) return file_error(path(), "cannot be made durable", errno);
    if (::rename(part_.c_str(), path().c_str()) != 0) return file_error(path(), "cannot be put into place", errno);
    published_ = true;
    const std::size_t slash = path().rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path().substr(0, slash + 1);
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // A folder that may be entered but not read cannot be synced; the file is complete all the same.
    if (opened.get() >= 0 && ::fsync(opened.get()) != 0 && errno == EIO)
      return file_error(folder, "cannot be made durable", errno);
    return {};
  }

  const std::string part_;
  bool published_ = false;
};

class SpooledStream final : public Received {
 public:
  SpooledStream(Descriptor file, int to) : Received(std::move(file), "the output"), to_(to) {}

 private:
  Status publish() override {
    std::vector<std::byte> piece(kPieceBytes);
    for (std::uint64_t offset = 0; offset < size_bytes();) {
      const Result<std::size_t> got = read_fully(file(), piece, offset, path());
      if (!got) return got.error();
      if (*got == 0) return Error{Errc::io, "the temporary file lost its end: try again"};
      if (Status written = write_fully(to_, ByteView(piece).first(*got), path()); !written) return written;
      offset += *got;
    }
    return {};
  }

  const int to_;
};

class WorkerSink final : public ImageSink {
 public:
  explicit WorkerSink(std::shared_ptr<Received> received) : received_(std::move(received)) {}

  void restart() override {
    worker_.post([received = received_] { received->restart(); });
  }
  void write(Buffer bytes, Callback<void(Status)> done) override {
    worker_.post([received = received_, bytes = std::move(bytes), done = std::move(done)]() mutable {
      const Status written = std::exchange(received, nullptr)->write(bytes);
      done(written);
    });
  }
  void finish(const ImageRecord& record, Callback<void(Status)> done) override {
    worker_.post([received = received_, record, done = std::move(done)]() mutable {
      const Status finished = std::exchange(received, nullptr)->finish(record);
      done(finished);
    });
  }

 private:
  /// Work lets go of it before it answers: who drops the sink in the answer finds the part gone when the sink is.
  const std::shared_ptr<Received> received_;
  Worker worker_;
};

std::string folder_hint(int error_number) {
  return error_number == ENOENT ? "cannot be created (does its folder exist?)" : "cannot be created";
}

}  // namespace
}  // namespace host

Result<std::shared_ptr<ImageSink>> file_sink(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return Error{Errc::invalid_argument, path + ": exists and is not a regular file: choose another name"};
  const std::string part = path + ".part";
  host::Descriptor file(::open(part.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (file.get() < 0) {
    const int error = errno;
    Error out = host::file_error(path, host::folder_hint(error), error);
    if (out.code == Errc::not_found) out.code = Errc::io;  // "not found" is about images here.
    return out;
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{Errc::locked, part + ": another download is writing it: wait for it, or choose another name"};
  if (::ftruncate(file.get(), 0) != 0) return host::file_error(part, "cannot be emptied", errno);
  return std::shared_ptr<ImageSink>(
      std::make_shared<host::WorkerSink>(std::make_shared<host::PartFile>(std::move(file), path)));
}

Result<std::shared_ptr<ImageSink>> stream_sink(int descriptor) {
  Result<host::Descriptor> file = host::temporary_file();
  if (!file) return std::move(file).error();
  return std::shared_ptr<ImageSink>(
      std::make_shared<host::WorkerSink>(std::make_shared<host::SpooledStream>(std::move(*file), descriptor)));
}

}  // namespace cloudp2p
