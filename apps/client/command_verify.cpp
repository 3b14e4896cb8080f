// verify: every node re-reads its own copy.
#include "commands.hpp"

namespace client {

using cloudp2p::CopyCheck;
using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::JsonWriter;
using cloudp2p::Result;

namespace {

/// The worst that was found, over all images: a bad copy weighs more than a node that did not answer.
struct Findings {
  std::size_t images = 0;
  std::size_t copies = 0;
  std::size_t bad = 0;
  std::size_t unasked = 0;
  int failure = 0;

  [[nodiscard]] int exit_status() const {
    if (bad > 0) return cloudp2p::exit_code(Errc::integrity);
    return unasked > 0 ? cloudp2p::exit_code(Errc::unreachable) : failure;
  }
};

const char* verdict(Errc code) {
  switch (code) {
    case Errc::ok: return "ok";
    case Errc::integrity: return "damaged";
    case Errc::not_found: return "missing";
    case Errc::io: return "unreadable";
    default: return "not asked";
  }
}

bool is_bad(Errc code) {
  return code == Errc::integrity || code == Errc::not_found || code == Errc::io;
}

void print_checks(Output& out, const cloudp2p::ImageRecord& record, const std::vector<CopyCheck>& checks) {
  if (out.json()) {
    out.object([&](JsonWriter& json) {
      json.field("id", short_id(record.digest)).field("digest", record.digest.hex()).field("name", record.name);
      json.key("copies").begin_array();
      for (const CopyCheck& check : checks) {
        json.begin_object().field("node", value(check.node)).field("state", verdict(check.code));
        json.field("file", check.file_name).field("message", check.message).end_object();
      }
      json.end_array();
    });
    return;
  }
  std::string line = short_id(record.digest);
  std::string reasons;
  bool fine = true;
  for (const CopyCheck& check : checks) {
    line += "  node " + to_string(check.node) + " " + verdict(check.code);
    fine = fine && check.code == Errc::ok;
    if (check.code != Errc::ok && !check.message.empty())
      reasons += "\n  node " + to_string(check.node) + ": " + shown(check.message);
  }
  if (!fine || !out.quiet()) out.print(line + "  " + shown(record.name) + reasons);
}

bool verify_one(Session& session, cloudp2p::ClientHost& host, const cloudp2p::ImageRecord& record, Findings& findings) {
  const Result<std::vector<CopyCheck>> checks = host.verify(record.digest);
  if (!checks) {
    findings.failure = session.out.failure(checks.error(), short_id(record.digest));
    return checks.code() != Errc::cancelled;
  }
  ++findings.images;
  for (const CopyCheck& check : *checks) {
    ++findings.copies;
    if (is_bad(check.code)) {
      ++findings.bad;
    } else if (check.code != Errc::ok) {
      ++findings.unasked;
    }
  }
  print_checks(session.out, record, *checks);
  return !session.interrupts.interrupted();
}

bool verify_all(Session& session, cloudp2p::ClientHost& host, Findings& findings) {
  cloudp2p::ListQuery query{cloudp2p::limits::kListPageMax, {}, 0};
  do {
    const Result<cloudp2p::ListPage> page = host.list(query);
    if (!page) {
      findings.failure = session.out.failure(page.error());
      return false;
    }
    for (const auto& entry : page->entries)
      if (!verify_one(session, host, entry.record, findings)) return false;
    query.after = page->next;
  } while (!query.after.empty());
  return true;
}

void verify_some(Session& session, cloudp2p::ClientHost& host, const Command& command, Findings& findings) {
  for (const std::string& id : command.arguments) {
    const Result<cloudp2p::ImageInfo> info = host.info(id);
    if (!info) {
      findings.failure = session.out.failure(info.error(), id);
      if (info.code() == Errc::cancelled) return;
    } else if (!verify_one(session, host, info->record, findings)) {
      return;
    }
  }
}

}  // namespace

int run_verify(Session& session, const Command& command) {
  if (command.all == !command.arguments.empty())
    return session.out.failure(Error{Errc::invalid_argument, "verify: give the ids of images, or --all"});
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  Findings findings;
  if (command.all) {
    (void)verify_all(session, **host, findings);
  } else {
    verify_some(session, **host, command, findings);
  }
  if (session.interrupts.interrupted()) return cloudp2p::exit_code(Errc::cancelled);
  session.out.note(std::to_string(findings.images) + " images, " + std::to_string(findings.copies) +
                   " copies: " + std::to_string(findings.bad) + " damaged or missing, " +
                   std::to_string(findings.unasked) + " not asked");
  return findings.exit_status();
}

}  // namespace client
