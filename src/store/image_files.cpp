#include "store/image_files.hpp"

#include <cloudp2p/limits.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

namespace cloudp2p::store {
namespace {

constexpr std::size_t kPrefixBytes = kShortIdDigits / 2;
constexpr std::size_t kFreshMax = 4096;
constexpr std::size_t kHashBlockBytes = 256 * 1024;

bool is_image_name(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

}  // namespace

std::string image_file_name(const PutHeader& header, unsigned attempt) {
  std::string name = short_id(header.digest) + "-" + sanitised_stem(header.name);
  if (attempt > 1) name += "~" + std::to_string(attempt);
  return name + "." + std::string(extension(header.type));
}

std::optional<std::uint64_t> prefix_of(std::string_view file_name) {
  if (file_name.size() < kShortIdDigits + 2 || file_name[kShortIdDigits] != '-') return std::nullopt;
  const std::string_view digits = file_name.substr(0, kShortIdDigits);
  if (digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  std::uint64_t prefix = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), prefix, 16);
  return prefix;
}

std::uint64_t prefix_of(const Digest& digest) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < sizeof prefix; ++i)
    prefix = prefix << 8 | static_cast<std::uint64_t>(digest.bytes[i]);
  return prefix;
}

Result<Fd> open_image(int directory, const std::string& file_name) {
  if (!is_image_name(file_name)) return Error{Errc::not_found, "not the name of a stored image"};
  // A name may have become a pipe or a device by somebody's hand: opening it must not wait.
  auto file = open_below(directory, file_name, O_RDONLY | O_NONBLOCK);
  if (!file) return file;
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return posix_error(errno, "cannot look at " + file_name);
  if (!S_ISREG(info.st_mode)) return Error{Errc::not_found, file_name + " is not a regular file"};
  return file;
}

Result<StoredImage> describe(int directory, const std::string& file_name) {
  struct stat info {};
  if (::fstatat(directory, file_name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return posix_error(errno, "cannot look at " + file_name);
  }
  if (!S_ISREG(info.st_mode)) return Error{Errc::not_found, file_name + " is not a regular file"};
  StoredImage image;
  image.file_name = file_name;
  image.size_bytes = static_cast<std::uint64_t>(info.st_size);
  image.modified_ms = std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
  return image;
}

Status for_each_image(int directory, const std::function<void(StoredImage&&)>& visit) {
  Error problem;
  const Status listed = for_each_name(directory, [&](const char* name) {
    if (!prefix_of(std::string_view(name))) return;
    auto image = describe(directory, name);
    if (image) {
      image->digest_bytes = kPrefixBytes;
      static_cast<void>(from_hex({name, kShortIdDigits}, std::span(image->digest.bytes).first(kPrefixBytes)));
      visit(std::move(*image));
    } else if (image.code() != Errc::not_found) {
      problem = std::move(image).error();
    }
  });
  if (!listed) return listed;
  return problem ? Status(problem) : Status();
}

Result<std::vector<StoredImage>> list_images(int directory) {
  std::vector<StoredImage> images;
  const Status listed = for_each_image(directory, [&](StoredImage&& image) { images.push_back(std::move(image)); });
  if (!listed) return listed.error();
  std::sort(images.begin(), images.end(),
            [](const StoredImage& a, const StoredImage& b) { return a.file_name < b.file_name; });
  return images;
}

Result<Digest> hash_file(int fd, const HasherFactory& make_hasher) {
  const auto hasher = make_hasher();
  std::vector<std::byte> block(kHashBlockBytes);
  for (std::uint64_t offset = 0;;) {
    const auto got = read_at(fd, block, offset);
    if (!got) return got.error();
    hasher->update(ByteView(block).first(*got));
    offset += *got;
    if (*got < block.size()) return hasher->finish();
  }
}

Result<ImageRecord> identify_image(int directory, const std::string& file_name, const HasherFactory& make_hasher) {
  const auto stored = describe(directory, file_name);
  if (!stored) return stored.error();
  const auto file = open_image(directory, file_name);
  if (!file) return file.error();
  std::array<std::byte, kSniffBytes> first{};
  const auto sniffed = read_at(file->get(), first, 0);
  if (!sniffed) return Error{sniffed.code(), file_name + ": " + sniffed.error().message};
  const auto digest = hash_file(file->get(), make_hasher);
  if (!digest) return Error{digest.code(), file_name + ": " + digest.error().message};
  if (prefix_of(*digest) != prefix_of(std::string_view(file_name))) {
    return Error{Errc::integrity, file_name + " does not hold the bytes that its name promises"};
  }
  ImageRecord record;
  record.digest = *digest;
  record.size_bytes = stored->size_bytes;
  record.type = sniff(ByteView(first).first(*sniffed));
  record.name = file_name.substr(kShortIdDigits + 1, limits::kNameBytesMax);
  record.time_ms = stored->modified_ms;
  return record;
}

Status move_file(int from_directory, const std::string& from, int to_directory, const std::string& to) {
  const std::string doing = "cannot rename " + from + " to " + to;
  if (::renameat2(from_directory, from.c_str(), to_directory, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return posix_error(errno, doing);
  // File systems without NOREPLACE: a link fails on a taken name just the same.
  if (::linkat(from_directory, from.c_str(), to_directory, to.c_str(), 0) != 0) return posix_error(errno, doing);
  if (::unlinkat(from_directory, from.c_str(), 0) != 0) return posix_error(errno, doing);
  return {};
}

Status PrefixIndex::load(int directory) {
  sorted_.clear();
  fresh_.clear();
  const Status listed = for_each_name(directory, [this](const char* name) {
    if (const auto prefix = prefix_of(std::string_view(name))) sorted_.push_back(*prefix);
  });
  std::sort(sorted_.begin(), sorted_.end());
  return listed;
}

void PrefixIndex::insert(std::uint64_t prefix) {
  fresh_.insert(prefix);
  if (fresh_.size() < kFreshMax) return;
  const auto middle = static_cast<std::ptrdiff_t>(sorted_.size());
  sorted_.insert(sorted_.end(), fresh_.begin(), fresh_.end());
  std::inplace_merge(sorted_.begin(), sorted_.begin() + middle, sorted_.end());
  fresh_.clear();
}

bool PrefixIndex::may_contain(std::uint64_t prefix) const {
  return fresh_.count(prefix) > 0 || std::binary_search(sorted_.begin(), sorted_.end(), prefix);
}

}  // namespace cloudp2p::store
