#include "store/publisher.hpp"

#include <fcntl.h>

namespace cloudp2p::store {
namespace {

constexpr unsigned kNameAttemptsMax = 1000;
constexpr std::size_t kRecentMax = 1024;
// One sync of the file system costs as much as two or three syncs of a file, whatever number of files it covers.
constexpr std::size_t kSingleSyncsMax = 2;

}  // namespace

void Publisher::load() {
  if (auto status = prefixes_.load(context_.directory.root()); !status) context_.guard.fault(status.error());
}

void Publisher::run(std::vector<Publication>& publications, std::vector<Removal>& removals) {
  // First: whoever erases before he commits the same content must not lose what he committed.
  for (Removal& removal : removals)
    remove(removal);
  if (!publications.empty()) sync_bytes(publications);
  for (Publication& publication : publications) {
    if (publication.outcome.ok()) publish(publication);
  }
  const Status durable = sync_directories(publications, removals);
  for (Publication& publication : publications) {
    if (publication.outcome.ok() && !durable) {
      // Its name may not survive, and nobody will be told of it: it must not be seen either.
      if (publication.renamed) ::unlinkat(context_.directory.root(), publication.outcome->file_name.c_str(), 0);
      recent_.erase(publication.file->header().digest);
      publication.outcome = durable.error();
    }
    if (publication.outcome.ok()) ++context_.counters.commits;
  }
  for (Removal& removal : removals) {
    if (removal.outcome.ok()) removal.outcome = durable;
  }
}

/// Sets each outcome to success (an image without a name yet) or to the error.
void Publisher::sync_bytes(std::vector<Publication>& publications) {
  DiskCalls& disk = context_.directory.disk();
  const auto durable_or = [&](int error) -> Result<StoredImage> {
    if (error == 0) return StoredImage{};
    Error problem = posix_error(error, "cannot sync images in " + context_.directory.path());
    context_.guard.fault(problem);
    return problem;
  };
  if (publications.size() > kSingleSyncsMax) {
    ++context_.counters.syncs;
    const Result<StoredImage> outcome = durable_or(disk.sync_filesystem(context_.directory.root()));
    for (Publication& publication : publications)
      publication.outcome = outcome;
    return;
  }
  for (Publication& publication : publications) {
    ++context_.counters.syncs;
    publication.outcome = durable_or(disk.sync_data(publication.file->fd()));
  }
}

void Publisher::publish(Publication& publication) {
  // A fault of a neighbour in this group, or of an append meanwhile, makes all that is pending untrustworthy.
  if (auto status = context_.guard.writable(); !status) {
    publication.outcome = status.error();
    return;
  }
  const PutHeader& header = publication.file->header();
  auto existing = find_existing(header);
  if (!existing) {
    publication.outcome = std::move(existing).error();
    return;
  }
  if (existing->has_value()) {
    ++context_.counters.duplicates_kept;
    publication.file->discard();
    publication.outcome = std::move(**existing);
    return;
  }
  for (unsigned attempt = 1; attempt <= kNameAttemptsMax; ++attempt) {
    const std::string name = image_file_name(header, attempt);
    const Status moved =
        move_file(context_.directory.incoming(), publication.file->name(), context_.directory.root(), name);
    if (moved.code() == Errc::exists && attempt < kNameAttemptsMax) continue;
    if (!moved) {
      context_.guard.fault(moved.error());
      publication.outcome = moved.error();
      return;
    }
    publication.file->mark_published();
    publication.renamed = true;
    remember(header.digest, name);
    auto described = describe(context_.directory.root(), name);
    if (described) described->digest = header.digest;
    publication.outcome = std::move(described);
    return;
  }
}

Result<std::optional<StoredImage>> Publisher::find_existing(const PutHeader& header) {
  if (const auto recent = recent_.find(header.digest); recent != recent_.end()) {
    auto kept = keep(std::string(recent->second), header, true);
    if (!kept || kept->has_value()) return kept;
    recent_.erase(header.digest);
  }
  if (!prefixes_.may_contain(prefix_of(header.digest))) return std::optional<StoredImage>{};
  std::vector<std::string> candidates;
  const Status listed = for_each_name(context_.directory.root(), [&](const char* name) {
    if (prefix_of(std::string_view(name)) == prefix_of(header.digest)) candidates.emplace_back(name);
  });
  if (!listed) return listed.error();
  std::sort(candidates.begin(), candidates.end());
  for (const std::string& name : candidates) {
    auto kept = keep(name, header, false);
    if (!kept || kept->has_value()) return kept;
  }
  return std::optional<StoredImage>{};
}

/// A candidate that can not be read or holds other bytes is not ours to keep: the put gets a name of its own.
Result<std::optional<StoredImage>> Publisher::keep(const std::string& file_name, const PutHeader& header, bool known) {
  auto image = describe(context_.directory.root(), file_name);
  if (!image || image->size_bytes != header.size_bytes) return std::optional<StoredImage>{};
  const auto file = open_image(context_.directory.root(), file_name);
  if (!file) return std::optional<StoredImage>{};
  if (!known) {
    const auto digest = hash_file(file->get(), context_.make_hasher);
    if (!digest || *digest != header.digest) return std::optional<StoredImage>{};
  }
  // It may have been renamed just before a crash of the process, and never been synced.
  ++context_.counters.syncs;
  if (const int error = context_.directory.disk().sync_data(file->get()); error != 0) {
    Error problem = posix_error(error, "cannot sync " + file_name);
    context_.guard.fault(problem);
    return problem;
  }
  remember(header.digest, file_name);
  image->digest = header.digest;
  return std::optional(std::move(*image));
}

void Publisher::remember(const Digest& digest, const std::string& file_name) {
  prefixes_.insert(prefix_of(digest));
  if (recent_.size() >= kRecentMax) recent_.clear();
  recent_.insert_or_assign(digest, file_name);
}

void Publisher::remove(Removal& removal) {
  if (removal.outcome = context_.guard.writable(); !removal.outcome) return;
  if (auto file = open_image(context_.directory.root(), removal.file_name); !file) {
    removal.outcome = std::move(file).error();
    return;
  }
  for (unsigned attempt = 1; attempt <= kNameAttemptsMax; ++attempt) {
    const std::string target = removal.file_name + (attempt > 1 ? "~" + std::to_string(attempt) : "");
    removal.outcome = move_file(context_.directory.root(), removal.file_name, removal.to_directory, target);
    if (removal.outcome.code() != Errc::exists) break;
  }
  // One file that may not be moved says nothing about the disk.
  if (removal.outcome.code() != Errc::permission) context_.guard.fault(removal.outcome.error());
}

Status Publisher::sync_directories(const std::vector<Publication>& publications, const std::vector<Removal>& removals) {
  std::set<int> directories;
  for (const Publication& publication : publications) {
    if (publication.outcome.ok()) directories.insert(context_.directory.root());
  }
  for (const Removal& removal : removals) {
    if (removal.outcome.ok()) directories.insert({context_.directory.root(), removal.to_directory});
  }
  if (directories.empty()) return {};
  if (auto there = context_.directory.check_sentinel(); !there) {
    context_.guard.fault(there.error());
    return there;
  }
  for (const int directory : directories) {
    if (auto status = sync_directory(directory); !status) return status;
  }
  return {};
}

Status Publisher::sync_directory(int directory) {
  ++context_.counters.directory_syncs;
  const int error = context_.directory.disk().sync_directory(directory);
  if (error == 0) return {};
  Error problem = posix_error(error, "cannot sync directory " + context_.directory.path());
  context_.guard.fault(problem);
  return problem;
}

}  // namespace cloudp2p::store
