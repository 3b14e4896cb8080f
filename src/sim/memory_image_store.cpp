#include "sim/memory_image_store.hpp"

#include <cloudp2p/detail/sabotage.hpp>

namespace cloudp2p::sim {
namespace {

constexpr std::uint64_t kFreeBytes = std::uint64_t{1} << 40;

Digest hash_of(const std::vector<Buffer>& parts) {
  ContentHash hash;
  for (const Buffer& part : parts)
    hash.update(part.view());
  return hash.finish();
}

}  // namespace

/// EIO and EROFS are never forgiven before a restart; a full disk is when it has room again.
Error MemoryImageStore::refusal(testing::DiskCall call) {
  if (!refused_ && disk_.refuses(call)) refused_ = disk_.error(call);
  if (refused_) return refused_;
  return disk_.fault() == DiskFault::full ? disk_.error(call) : Error{};
}

void MemoryImageStore::begin_put(PutHeader header, Callback<void(Result<PutId>)> done) {
  ++calls_;
  disk_.after(disk_.write_time(0), [this, header = std::move(header), done = std::move(done)]() mutable {
    --calls_;
    if (Error error = refusal(testing::DiskCall::kAppend)) {
      return disk_.post([done = std::move(done), error = std::move(error)] { done(error); });
    }
    const PutId id{++last_put_};
    Put put;
    put.header = std::move(header);
    puts_.emplace(id, std::move(put));
    disk_.post([id, done = std::move(done)] { done(id); });
  });
}

void MemoryImageStore::append(PutId id, Buffer bytes, Callback<void(Status)> done) {
  const auto at = puts_.find(id);
  if (at == puts_.end()) return disk_.post([done = std::move(done)] { done(Errc::cancelled); });
  Put& put = at->second;
  put.hash.update(bytes.view());
  put.written_at = std::max(put.written_at, disk_.now() + disk_.write_time(bytes.size()));
  put.parts.push_back(std::move(bytes));
  ++put.appends_under_way;
  ++calls_;
  disk_.at(put.written_at, [this, id, done = std::move(done)]() mutable { appended(id, std::move(done)); });
}

void MemoryImageStore::appended(PutId id, Callback<void(Status)> done) {
  --calls_;
  const auto at = puts_.find(id);
  Status status;
  if (at == puts_.end()) {
    status = Errc::cancelled;
  } else if (Error error = refusal(testing::DiskCall::kAppend)) {
    status = error;
    if (at->second.commit) disk_.post([done = std::move(at->second.commit), error] { done(error); });
    puts_.erase(at);
  } else {
    --at->second.appends_under_way;
  }
  disk_.post([done = std::move(done), status = std::move(status)] { done(status); });
  commit_when_written(id);
}

void MemoryImageStore::commit(PutId id, Callback<void(Result<StoredImage>)> done) {
  const auto at = puts_.find(id);
  if (at == puts_.end()) return disk_.post([done = std::move(done)] { done(Errc::cancelled); });
  at->second.commit = std::move(done);
  commit_when_written(id);
}

void MemoryImageStore::commit_when_written(PutId id) {
  const auto at = puts_.find(id);
  if (at == puts_.end() || !at->second.commit || at->second.appends_under_way > 0) return;
  Callback<void(Result<StoredImage>)> done = std::move(at->second.commit);
  Commit commit{std::move(at->second), std::move(done)};
  puts_.erase(at);
  enqueue(std::move(commit));
}

void MemoryImageStore::enqueue(Work work) {
  waiting_.push_back(std::move(work));
  if (syncing_.empty()) sync_next();
}

void MemoryImageStore::sync_next() {
  syncing_.swap(waiting_);
  disk_.after(disk_.sync_time() * 2, [this] {
    std::vector<Work> synced;
    synced.swap(syncing_);
    for (Work& work : synced)
      std::visit([this](auto& what) { finish(what); }, work);
    if (!waiting_.empty()) sync_next();
  });
}

void MemoryImageStore::finish(Commit& commit) {
  Result<StoredImage> stored = publish(commit.put);
  disk_.post([done = std::move(commit.done), stored = std::move(stored)] { done(stored); });
}

void MemoryImageStore::finish(Erasure& erasure) {
  const Error error = refusal(testing::DiskCall::kErase);
  const bool full = error.code == Errc::full;  // an erase takes no space
  if (!error || full) drop(erasure.file_name);
  disk_.post([done = std::move(erasure.done), status = error && !full ? Status(error) : Status()] { done(status); });
}

void MemoryImageStore::drop(const std::string& file_name) {
  const auto at = files_.find(file_name);
  if (at == files_.end()) return;
  const Digest digest = at->second.about.digest;
  files_.erase(at);
  if (mirror_ != nullptr) mirror_->drop(file_name);
  const auto known = by_digest_.find(digest);
  if (known == by_digest_.end() || known->second != file_name) return;
  by_digest_.erase(known);
  rotten_.erase(digest);
  const std::string begin = short_id(digest);
  for (auto twin = files_.lower_bound(begin); twin != files_.end() && twin->first.starts_with(begin); ++twin) {
    if (twin->second.about.digest == digest) note(twin->first, twin->second);
  }
  if (on_gone_) on_gone_(digest);
}

Result<StoredImage> MemoryImageStore::publish(const Put& put) {
  if (Error error = refusal(testing::DiskCall::kCommit)) return error;
  const PutHeader& header = put.header;
  const bool promised = put.hash.size_bytes() == header.size_bytes && put.hash.finish() == header.digest;
  if (!promised && !detail::sabotaged(detail::Rule::digest_before_durable)) {
    return Error{Errc::integrity, "what arrived does not have the promised digest"};
  }
  const auto known = by_digest_.find(header.digest);
  if (known != by_digest_.end() && intact(header.digest)) return files_.find(known->second)->second.about;
  if (known != by_digest_.end()) {  // Damaged bytes keep their name.
    by_digest_.erase(known);
    rotten_.erase(header.digest);
  }
  std::string name =
      short_id(header.digest) + "-" + sanitised_stem(header.name) + "." + std::string(extension(header.type));
  while (files_.contains(name))
    name.insert(name.rfind('.'), "_");
  StoredImage about{header.digest, name, header.size_bytes, disk_.process().wall_ms()};
  by_digest_.emplace(header.digest, name);
  if (mirror_ != nullptr) {
    mirror_->by_digest_.insert_or_assign(header.digest, name);
    mirror_->rotten_.erase(header.digest);
    mirror_->files_.emplace(name, File{put.parts, about});
  }
  files_.emplace(std::move(name), File{put.parts, about});
  if (on_stored_) on_stored_(header.digest);
  return about;
}

void MemoryImageStore::abort(PutId id) {
  puts_.erase(id);
}

Result<Buffer> MemoryImageStore::read_now(const std::string& file_name, ReadRange range) const {
  if (disk_.breaks(testing::DiskCall::kRead)) return disk_.error(testing::DiskCall::kRead);
  const auto at = files_.find(file_name);
  if (at == files_.end()) return Error{Errc::not_found, file_name + " is not there"};
  const std::uint64_t size = at->second.about.size_bytes;
  if (range.offset >= size) return Buffer();
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(range.size_bytes, size - range.offset));
  std::uint64_t begin = 0;
  Buffer out;
  std::size_t filled = 0;
  for (const Buffer& part : at->second.parts) {
    const std::uint64_t end = begin + part.size();
    const std::uint64_t from = std::max(begin, range.offset + filled);
    if (from < end && filled < wanted) {
      const auto skip = static_cast<std::size_t>(from - begin);
      const std::size_t count = std::min(part.size() - skip, wanted - filled);
      if (count == wanted) return part.part(skip, count);
      if (out.empty()) out = Buffer::allocate(wanted);
      std::memcpy(out.data() + filled, part.data() + skip, count);
      filled += count;
    }
    begin = end;
  }
  return out;
}

