#include "crash/disk_model.hpp"

#include "store/state_codec.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace crash {
namespace {

constexpr std::uint64_t kSectorBytes[] = {512, 4096};

std::uint64_t hash_of(std::string_view text) {
  return cloudp2p::store::crc64(std::as_bytes(std::span(text)));
}

/// A number from 0 to `last`.
std::size_t any_up_to(Random& random, std::size_t last) {
  return std::uniform_int_distribution<std::size_t>(0, last)(random);
}

}  // namespace

Content::Content(std::string content) : bytes(std::move(content)), hash(hash_of(bytes)) {}

std::uint64_t DiskImage::hash() const {
  std::string all;
  for (const auto& [path, content] : entries) {
    all += path + '\0' + (content ? std::to_string(content->hash) : "/") + '\0';
  }
  return hash_of(all);
}

DiskModel::DiskModel(BrokenDisk broken) : broken_(broken) {
  files_[kRoot].is_folder = true;
}

void DiskModel::apply(const DiskCall& call) {
  ++calls_;
  switch (call.kind) {
    case DiskCall::Kind::name:
      if (call.inode != kNothing && files_.find(call.inode) == files_.end()) {
        const auto empty = std::make_shared<const Content>("");
        files_[call.inode] = {call.is_folder, empty, empty, {}};
        first_names_[call.inode] = call.name.text;
      }
      return rename(call.name, {calls_, call.inode, {}});
    case DiskCall::Kind::rename:
      rename(call.name, {calls_, call.inode, {}});
      return rename(call.from, {calls_, kNothing, call.name});
    case DiskCall::Kind::write:
    case DiskCall::Kind::resize: return change(call.inode, {calls_, call.offset, call.bytes});
    case DiskCall::Kind::sync:
      if (!is_ignored(call.inode)) sync(call.inode);
      return;
    case DiskCall::Kind::sync_all:
      for (const auto& [inode, file] : files_) {
        if (!is_ignored(inode)) sync(inode);
      }
  }
}

void DiskModel::rename(const Name& name, Version version) {
  Versions& versions = names_[name];
  if (versions.empty()) versions.push_back({});
  versions.push_back(std::move(version));
}

void DiskModel::change(Inode inode, Change change) {
  File& file = files_.at(inode);
  std::string bytes = file.seen->bytes;
  if (change.bytes) {
    bytes.resize(std::max<std::size_t>(bytes.size(), change.offset + change.bytes->size()));
    bytes.replace(change.offset, change.bytes->size(), *change.bytes);
  } else {
    bytes.resize(change.offset);
  }
  file.seen = std::make_shared<const Content>(std::move(bytes));
  file.changes.push_back(std::move(change));
}

void DiskModel::sync(Inode inode) {
  File& file = files_.at(inode);
  if (file.is_folder) return sync_names(inode);
  file.durable = file.seen;
  file.changes.clear();
}

void DiskModel::sync_names(Inode folder) {
  names_synced_at_ = calls_;
  const Name first{folder, ""};
  for (auto at = names_.lower_bound(first); at != names_.end() && at->first.folder == folder; ++at) {
    at->second.erase(at->second.begin(), at->second.end() - 1);
  }
}

bool DiskModel::is_ignored(Inode inode) const {
  if (inode == kRoot) return false;
  const std::string& name = first_names_.at(inode);
  if (name == "images") return broken_.folder_syncs;
  if (name == "catalog.sqlite-wal") return broken_.catalog_syncs;
  if (name == "state") return broken_.state_syncs;
  return broken_.image_syncs && name.find('.') == 32;  // A partial file: the 32 digits of its upload, a number.
}

bool DiskModel::clean() const {
  return std::all_of(names_.begin(), names_.end(), [](const auto& each) { return each.second.size() == 1; }) &&
         std::all_of(files_.begin(), files_.end(), [](const auto& each) { return each.second.changes.empty(); });
}

DiskModel::Chosen DiskModel::choose_names(Variant variant, Random& random) const {
  const std::size_t moment = names_synced_at_ + any_up_to(random, calls_ - names_synced_at_);
  Chosen out;
  for (const auto& [name, versions] : names_) {
    std::size_t& index = out[name];
    const std::size_t last = versions.size() - 1;
    if (variant == Variant::kept) index = last;
    if (variant == Variant::scattered) index = any_up_to(random, last);
    while (variant == Variant::journalled && index < last && versions[index + 1].at <= moment) ++index;
  }
  keep_renames_whole(out);
  return out;
}

/// Where the old name is gone, the new one is there.
void DiskModel::keep_renames_whole(Chosen& chosen) const {
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [name, index] : chosen) {
      const Versions& versions = names_.at(name);
      for (std::size_t i = 0; i <= index; ++i) {
        if (versions[i].moved_to.folder == kNothing) continue;
        const Versions& target = names_.at(versions[i].moved_to);
        std::size_t& there = chosen.at(versions[i].moved_to);
        while (target[there].at < versions[i].at && there + 1 < target.size()) ++there, changed = true;
      }
    }
  }
}

ContentPtr DiskModel::content(const File& file, Variant variant, Random& random) const {
  if (variant == Variant::kept || file.changes.empty()) return file.seen;
  return variant == Variant::dropped ? file.durable : scatter(file, random);
}

ContentPtr DiskModel::scatter(const File& file, Random& random) const {
  const std::uint64_t sector = kSectorBytes[random() % std::size(kSectorBytes)];
  // Each is the number of changes that it has seen.
  const std::size_t size_of = any_up_to(random, file.changes.size());
  std::map<std::uint64_t, std::size_t> sectors;
  const auto seen_by = [&](std::uint64_t at) {
    const auto [found, is_new] = sectors.try_emplace(at, 0);
    if (is_new) found->second = any_up_to(random, file.changes.size());
    return found->second;
  };
  std::string out = file.durable->bytes;
  std::uint64_t size = out.size();
  for (std::size_t i = 0; i < file.changes.size(); ++i) {
    const Change& change = file.changes[i];
    if (!change.bytes) {
      if (i >= size_of) continue;
      size = change.offset;
      if (out.size() > size) out.resize(size);
      continue;
    }
    const std::uint64_t end = change.offset + change.bytes->size();
    if (i < size_of) size = std::max(size, end);
    for (std::uint64_t at = change.offset; at < end;) {
      const std::uint64_t part_end = std::min(end, (at / sector + 1) * sector);
      if (seen_by(at / sector) > i) {
        if (out.size() < part_end) out.resize(part_end);
        out.replace(at, part_end - at, *change.bytes, at - change.offset, part_end - at);
      }
      at = part_end;
    }
  }
  out.resize(size);
  return std::make_shared<const Content>(std::move(out));
}

DiskImage DiskModel::image(Variant variant, Random& random) const {
  const Chosen chosen = choose_names(variant, random);
  std::map<Inode, ContentPtr> contents;  // A file with two names is one file.
  DiskImage out;
  const std::function<void(Inode, const std::string&)> visit = [&](Inode folder, const std::string& path) {
    for (auto at = chosen.lower_bound({folder, ""}); at != chosen.end() && at->first.folder == folder; ++at) {
      const Inode inode = names_.at(at->first)[at->second].inode;
      if (inode == kNothing) continue;
      const File& file = files_.at(inode);
      const std::string here = path.empty() ? at->first.text : path + "/" + at->first.text;
      ContentPtr& known = contents[inode];
      if (!file.is_folder && !known) known = content(file, variant, random);
      out.entries[here] = file.is_folder ? nullptr : known;
      if (file.is_folder) visit(inode, here);
    }
  };
  visit(kRoot, "");
  return out;
}

}  // namespace crash
