#include "store/writer_lock.hpp"

#include <cloudp2p/detail/sabotage.hpp>

#include <fcntl.h>

#include <cerrno>
#include <cstdio>

namespace cloudp2p::store {
namespace {

constexpr const char* kWriterFile = "writer";

struct flock whole_file(short type) {
  struct flock out {};
  out.l_type = type;
  out.l_whence = SEEK_SET;
  return out;
}

Error superseded(const std::string& why) {
  return {Errc::stale_term, "this node may write to the shared directory no more: " + why};
}

}  // namespace

/// Through a descriptor of its own: an open file may show what it was when it was opened.
Result<WriterLock::Mark> WriterLock::read_mark() const {
  const auto file = open_below(directory_.meta(), kWriterFile, O_RDONLY);
  if (!file) return file.error();
  const auto text = read_small(file->get());
  if (!text) return text.error();
  unsigned long long term = 0;
  unsigned node = 0;
  if (std::sscanf(text->c_str(), "term %llu node %u", &term, &node) != 2) return Mark{};
  return Mark{term, NodeId{node}};
}

/// In place and always as long: no other length could be seen in between.
Status WriterLock::write_mark(const Mark& mark) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "term %020llu node %010u\n",
                                   static_cast<unsigned long long>(mark.term), static_cast<unsigned>(value(mark.node)));
  DiskCalls& disk = directory_.disk();
  int error = disk.write_all(file_.get(), std::as_bytes(std::span(text, static_cast<std::size_t>(length))), 0);
  if (error == 0) error = disk.sync_data(file_.get());
  if (error == 0) error = disk.sync_directory(directory_.meta());
  return error == 0 ? Status() : Status(posix_error(error, "cannot write " + directory_.meta_path() + "/writer"));
}

Status WriterLock::try_take(Term term) {
  auto file = open_below(directory_.meta(), kWriterFile, O_RDWR | O_CREAT, 0644);
  if (!file) return Error{file.code(), directory_.meta_path() + ": " + file.error().message};
  // Of the open file, not of the process: several nodes may live in one, and closing other descriptors does not free it.
  struct flock lock = whole_file(F_WRLCK);
  const bool taken = ::fcntl(file->get(), F_OFD_SETLK, &lock) == 0;
  const int error = errno;
  const auto former = read_mark();
  const std::lock_guard guard(mutex_);
  if (former) mark_ = *former;
  if (!taken && (error == EAGAIN || error == EACCES)) return Error{Errc::locked, "another node holds the directory"};
  if (!taken) return posix_error(error, "cannot lock " + directory_.meta_path() + "/writer");
  if (!former) return former.error();
  const bool later = former->term > term || (former->term == term && former->node != self_);
  if (later) return Error{Errc::stale_term, "another node has held the directory in a later term"};
  file_ = std::move(*file);
  Status written = write_mark({term, self_});
  if (written.ok()) {
    mark_ = {term, self_};
  } else {
    file_.reset();
  }
  return written;
}

void WriterLock::release() {
  const std::lock_guard guard(mutex_);
  file_.reset();
}

Status WriterLock::check() const {
  const std::lock_guard guard(mutex_);
  if (!file_.valid()) return superseded("it has let go of it");
  if (detail::sabotaged(detail::Rule::writer_is_fenced)) return {};
  const auto mark = read_mark();
  if (!mark) return superseded(mark.error().text());
  if (*mark != mark_) return superseded("node " + to_string(mark->node) + " took it in term " + std::to_string(mark->term));
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(file_.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) return superseded("its lock was broken");
  return {};
}

NodeId WriterLock::holder() const {
  const std::lock_guard guard(mutex_);
  return mark_.node;
}

Term WriterLock::newest_term() const {
  const std::lock_guard guard(mutex_);
  return mark_.term;
}

}  // namespace cloudp2p::store
