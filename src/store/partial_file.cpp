#include "store/partial_file.hpp"

#include <cloudp2p/detail/sabotage.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace cloudp2p::store {
namespace {

// Bytes handed to the device while the rest still arrives, so that the sync of a large image has little left to do.
constexpr std::uint64_t kWritebackBytes = 2 * 1024 * 1024;

}  // namespace

PartialFile::PartialFile(const StoreContext& context, PutHeader header, PutId id)
    : context_(context),
      header_(std::move(header)),
      // The number keeps a retry apart from the remains of the attempt before it.
      name_(header_.upload.hex() + "." + std::to_string(static_cast<std::uint64_t>(id))) {}

Status PartialFile::failed(int error_number, const char* doing) {
  Error error = posix_error(error_number, std::string("cannot ") + doing + " image " + short_id(header_.digest) +
                                              " in " + context_.directory.path());
  context_.guard.fault(error);
  return error;
}

bool PartialFile::admit_unseen() {
  if (!context_.guard.admit_unseen(header_.size_bytes)) return false;
  promised_bytes_ = header_.size_bytes;
  return true;
}

Status PartialFile::open() {
  if (promised_bytes_ > 0) {
    if (auto status = context_.guard.confirm(); !status) return status;
  } else {
    if (auto status = context_.guard.admit(header_.size_bytes); !status) return status;
    promised_bytes_ = header_.size_bytes;
  }
  auto file = open_below(context_.directory.incoming(), name_, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (!file) {
    context_.guard.fault(file.error());
    return std::move(file).error();
  }
  file_ = std::move(*file);
  // Images are for everyone to look at, whatever the umask of the service.
  if (::fchmod(file_.get(), 0644) != 0) return failed(errno, "set the mode of");
  hasher_ = context_.make_hasher();
  return {};
}

Status PartialFile::append(ByteView bytes) {
  if (auto status = context_.guard.writable(); !status) return status;
  if (bytes.size() > header_.size_bytes - written_bytes_) {
    ++context_.counters.integrity_failures;
    return Error{Errc::integrity, "image " + short_id(header_.digest) + " is larger than the " +
                                      std::to_string(header_.size_bytes) + " bytes announced"};
  }
  if (const int error = context_.directory.disk().write_all(file_.get(), bytes, written_bytes_); error != 0) {
    return failed(error, "write");
  }
  hasher_->update(bytes);
  written_bytes_ += bytes.size();
  context_.counters.bytes_written += bytes.size();
  promised_bytes_ -= bytes.size();
  context_.guard.release(bytes.size());
  start_writeback();
  return {};
}

/// Only a hint: an error of this writeback is reported by the sync that follows.
void PartialFile::start_writeback() {
  if (written_bytes_ - writeback_bytes_ < kWritebackBytes) return;
  ::sync_file_range(file_.get(), static_cast<off64_t>(writeback_bytes_),
                    static_cast<off64_t>(written_bytes_ - writeback_bytes_), SYNC_FILE_RANGE_WRITE);
  writeback_bytes_ = written_bytes_;
}

Status PartialFile::finish() {
  if (written_bytes_ != header_.size_bytes) {
    ++context_.counters.integrity_failures;
    return Error{Errc::integrity, "image " + short_id(header_.digest) + " ended after " +
                                      std::to_string(written_bytes_) + " of " + std::to_string(header_.size_bytes) +
                                      " bytes"};
  }
  const Digest digest = hasher_->finish();
  if (digest != header_.digest && !detail::sabotaged(detail::Rule::digest_before_durable)) {
    ++context_.counters.integrity_failures;
    return Error{Errc::integrity,
                 "image announced as " + short_id(header_.digest) + " has the content of " + short_id(digest)};
  }
  hasher_.reset();
  return {};
}

void PartialFile::discard() {
  context_.guard.release(std::exchange(promised_bytes_, 0));
  if (!file_.valid()) return;
  ::unlinkat(context_.directory.incoming(), name_.c_str(), 0);
  file_.reset();
}

void PartialFile::mark_published() {
  file_.reset();
}

}  // namespace cloudp2p::store
