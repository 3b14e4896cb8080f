#include "host/backup_manifest.hpp"
#include "host/files.hpp"
#include "store/image_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <future>
#include <mutex>

namespace cloudp2p {
namespace host {
namespace {

constexpr const char* kManifest = "manifest.jsonl";
constexpr const char* kMark = ".cloudp2p-backup";
constexpr std::string_view kMarkText = "cloudp2p backup\n";
constexpr std::string_view kPart = ".part";

Error about(const std::string& path, const std::string& what, int error_number) {
  Error out = file_error(path, what, error_number);
  if (out.code == Errc::not_found) out.code = Errc::io;  // "not found" is about images here.
  return out;
}

/// Reads all of it and compares; its digest is kept for the upload.
Status check_bytes(ImageSource& source, const ImageRecord& record, const std::string& path) {
  std::promise<Result<ImageSource::Content>> promise;
  source.identify([&promise](Result<ImageSource::Content> content) { promise.set_value(std::move(content)); });
  const Result<ImageSource::Content> content = promise.get_future().get();
  if (!content) return content.error();
  if (content->digest == record.digest && content->size_bytes == record.size_bytes) return {};
  return Error{Errc::integrity, path + ": its bytes are not those of image " + short_id(record.digest) +
                                   "; as long as the cluster has it: delete the file and run `backup` again"};
}

/// The folder and what is known of it; sinks that are still being written share it.
class Books {
 public:
  explicit Books(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] std::string path_of(const std::string& name) const { return path_ + "/" + name; }

