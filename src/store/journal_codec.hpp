// The journal as bytes: records one after another, each with a checksum of its own.
//
// Purpose:   a compact copy of what each record says, from which a lost catalog comes back. A damaged stretch costs the
//            entries in it and no others: what follows is found again by its marker.
// Format:    16 bytes of head, then entries: marker (2), length of the body (u16), checksum of the body (u32), body.
//            A body is a kind and then: for a record, digest, stamp, type, size, time, name; for a mark, a sum of 64 bits.
//            Numbers have 7 bits a byte, low ones first.
// Thread:    pure functions and plain values.
#pragma once

#include <cloudp2p/error.hpp>
#include <cloudp2p/types.hpp>

#include <functional>

namespace cloudp2p::store {

/// Ends in its version; another one is not read.
inline constexpr std::string_view kJournalHead = "cloudp2p journal";
inline constexpr std::size_t kJournalHeadBytes = kJournalHead.size() + 2;

struct JournalEntry {
  ImageRecord record;
  bool forgotten = false;  ///< No record with this stamp is held any more.
  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

using JournalBytes = std::vector<std::byte>;
void append_head(JournalBytes& out);
void append_entry(JournalBytes& out, const JournalEntry& entry);
/// Says what the hashes of all records add up to after the entries before it.
void append_mark(JournalBytes& out, std::uint64_t sum);

/// Takes a journal apart as it comes, in pieces of any size.
class JournalReader {
 public:
  using Visit = std::function<void(const JournalEntry&)>;
  explicit JournalReader(Visit visit) : visit_(std::move(visit)) {}

  void feed(ByteView bytes);
  /// There is no more.
  void end();

  [[nodiscard]] bool known_version() const noexcept { return known_version_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
  /// Stretches that could not be read.
  [[nodiscard]] std::uint64_t damaged() const noexcept { return damaged_; }
  /// Of the mark that ends it; none when anything comes after the last one.
  [[nodiscard]] std::optional<std::uint64_t> mark() const noexcept { return mark_; }

 private:
  enum class Step : std::uint8_t { more, entry, damage };
  [[nodiscard]] Step next(ByteView rest, std::size_t& length);
  [[nodiscard]] bool take_body(ByteView body);
  void read(bool last);

  Visit visit_;
  JournalBytes held_;  ///< Not taken apart yet.
  bool head_read_ = false;
  bool known_version_ = false;
  bool in_damage_ = false;
  std::uint64_t entries_ = 0;
  std::uint64_t damaged_ = 0;
  std::optional<std::uint64_t> mark_;
};

}  // namespace cloudp2p::store
