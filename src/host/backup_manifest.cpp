#include "host/backup_manifest.hpp"

#include "crypto/digest.hpp"
#include "json/json_reader.hpp"
#include "store/image_files.hpp"

#include <cloudp2p/json_writer.hpp>

#include <limits>

namespace cloudp2p::host {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kNumberMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

Digest digest_of_text(std::string_view text) {
  return crypto::digest_of(std::as_bytes(std::span(text)));
}

std::string head_line(const BackupManifest& manifest, std::int64_t now_ms) {
  std::uint64_t bytes = 0;
  for (const auto& [digest, entry] : manifest.entries)
    bytes += entry.record.size_bytes;
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("schema", 1).field("backup_version", kVersion).field("cluster", manifest.cluster.hex());
  json.field("time_ms", now_ms).field("images", manifest.entries.size()).field("bytes", bytes).end_object();
  return out + "\n";
}

std::string entry_line(const BackupEntry& entry) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("digest", entry.record.digest.hex()).field("file", entry.file_name);
  json.field("name", entry.record.name).field("size_bytes", entry.record.size_bytes);
  json.field("type", media_type(entry.record.type)).field("time_ms", entry.record.time_ms);
  json.field("deleted", entry.deleted).end_object();
  return out + "\n";
}

std::string last_line(std::string_view lines_before) {
  std::string out;
  JsonWriter(out).begin_object().field("digest_of_lines_before", digest_of_text(lines_before).hex()).end_object();
  return out + "\n";
}

/// Members of one line; what is not known to this version is left alone.
class Line {
 public:
  explicit Line(json::Value value) : value_(value) {}

  [[nodiscard]] bool text(const char* key, std::string& out) const {
    std::string_view got;
    if (value_[key].get_string().get(got) != simdjson::SUCCESS) return false;
    out = got;
    return true;
  }
  template <class Number>
  [[nodiscard]] bool number(const char* key, Number& out) const {
    std::uint64_t got = 0;
    if (value_[key].get_uint64().get(got) != simdjson::SUCCESS || got > kNumberMax) return false;
    out = static_cast<Number>(got);
    return true;
  }
  template <class Id>
  [[nodiscard]] bool hex(const char* key, Id& out) const {
    std::string digits;
    const std::optional<Id> got = text(key, digits) ? Id::from(digits) : std::nullopt;
    if (got) out = *got;
    return got.has_value();
  }
  [[nodiscard]] bool flag(const char* key, bool& out) const {
    return value_[key].get_bool().get(out) == simdjson::SUCCESS;
  }

 private:
  json::Value value_;
};

ImageType type_of(const std::string& media) {
  for (auto type = ImageType::jpeg; type <= ImageType::bmp;
       type = ImageType{static_cast<std::uint8_t>(static_cast<unsigned>(type) + 1)})
    if (media_type(type) == media) return type;
  return ImageType::unknown;
}

/// The name of a file in the folder itself that belongs to this image: no manifest may make us read or write elsewhere.
bool is_file_of(const std::string& name, const Digest& digest) {
  return store::prefix_of(std::string_view(name)) == store::prefix_of(digest) && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

bool read_entry(const Line& line, BackupEntry& out) {
  std::string media;
  if (!line.hex("digest", out.record.digest) || !line.text("file", out.file_name)) return false;
  if (!line.text("name", out.record.name) || !line.number("size_bytes", out.record.size_bytes)) return false;
  if (!line.text("type", media) || !line.number("time_ms", out.record.time_ms)) return false;
  if (!line.flag("deleted", out.deleted) || !is_file_of(out.file_name, out.record.digest)) return false;
  out.record.type = type_of(media);
  return true;
}

Error damaged(const std::string& name, const std::string& where) {
  return {Errc::integrity, name + ": is damaged (" + where +
                               "): put it back from another copy, or remove it; the next backup makes a new one and "
                               "reads the files instead of fetching them"};
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  Result<BackupManifest> read() {
    std::uint64_t images = 0;
    if (Status head = read_head(images); !head) return head.error();
    for (std::uint64_t i = 0; i < images; ++i)
      if (Status entry = read_image(); !entry) return entry.error();
    if (!rest_.empty()) return damaged(name_, "more lines than images");
    return std::move(manifest_);
  }

 private:
  Result<Line> next_line() {
    const std::size_t end = rest_.find('\n');
    ++number_;
    if (end == std::string_view::npos) return damaged(name_, "it ends too early");
    json::Value value;
    if (parser_.parse(rest_.data(), end).get(value) != simdjson::SUCCESS) return here();
    rest_.remove_prefix(end + 1);
    return Line(value);
  }

  Status read_head(std::uint64_t& images) {
    const Result<Line> line = next_line();
    if (!line) return line.error();
    std::uint64_t version = 0;
    if (!line->number("backup_version", version)) return here();
    if (version != kVersion)
      return Error{Errc::format, name_ + ": has format version " + std::to_string(version) + ", this program reads " +
                                     std::to_string(kVersion) + ": use a newer one"};
    return line->hex("cluster", manifest_.cluster) && line->number("images", images) ? Status() : here();
  }

  Status read_image() {
    const Result<Line> line = next_line();
    if (!line) return line.error();
    BackupEntry entry;
    if (!read_entry(*line, entry)) return here();
    const Digest digest = entry.record.digest;
    return manifest_.entries.emplace(digest, std::move(entry)).second ? Status() : here();
  }

  [[nodiscard]] Error here() const { return damaged(name_, "line " + std::to_string(number_)); }

  std::string_view rest_;
  const std::string& name_;
  std::size_t number_ = 0;
  simdjson::dom::parser parser_;
  BackupManifest manifest_;
};

}  // namespace

std::string manifest_text(const BackupManifest& manifest, std::int64_t now_ms) {
  std::string out = head_line(manifest, now_ms);
  for (const auto& [digest, entry] : manifest.entries)
    out += entry_line(entry);
  return out + last_line(out);
}

Result<BackupManifest> parse_manifest(std::string_view text, const std::string& name) {
  const std::size_t last = text.size() < 2 ? 0 : text.rfind('\n', text.size() - 2) + 1;
  if (last == 0 || text.substr(last) != last_line(text.substr(0, last)))
    return damaged(name, "its lines do not match the digest in the last one");
  return Reader(text.substr(0, last), name).read();
}

}  // namespace cloudp2p::host