void MemoryImageStore::read(const std::string& file_name, ReadRange range, Callback<void(Result<Buffer>)> done) {
  ++calls_;
  disk_.after(disk_.read_time(range.size_bytes), [this, file_name, range, done = std::move(done)]() mutable {
    --calls_;
    disk_.post([done = std::move(done), bytes = read_now(file_name, range)]() mutable { done(std::move(bytes)); });
  });
}

void MemoryImageStore::erase(const std::string& file_name, Callback<void(Status)> done) {
  enqueue(Erasure{file_name, std::move(done)});
}

void MemoryImageStore::verify(const Digest& digest, const std::string& file_name, Callback<void(Status)> done) {
  ++calls_;
  disk_.after(disk_.read_time(0), [this, digest, file_name, done = std::move(done)]() mutable {
    --calls_;
    const auto at = files_.find(file_name);
    Status status;
    if (disk_.breaks(testing::DiskCall::kRead)) {
      status = disk_.error(testing::DiskCall::kRead);
    } else if (at == files_.end()) {
      status = Error{Errc::not_found, file_name + " is not there"};
    } else if (hash_of(at->second.parts) != digest) {
      status = Error{Errc::integrity, file_name + " does not match its digest"};
    }
    disk_.post([done = std::move(done), status = std::move(status)] { done(status); });
  });
}

