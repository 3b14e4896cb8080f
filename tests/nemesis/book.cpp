#include "nemesis/book.hpp"

#include "crypto/digest.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>

#include <set>

namespace nemesis {

using cloudp2p::Errc;
using cloudp2p::Result;

namespace {

constexpr std::size_t kTold = 5;  ///< Violations that are written out; more are only counted.

std::string text(const cloudp2p::Stamp& stamp) {
  return fmt::format("{}.{}.{}", stamp.term, value(stamp.leader), stamp.sequence);
}

}  // namespace

std::string Image::bytes() const {
  return support::picture(size_bytes, static_cast<unsigned>(number));
}

Image Book::add_image(std::size_t size_bytes) {
  Image out;
  out.size_bytes = size_bytes;
  {
    const std::lock_guard lock(mutex_);
    out.number = first_number_ + images_.size();
    images_.push_back(out);
    histories_.emplace_back();
  }
  const std::string bytes = out.bytes();
  out.digest = cloudp2p::crypto::digest_of(std::as_bytes(std::span(bytes)));
  const std::lock_guard lock(mutex_);
  images_[out.number - first_number_] = out;
  by_digest_.emplace(out.digest, out.number - first_number_);
  return out;
}

std::vector<Image> Book::images() const {
  const std::lock_guard lock(mutex_);
  return images_;
}

double Book::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

cloudp2p::TimePoint Book::now() const {
  return cloudp2p::TimePoint(std::chrono::steady_clock::now() - start_);
}

std::size_t Book::write_line(unsigned client, const char* what, const std::string& image) {
  lines_.push_back(Line{seconds(), -1, client, what, image, "under way"});
  return lines_.size() - 1;
}

Book::Entry Book::begin(unsigned client, const char* what, History::Act act, const Image& image) {
  const std::lock_guard lock(mutex_);
  const std::size_t index = image.number - first_number_;
  return {index, histories_[index].begins(act, now()), act, write_line(client, what, short_id(image.digest))};
}

void Book::answered(std::size_t line, Errc code, const std::string& answer) {
  lines_[line].ended = seconds();
  lines_[line].answer = answer;
  ++counts_[lines_[line].what][name(code)];
}

void Book::judge(bool explained, const Entry& entry, const std::string& answer) {
  if (!explained) note_violation("no order of the calls explains this answer: " + answer, entry.image);
}

void Book::end_put(const Entry& entry, const Result<cloudp2p::UploadOutcome>& outcome) {
  const std::lock_guard lock(mutex_);
  History& history = histories_[entry.image];
  std::string answer =
      outcome.ok() ? fmt::format("stored by node {}, {} copies, {} attempts{}", value(outcome->leader), outcome->copies,
                                 outcome->attempts, outcome->already_stored ? ", already stored" : "")
                   : outcome.error().text();
  answered(entry.line, outcome.code(), answer);
  if (!outcome.ok()) return history.lost(entry.call, now());
  judge(history.put_succeeded(entry.call, now()), entry, answer);
}

void Book::end_remove(const Entry& entry, const Result<cloudp2p::ImageRecord>& removed) {
  const std::lock_guard lock(mutex_);
  History& history = histories_[entry.image];
  const std::string answer = removed.ok() ? "deleted " + text(removed->stamp) : removed.error().text();
  answered(entry.line, removed.code(), answer);
  if (removed.ok()) return judge(history.removed(entry.call, now()), entry, answer);
  if (removed.code() != Errc::not_found) return history.lost(entry.call, now());
  judge(history.found(entry.call, false, now()), entry, answer);
}

void Book::end_read(const Entry& entry, const Result<cloudp2p::ImageInfo>& info) {
  const std::lock_guard lock(mutex_);
  History& history = histories_[entry.image];
  const std::string answer = info.ok() ? "there, " + text(info->record.stamp) : info.error().text();
  answered(entry.line, info.code(), answer);
  if (!info.ok() && info.code() != Errc::not_found) return history.lost(entry.call, now());
  judge(history.found(entry.call, info.ok(), now()), entry, answer);
  if (info.ok() && info->record.digest != images_[entry.image].digest)
    note_violation("asked for one image, answered with another", entry.image);
}

Book::Listing Book::begin_list(unsigned client) {
  const std::lock_guard lock(mutex_);
  Listing out;
  out.line = write_line(client, "list", "*");
  for (std::size_t index = 0; index < images_.size(); ++index) {
    if (!images_[index].digest.is_zero())
      out.entries.push_back({index, histories_[index].begins(History::Act::read, now()), History::Act::read, out.line});
  }
  return out;
}

void Book::end_list(const Listing& listing, const Result<cloudp2p::ListPage>& page) {
  const std::lock_guard lock(mutex_);
  std::set<std::size_t> listed;
  if (page.ok()) {
    for (const cloudp2p::CatalogEntry& entry : page->entries) {
      const auto known = by_digest_.find(entry.record.digest);
      if (known == by_digest_.end()) note_violation("listed, and never uploaded: " + entry.record.digest.hex(), {});
      if (known != by_digest_.end()) listed.insert(known->second);
    }
  }
  answered(listing.line, page.code(), page.ok() ? fmt::format("{} images", listed.size()) : page.error().text());
  for (const Entry& entry : listing.entries) {
    History& history = histories_[entry.image];
    const bool there = listed.contains(entry.image);
    // Beyond the first page an image may have moved while the pages were turned.
    if (!page.ok() || (!there && !page->next.empty())) {
      history.lost(entry.call, now());
    } else {
      judge(history.found(entry.call, there, now()), entry, there ? "listed" : "not listed");
    }
  }
}

void Book::note_violation(const std::string& what, std::optional<std::size_t> image) {
  if (++violations_count_ > kTold) return;
  violations_ += fmt::format("at {:.3f} s: {}\n", seconds(), what);
  if (!image) return;
  const std::string id = short_id(images_[*image].digest);
  violations_ +=
      fmt::format("  history of image {} ({} bytes), times in s since the start\n", id, images_[*image].size_bytes);
  for (const Line& line : lines_) {
    if (line.image == id) {
      violations_ += fmt::format("  {:9.3f} {:9.3f} client {} {:7} {}\n", line.begun, line.ended, line.client,
                                 line.what, line.answer);
    }
  }
  violations_ += "  as it was judged, lists included, times in ms\n" + histories_[*image].text();
}

void Book::violated(const std::string& what, std::optional<std::size_t> image) {
  const std::lock_guard lock(mutex_);
  note_violation(what, image ? std::optional(*image - first_number_) : image);
}

std::string Book::violations() const {
  const std::lock_guard lock(mutex_);
  const std::size_t count = violations_count_;
  return violations_ + (count > kTold ? fmt::format("and {} more\n", count - kTold) : "");
}

std::string Book::table() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, double> longest;
  for (const Line& line : lines_)
    longest[line.what] = std::max(longest[line.what], line.ended - line.begun);
  std::string out;
  for (const auto& [what, outcomes] : counts_) {
    out += fmt::format("  {:8} longest {:6.3f} s:", what, longest[what]);
    for (const auto& [outcome, count] : outcomes)
      out += fmt::format(" {} {}", outcome, count);
    out += '\n';
  }
  return out;
}

std::uint64_t Book::succeeded(const std::string& what) const {
  const std::lock_guard lock(mutex_);
  const auto outcomes = counts_.find(what);
  if (outcomes == counts_.end()) return 0;
  const auto count = outcomes->second.find(name(Errc::ok));
  return count == outcomes->second.end() ? 0 : count->second;
}

std::string Book::calls() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const Line& line : lines_)
    out += fmt::format("{:.6f}\t{:.6f}\t{}\t{}\t{}\t{}\n", line.begun, line.ended, line.client, line.what, line.image,
                       line.answer);
  return out;
}

}  // namespace nemesis