  Status open_to_write() {
    if (::mkdir(path_.c_str(), 0777) != 0 && errno != EEXIST)
      return about(path_, errno == ENOENT ? "cannot be created (does its folder exist?)" : "cannot be created", errno);
    if (Status opened = open_folder(); !opened) return opened;
    const std::string mark = path_of(kMark);
    if (::faccessat(folder_.get(), kMark, F_OK, 0) != 0 && ::faccessat(folder_.get(), kManifest, F_OK, 0) != 0)
      if (Status empty = must_be_empty(); !empty) return empty;
    lock_ = Descriptor(::openat(folder_.get(), kMark, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (lock_.get() < 0) return about(mark, "cannot be written", errno);
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
      return Error{Errc::locked,
                   path_ + ": another backup or restore is using it: wait for it, or choose another folder"};
    struct stat info {};
    if (::fstat(lock_.get(), &info) == 0 && info.st_size == 0)
      if (Status said = write_fully(lock_.get(), std::as_bytes(std::span(kMarkText)), mark); !said) return said;
    if (Status read = read_manifest(); !read && read.code() != Errc::not_found) return read;
    return look_around();
  }

  Status open_to_read() {
    if (Status opened = open_folder(); !opened) return opened;
    lock_ = Descriptor(::openat(folder_.get(), kMark, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (lock_.get() >= 0 && ::flock(lock_.get(), LOCK_SH | LOCK_NB) != 0)
      return Error{Errc::locked, path_ + ": a backup is writing to it: wait for it"};
    Status read = read_manifest();
    if (read.code() != Errc::not_found) return read;
    if (lock_.get() >= 0)
      return Error{Errc::invalid_argument,
                   path_ + ": its first backup has not ended: run `backup " + path_ + "` again"};
    return Error{Errc::invalid_argument, path_ + ": holds no backup: there is no " + kManifest + " in it"};
  }

  [[nodiscard]] ClusterId cluster() const {
    const std::lock_guard lock(mutex_);
    return manifest_.cluster;
  }

  [[nodiscard]] std::vector<BackupEntry> entries() const {
    std::vector<BackupEntry> out;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [digest, entry] : manifest_.entries)
        out.push_back(entry);
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const BackupEntry& a, const BackupEntry& b) { return a.record.time_ms < b.record.time_ms; });
    return out;
  }

  bool has(const ImageRecord& record) {
    const std::lock_guard lock(mutex_);
    const auto at = manifest_.entries.find(record.digest);
    if (at != manifest_.entries.end() && is_here(at->second.file_name, record)) {
      at->second.record = record;
      at->second.deleted = false;
      return true;
    }
    return at == manifest_.entries.end() && adopt(record);
  }

  /// Where the image is to go: the same place as before, or a name that no other image has.
  std::string choose_name(const ImageRecord& record) {
    const std::lock_guard lock(mutex_);
    const auto at = manifest_.entries.find(record.digest);
    if (at != manifest_.entries.end()) return at->second.file_name;
    for (unsigned attempt = 1;; ++attempt) {
      std::string name =
          store::image_file_name({{}, record.digest, record.size_bytes, record.type, record.name}, attempt);
      const auto [taken, fresh] = names_.emplace(name, record.digest);
      if (fresh || taken->second == record.digest) return name;
    }
  }

  void add(const ImageRecord& record, const std::string& name) {
    const std::lock_guard lock(mutex_);
    enter({record, name, false});
  }

  void failed(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (health_) health_ = status;
  }
  [[nodiscard]] Status health() const {
    const std::lock_guard lock(mutex_);
    return health_;
  }

  void sink_opened() {
    const std::lock_guard lock(mutex_);
    ++open_sinks_;
  }
  void sink_closed() {
    const std::lock_guard lock(mutex_);
    --open_sinks_;
    all_closed_.notify_all();
  }

  void mark_deleted(const std::set<Digest>& live) {
    const std::lock_guard lock(mutex_);
    for (auto& [digest, entry] : manifest_.entries)
      entry.deleted = !live.contains(digest);
    std::erase_if(manifest_.entries, [this](const auto& each) {
      return each.second.deleted && !is_here(each.second.file_name, each.second.record);
    });
  }

  Status prune() {
    const std::lock_guard lock(mutex_);
    for (auto at = manifest_.entries.begin(); at != manifest_.entries.end();) {
      if (!at->second.deleted) {
        ++at;
        continue;
      }
      const std::string& name = at->second.file_name;
      if (::unlinkat(folder_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
        return about(path_of(name), "cannot be removed", errno);
      names_.erase(name);
      at = manifest_.entries.erase(at);
    }
    return {};
  }

  Status save(const ClusterId& cluster, std::int64_t now_ms) {
    std::unique_lock lock(mutex_);
    // On a full disk what an unfinished image takes must be free again before the manifest can be written.
    all_closed_.wait(lock, [this] { return open_sinks_ == 0; });
    manifest_.cluster = cluster;
    const std::string path = path_of(kManifest);
    const std::string part = std::string(kManifest) + std::string(kPart);
    const Descriptor file(
        ::openat(folder_.get(), part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (file.get() < 0) return about(path, "cannot be written", errno);
    const std::string text = manifest_text(manifest_, now_ms);
    Status written = write_fully(file.get(), std::as_bytes(std::span(text)), path);
    if (written && ::fsync(file.get()) != 0) written = about(path, "cannot be made durable", errno);
    if (written && ::renameat(folder_.get(), part.c_str(), folder_.get(), kManifest) != 0)
      written = about(path, "cannot be put into place", errno);
    if (!written) {
      ::unlinkat(folder_.get(), part.c_str(), 0);
      return written;
    }
    return ::fsync(folder_.get()) == 0 || errno == EINVAL ? Status() : about(path_, "cannot be made durable", errno);
  }

  /// A leftover of a run that was cut short, if it is this image.
  bool adopt(const ImageRecord& record) {
    const auto [begin, end] = leftovers_.equal_range(store::prefix_of(record.digest));
    for (auto at = begin; at != end; ++at) {
      const std::string path = path_of(at->second);
      if (!is_here(at->second, record)) continue;
      const Result<std::shared_ptr<ImageSource>> source = file_source(path);
      if (!source || !check_bytes(**source, record, path)) continue;
      enter({record, at->second, false});
      leftovers_.erase(at);
      return true;
    }
    return false;
  }

 private:
  Status open_folder() {
    folder_ = Descriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder_.get() >= 0 ? Status() : Status(about(path_, "cannot be opened", errno));
  }

  Status must_be_empty() {
    std::string found;
    const Status listed = store::for_each_name(folder_.get(), [&](const char* name) {
      if (std::string_view(name) != "lost+found") found = name;  // The root of a fresh disk.
    });
    if (!listed) return listed;
    if (found.empty()) return {};
    return Error{Errc::invalid_argument, path_ + ": is not empty and holds no backup (there is " + found +
                                             "): choose a new or an empty folder"};
  }

  Status read_manifest() {
    const std::string path = path_of(kManifest);
    const Descriptor file(::openat(folder_.get(), kManifest, O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return file_error(path, "cannot be read", errno);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return about(path, "cannot be read", errno);
    std::string text(static_cast<std::size_t>(info.st_size), '\0');
    const Result<std::size_t> got = read_fully(file.get(), std::as_writable_bytes(std::span(text)), 0, path);
    if (!got) return got.error();
    text.resize(*got);
    Result<BackupManifest> parsed = parse_manifest(text, path);
    if (!parsed) return parsed.error();
    manifest_ = std::move(*parsed);
    for (const auto& [digest, entry] : manifest_.entries)
      names_.emplace(entry.file_name, digest);
    return {};
  }

  /// What earlier runs left: whole files that no manifest lists, and parts, which go.
  Status look_around() {
    std::vector<std::string> parts;
    const Status listed = store::for_each_name(folder_.get(), [&](const char* raw) {
      const std::string name(raw);
      const auto prefix = store::prefix_of(std::string_view(name));
      if (!prefix) return;
      if (name.ends_with(kPart)) {
        parts.push_back(name);
      } else if (!names_.contains(name)) {
        leftovers_.emplace(*prefix, name);
      }
    });
    for (const std::string& name : parts)
      ::unlinkat(folder_.get(), name.c_str(), 0);
    return listed;
  }

  [[nodiscard]] bool is_here(const std::string& name, const ImageRecord& record) const {
    struct stat info {};
    return ::fstatat(folder_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
           static_cast<std::uint64_t>(info.st_size) == record.size_bytes;
  }

  void enter(BackupEntry entry) {
    names_[entry.file_name] = entry.record.digest;
    manifest_.entries[entry.record.digest] = std::move(entry);
  }

  const std::string path_;
  Descriptor folder_;
  Descriptor lock_;
  mutable std::mutex mutex_;
  BackupManifest manifest_;
  std::map<std::string, Digest> names_;  ///< Taken, by an entry or by a sink that is being written.
  std::multimap<std::uint64_t, std::string> leftovers_;
  Status health_;
  std::size_t open_sinks_ = 0;
  std::condition_variable all_closed_;
};

/// A file sink that enters what it has finished, and notices a disk that fails.
class BookedSink final : public ImageSink {
 public:
  BookedSink(std::shared_ptr<Books> books, std::shared_ptr<ImageSink> file, ImageRecord record, std::string name)
      : books_(std::move(books)), file_(std::move(file)), record_(std::move(record)), name_(std::move(name)) {
    books_->sink_opened();
  }
  ~BookedSink() override {
    file_.reset();  // Its part, if it is not finished, goes now.
    books_->sink_closed();
  }

  void restart() override { file_->restart(); }
  void write(Buffer bytes, Callback<void(Status)> done) override {
    file_->write(std::move(bytes), [books = books_, done = std::move(done)](const Status& status) {
      if (!status) books->failed(status);
      done(status);
    });
  }
  void finish(const ImageRecord& record, Callback<void(Status)> done) override {
    file_->finish(record, [books = books_, mine = record_, name = name_, done = std::move(done)](const Status& status) {
      if (status) books->add(mine, name);
      if (!status && status.code() != Errc::integrity) books->failed(status);
      done(status);
    });
  }

 private:
  const std::shared_ptr<Books> books_;
  std::shared_ptr<ImageSink> file_;
  const ImageRecord record_;
  const std::string name_;
};

class OpenFolder final : public BackupFolder {
 public:
  explicit OpenFolder(std::shared_ptr<Books> books) : books_(std::move(books)) {}

  ClusterId cluster() const override { return books_->cluster(); }
  std::vector<BackupEntry> entries() const override { return books_->entries(); }
  bool has(const ImageRecord& record) override { return books_->has(record); }
  Status health() const override { return books_->health(); }
  void mark_deleted(const std::set<Digest>& live) override { books_->mark_deleted(live); }
  Status prune() override { return books_->prune(); }
  Status save(const ClusterId& cluster, std::int64_t now_ms) override { return books_->save(cluster, now_ms); }

  Result<std::shared_ptr<ImageSink>> sink(const ImageRecord& record) override {
    const std::string name = books_->choose_name(record);
    Result<std::shared_ptr<ImageSink>> file = file_sink(books_->path_of(name));
    if (!file) {
      books_->failed(file.error());
      return file;
    }
    return std::shared_ptr<ImageSink>(std::make_shared<BookedSink>(books_, std::move(*file), record, name));
  }

  Result<std::shared_ptr<ImageSource>> source(const BackupEntry& entry) const override {
    const std::string path = books_->path_of(entry.file_name);
    Result<std::shared_ptr<ImageSource>> source = file_source(path, entry.record.name, entry.record.time_ms);
    if (!source) {
      Error error = source.error();
      if (error.code == Errc::not_found) error.message += "; as long as the cluster has the image: run `backup` again";
      return error;
    }
    if (Status good = check_bytes(**source, entry.record, path); !good) return good.error();
    return source;
  }

 private:
  const std::shared_ptr<Books> books_;
};

Result<std::unique_ptr<BackupFolder>> opened(const std::string& path, Status (Books::*open)()) {
  if (path.empty()) return Error{Errc::invalid_argument, "the name of the folder is empty"};
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/')
    trimmed.pop_back();
  auto books = std::make_shared<Books>(std::move(trimmed));
  if (Status ready = ((*books).*open)(); !ready) return ready.error();
  return std::unique_ptr<BackupFolder>(std::make_unique<OpenFolder>(std::move(books)));
}

}  // namespace
}  // namespace host

Result<std::unique_ptr<BackupFolder>> BackupFolder::open_to_write(const std::string& path) {
  return host::opened(path, &host::Books::open_to_write);
}

Result<std::unique_ptr<BackupFolder>> BackupFolder::open_to_read(const std::string& path) {
  return host::opened(path, &host::Books::open_to_read);
}

}  // namespace cloudp2p