void MemoryImageStore::identify(const std::string& file_name, Callback<void(Result<ImageRecord>)> done) {
  disk_.after(disk_.read_time(0), [this, file_name, done = std::move(done)]() mutable {
    const auto at = files_.find(file_name);
    Result<ImageRecord> found = Error{Errc::not_found, file_name + " is not there"};
    if (disk_.breaks(testing::DiskCall::kRead)) {
      found = disk_.error(testing::DiskCall::kRead);
    } else if (at != files_.end()) {
      const StoredImage& about = at->second.about;
      found = ImageRecord{hash_of(at->second.parts), {}, false, about.size_bytes, ImageType::jpeg,
                          file_name.substr(kShortIdDigits + 1), about.modified_ms};
      if (found->digest != about.digest) found = Error{Errc::integrity, file_name + " does not hold what its name says"};
    }
    disk_.post([done = std::move(done), found = std::move(found)] { done(found); });
  });
}

void MemoryImageStore::list(Callback<void(Result<std::vector<StoredImage>>)> done) {
  ++calls_;
  disk_.after(disk_.read_time(0), [this, done = std::move(done)]() mutable {
    --calls_;
    std::vector<StoredImage> out;
    for (const auto& [name, file] : files_) {
      StoredImage& image = out.emplace_back(file.about);
      image.digest_bytes = kShortIdDigits / 2;
      std::fill(image.digest.bytes.begin() + kShortIdDigits / 2, image.digest.bytes.end(), std::byte{0});
    }
    disk_.post([done = std::move(done), out = std::move(out)]() mutable { done(std::move(out)); });
  });
}

StoreStatus MemoryImageStore::status() const {
  StoreStatus out;
  out.free_bytes = kFreeBytes;
  if (refused_) {
    out = StoreStatus{refused_.code == Errc::read_only ? StoreHealth::read_only : StoreHealth::failed, 0, refused_.message};
  } else if (disk_.fault() == DiskFault::full) {
    out = StoreStatus{StoreHealth::full, 0, "the simulated disk is full"};
  }
  return out;
}

void MemoryImageStore::crash() {
  for (const Work& work : syncing_) {
    if (disk_.fault() != DiskFault::none || disk_.fenced() || !disk_.coin()) continue;
    if (const auto* commit = std::get_if<Commit>(&work)) (void)publish(commit->put);
    if (const auto* erasure = std::get_if<Erasure>(&work)) drop(erasure->file_name);
  }
  syncing_.clear();
  waiting_.clear();
  puts_.clear();
  calls_ = 0;
}

bool MemoryImageStore::intact(const Digest& digest) const {
  const auto at = by_digest_.find(digest);
  return at != by_digest_.end() && hash_of(files_.find(at->second)->second.parts) == digest;
}

void MemoryImageStore::replace(Files files) {
  files_ = std::move(files);
  by_digest_.clear();
  rotten_.clear();
  for (const auto& [name, file] : files_) note(name, file);
}

void MemoryImageStore::note(const std::string& name, const File& file) {
  const Digest& digest = file.about.digest;
  const bool right = hash_of(file.parts) == digest;
  const auto [known, first] = by_digest_.try_emplace(digest, name);
  if (first && !right) rotten_.insert(digest);
  if (first || !right) return;
  known->second = name;
  rotten_.erase(digest);
}

bool MemoryImageStore::lose(const Digest& digest) {
  const auto at = by_digest_.find(digest);
  if (at == by_digest_.end()) return false;
  drop(std::string(at->second));
  return true;
}

bool MemoryImageStore::corrupt(const Digest& digest) {
  const auto at = by_digest_.find(digest);
  if (at == by_digest_.end() || !rotten_.insert(digest).second) return false;
  Buffer& first = files_.find(at->second)->second.parts.front();
  first = Buffer::copy_of(first.view());
  first.data()[first.size() / 2] ^= std::byte{1};
  return true;
}

}  // namespace cloudp2p::sim
