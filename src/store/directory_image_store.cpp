#include "store/directory_image_store.hpp"

#include "store/image_files.hpp"

#include <cloudp2p/limits.hpp>

#include <sys/stat.h>

namespace cloudp2p::store {
namespace {

constexpr std::size_t kPutsMax = limits::kUploadsMax + limits::kParkedPutsMax;
constexpr std::size_t kSpareBlocksMax = 8;

template <class Answer>
void post_answer(Executor& executor, Callback<void(Answer)> done, Answer answer) {
  executor.post([done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

/// Nothing in `incoming/` was ever acknowledged. Before any thread of this store could write there.
StoreContext recovered(StoreContext context) {
  if (!context.directory.read_only()) purge(context.directory.incoming(), std::chrono::seconds(0));
  return context;
}

}  // namespace

DirectoryImageStore::DirectoryImageStore(Executor& executor, StoreDirectory& directory, HasherFactory make_hasher,
                                         LogSink& log, DirectoryImageStoreOptions options)
    : executor_(executor),
      directory_(directory),
      make_hasher_(std::move(make_hasher)),
      guard_(directory, log),
      context_(recovered({directory, guard_, counters_, make_hasher_})),
      buffers_({limits::kPayloadBytesMax, kSpareBlocksMax}),
      sync_(executor, context_, options.sync),
      pool_(options.worker_threads),
      verifier_(executor, pool_, buffers_, context_, stopping_, options.verify) {}

DirectoryImageStore::~DirectoryImageStore() {
  stopping_ = true;
  // First whoever feeds the sync thread, then the sync thread; the partial files go with the table.
  pool_.stop();
  sync_.stop();
  puts_.clear();
}

void DirectoryImageStore::begin_put(PutHeader header, Callback<void(Result<PutId>)> done) {
  // Puts that ended with an error are not aborted by anyone.
  std::erase_if(puts_, [](const auto& entry) { return entry.second->over(); });
  if (puts_alive_ >= kPutsMax) {
    return post_answer<Result<PutId>>(executor_, std::move(done),
                                      Error{Errc::busy, "too many uploads at once, try again"});
  }
  const PutId id{++last_put_};
  const PutStrand::Surroundings around{executor_, pool_, sync_, stopping_, puts_alive_};
  auto strand = std::make_shared<PutStrand>(around, context_, std::move(header), id);
  puts_.emplace(id, strand);
  strand->begin(std::move(done));
}

void DirectoryImageStore::append(PutId put, Buffer bytes, Callback<void(Status)> done) {
  const auto found = puts_.find(put);
  if (found == puts_.end()) {
    return post_answer<Status>(executor_, std::move(done), Error{Errc::closed, "this put is over"});
  }
  if (bytes.size() > limits::kPayloadBytesMax) {
    abort(put);
    return post_answer<Status>(executor_, std::move(done), Error{Errc::invalid_argument, "the chunk is too large"});
  }
  found->second->append(std::move(bytes), std::move(done));
}

void DirectoryImageStore::commit(PutId put, Callback<void(Result<StoredImage>)> done) {
  const auto found = puts_.find(put);
  if (found == puts_.end()) {
    return post_answer<Result<StoredImage>>(executor_, std::move(done), Error{Errc::closed, "this put is over"});
  }
  const auto strand = std::move(found->second);
  puts_.erase(found);
  strand->commit(std::move(done));
}

void DirectoryImageStore::abort(PutId put) {
  const auto found = puts_.find(put);
  if (found == puts_.end()) return;
  const auto strand = std::move(found->second);
  puts_.erase(found);
  strand->abort();
}

Result<Buffer> DirectoryImageStore::read_now(const std::string& file_name, ReadRange range) {
  const auto file = open_image(directory_.root(), file_name);
  if (!file) return file.error();
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return posix_error(errno, "cannot look at " + file_name);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const std::uint64_t left = range.offset < size ? size - range.offset : 0;
  Buffer block = buffers_.take(static_cast<std::size_t>(std::min<std::uint64_t>(range.size_bytes, left)));
  const auto got = read_at(file->get(), {block.data(), block.size()}, range.offset);
  if (!got) return Error{got.code(), file_name + ": " + got.error().message};
  return block.part(0, *got);
}

void DirectoryImageStore::read(const std::string& file_name, ReadRange range, Callback<void(Result<Buffer>)> done) {
  pool_.post([this, file_name, range, done = std::move(done)]() mutable {
    Result<Buffer> answer = Errc::cancelled;
    if (range.size_bytes > limits::kPayloadBytesMax) {
      answer = Error{Errc::invalid_argument, "at most " + std::to_string(limits::kPayloadBytesMax) + " bytes a read"};
    } else if (!stopping_) {
      answer = read_now(file_name, range);
    }
    post_answer(executor_, std::move(done), std::move(answer));
  });
}

void DirectoryImageStore::erase(const std::string& file_name, Callback<void(Status)> done) {
  sync_.remove({file_name, directory_.trash(), {}}, std::move(done));
}

void DirectoryImageStore::quarantine(const std::string& file_name, Callback<void(Status)> done) {
  sync_.remove({file_name, directory_.quarantine(), {}}, std::move(done));
}

void DirectoryImageStore::verify(const Digest& digest, const std::string& file_name, Callback<void(Status)> done) {
  verifier_.verify({digest, file_name, std::move(done)});
}

void DirectoryImageStore::identify(const std::string& file_name, Callback<void(Result<ImageRecord>)> done) {
  pool_.post([this, file_name, done = std::move(done)]() mutable {
    Result<ImageRecord> answer = Errc::cancelled;
    if (!stopping_) answer = identify_image(directory_.root(), file_name, make_hasher_);
    post_answer(executor_, std::move(done), std::move(answer));
  });
}

void DirectoryImageStore::list(Callback<void(Result<std::vector<StoredImage>>)> done) {
  pool_.post([this, done = std::move(done)]() mutable {
    Result<std::vector<StoredImage>> answer = Errc::cancelled;
    if (!stopping_) answer = list_images(directory_.root());
    post_answer(executor_, std::move(done), std::move(answer));
  });
}

void DirectoryImageStore::compare(std::vector<std::uint64_t> expected, Callback<void(Result<StoredDifference>)> done) {
  pool_.post([this, expected = std::move(expected), done = std::move(done)]() mutable {
    Result<StoredDifference> answer = Errc::cancelled;
    if (!stopping_) {
      detail::StoredComparison comparison(std::move(expected));
      const Status read = for_each_image(directory_.root(), [&](StoredImage&& image) { comparison.add(std::move(image)); });
      answer = read.ok() ? Result<StoredDifference>(comparison.finish()) : Result<StoredDifference>(read.error());
    }
    post_answer(executor_, std::move(done), std::move(answer));
  });
}

StoreStatus DirectoryImageStore::status() const {
  return guard_.status();
}

}  // namespace cloudp2p::store
