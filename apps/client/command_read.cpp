// get, list, info: what is stored, and back with it.
#include "commands.hpp"
#include "progress.hpp"

#include <unistd.h>

#include <filesystem>

namespace client {

using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::ImageInfo;
using cloudp2p::ImageRecord;
using cloudp2p::JsonWriter;
using cloudp2p::Result;

namespace {

namespace fs = std::filesystem;

std::string default_name(const ImageRecord& record) {
  return cloudp2p::sanitised_stem(record.name) + "." + std::string(extension(record.type));
}

/// Where a `get` goes. A chosen file may be replaced, a name that came with the image may not.
Result<std::string> destination(const std::optional<std::string>& chosen, const ImageRecord& record) {
  std::error_code error;
  if (chosen && !fs::is_directory(*chosen, error)) return *chosen;
  const std::string path = chosen ? (fs::path(*chosen) / default_name(record)).string() : default_name(record);
  if (!fs::exists(fs::symlink_status(path, error))) return path;
  return Error{Errc::exists, path + " exists already: choose a name with -O FILE, or -O " + path + " to replace it"};
}

int report_saved(Session& session, const ImageInfo& info, const std::string& path) {
  const std::string id = short_id(info.record.digest);
  if (session.out.json()) {
    session.out.object([&](JsonWriter& json) {
      write_record(json, info.record);
      json.field("path", path);
    });
  } else if (session.out.quiet()) {
    session.out.print(path);
  } else {
    session.out.success(
        {"Saved image " + id + " as " + shown(path) + " — " + std::to_string(info.record.size_bytes) + " bytes"});
  }
  return 0;
}

void print_entries(Output& out, const std::vector<cloudp2p::CatalogEntry>& entries, bool first_page) {
  if (out.json()) {
    for (const auto& entry : entries)
      out.object([&](JsonWriter& json) { write_record(json, entry.record); });
    return;
  }
  if (out.quiet()) {
    for (const auto& entry : entries)
      out.print(short_id(entry.record.digest));
    return;
  }
  if (entries.empty()) return;
  Table table({{"ID"}, {"SIZE", true}, {"TYPE"}, {"STORED"}, {"NAME"}});
  for (const cloudp2p::CatalogEntry& entry : entries) {
    const ImageRecord& record = entry.record;
    table.add({short_id(record.digest), human_bytes(record.size_bytes), std::string(extension(record.type)),
               local_time(record.time_ms), shown(record.name)});
  }
  std::string text = table.text();
  if (!first_page) text.erase(0, text.find('\n') + 1);
  out.print(text);
}

}  // namespace

void write_record(JsonWriter& json, const ImageRecord& record) {
  json.field("id", short_id(record.digest)).field("digest", record.digest.hex()).field("name", record.name);
  json.field("size_bytes", record.size_bytes).field("type", media_type(record.type));
  json.field("time", utc_time(record.time_ms)).field("time_ms", record.time_ms);
}

Result<std::vector<ImageRecord>> list_all(cloudp2p::ClientHost& host) {
  std::vector<ImageRecord> out;
  cloudp2p::ListQuery query{cloudp2p::limits::kListPageMax, {}, 0};
  do {
    Result<cloudp2p::ListPage> page = host.list(query);
    if (!page) return page.error();
    for (cloudp2p::CatalogEntry& entry : page->entries)
      out.push_back(std::move(entry.record));
    query.after = page->next;
  } while (!query.after.empty());
  return out;
}

int run_get(Session& session, const Command& command) {
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  const bool to_stdout = command.output == "-";
  const Result<ImageInfo> found = (*host)->info(command.arguments.front());
  if (!found) return session.out.failure(found.error(), command.arguments.front());
  const Result<std::string> path = to_stdout ? Result<std::string>("-") : destination(command.output, found->record);
  if (!path) return session.out.failure(path.error());
  Result<std::shared_ptr<cloudp2p::ImageSink>> sink =
      to_stdout ? cloudp2p::stream_sink(STDOUT_FILENO) : cloudp2p::file_sink(*path);
  if (!sink) return session.out.failure(sink.error());
  Result<ImageInfo> got = Errc::cancelled;
  {
    Progress progress(session.out, 1, found->record.size_bytes);
    got = (*host)->get(found->record.digest.hex(), std::move(*sink), progress.track());
  }
  if (!got) return session.out.failure(got.error(), command.arguments.front());
  return to_stdout ? 0 : report_saved(session, *got, *path);
}

int run_list(Session& session, const Command& command) {
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  cloudp2p::ListQuery query{0, command.after, command.since_ms};
  for (std::size_t printed = 0; true;) {
    const std::size_t left = command.limit == 0 ? cloudp2p::limits::kListPageMax : command.limit - printed;
    query.limit = std::min(left, cloudp2p::limits::kListPageMax);
    const Result<cloudp2p::ListPage> page = (*host)->list(query);
    if (!page) return session.out.failure(page.error());
    print_entries(session.out, page->entries, printed == 0);
    printed += page->entries.size();
    if (printed == 0) session.out.note("No images" + std::string(command.since_ms > 0 ? " since then" : " yet"));
    if (page->next.empty() || page->entries.empty()) return 0;
    query.after = page->next;
    if (command.limit == 0 || printed < command.limit) continue;
    if (session.out.json()) session.out.object([&](JsonWriter& json) { json.field("next", page->next); });
    session.out.note("There are more: list --after " + page->next);
    return 0;
  }
}

int run_info(Session& session, const Command& command) {
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  const Result<ImageInfo> info = (*host)->info(command.arguments.front());
  if (!info) return session.out.failure(info.error(), command.arguments.front());
  const ImageRecord& record = info->record;
  if (session.out.json()) {
    session.out.object([&](JsonWriter& json) {
      write_record(json, record);
      json.field("on_leader", info->on_leader).field("verified_ms", info->verified_ms);
    });
    return 0;
  }
  session.out.print("id      " + short_id(record.digest) + "\ndigest  " + record.digest.hex() + "\nname    " +
                    shown(record.name) + "\nsize    " + human_bytes(record.size_bytes) + " (" +
                    std::to_string(record.size_bytes) + " bytes)\ntype    " + std::string(media_type(record.type)) +
                    "\nstored  " + local_time(record.time_ms) +
                    (info->on_leader ? "\nchecked " + local_time(info->verified_ms) + ", the leader's copy" : "") +
                    (info->on_leader ? "" : "\nThe leader does not hold the bytes now: `verify` shows which nodes do."));
  return 0;
}

}  // namespace client
