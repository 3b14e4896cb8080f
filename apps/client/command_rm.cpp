// rm: deletes images, on all nodes. Asks first on a terminal; elsewhere only -y will do.
#include "commands.hpp"
#include "confirm.hpp"

namespace client {

using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::ImageInfo;
using cloudp2p::ImageRecord;
using cloudp2p::JsonWriter;
using cloudp2p::Result;

namespace {

std::string question_about(const ImageRecord& record) {
  return "Delete image " + short_id(record.digest) + ", " + shown(record.name) + " (" + human_bytes(record.size_bytes) +
         "), from all nodes?";
}

void report(Session& session, const ImageRecord& record) {
  const std::string id = short_id(record.digest);
  if (session.out.json()) {
    session.out.object([&](JsonWriter& json) {
      write_record(json, record);
      json.field("deleted", true);
    });
  } else if (session.out.quiet()) {
    session.out.print(id);
  } else {
    session.out.success({"Deleted image " + id + " — " + shown(record.name)});
  }
}

int remove_one(Session& session, cloudp2p::ClientHost& host, const std::string& id, bool asked_for) {
  std::string target = id;
  if (!asked_for) {
    const Result<ImageInfo> info = host.info(id);
    if (!info) return session.out.failure(info.error(), id);
    if (!confirmed(session, question_about(info->record))) {
      if (session.interrupts.interrupted()) return cloudp2p::exit_code(Errc::cancelled);
      session.out.note("Kept " + short_id(info->record.digest));
      return 0;
    }
    target = info->record.digest.hex();  // What was shown, whatever has come since that begins alike.
  }
  const Result<ImageRecord> removed = host.remove(target);
  if (!removed) return session.out.failure(removed.error(), id);
  report(session, *removed);
  return 0;
}

}  // namespace

int run_rm(Session& session, const Command& command) {
  if (!command.yes && !can_ask()) {
    return session.out.failure(
        Error{Errc::invalid_argument, "rm: nothing is deleted without a terminal to ask at: give -y"});
  }
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  ManyResults results;
  for (const std::string& id : command.arguments) {
    results.add(remove_one(session, **host, id, command.yes));
    if (session.interrupts.interrupted()) return cloudp2p::exit_code(Errc::cancelled);
  }
  return results.exit_status();
}

}  // namespace client
