// send-image: one, many, folders, standard input.
#include "commands.hpp"
#include "jobs.hpp"
#include "progress.hpp"
#include "selection.hpp"

#include <mutex>

namespace client {

using cloudp2p::Errc;
using cloudp2p::ImageSource;
using cloudp2p::Result;
using cloudp2p::UploadOutcome;

namespace {

/// Uploads of one command: threads take the next file until there is none.
class Sending {
 public:
  Sending(Session& session, cloudp2p::ClientHost& host, Selection& selection)
      : session_(session),
        host_(host),
        selection_(selection),
        many_(selection.files.size() > 1),
        progress_(session.out, selection.files.size(), total_bytes(selection)) {}

  void run(unsigned jobs) {
    const auto stopped = [this] { return session_.interrupts.interrupted(); };
    run_jobs(selection_.files.size(), jobs, stopped,
             [this](std::size_t i) { settle(selection_.files[i], send(selection_.files[i])); });
  }

  void summarise() {
    if (!many_) return;
    const double seconds = std::max(progress_.seconds(), 0.001);
    const std::uint64_t bytes = accepted_bytes_;
    char rate[64];
    std::snprintf(rate, sizeof rate, " in %.1f s (%s/s)", seconds,
                  human_bytes(static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds)).c_str());
    std::string text = std::to_string(stored_) + " stored, " + std::to_string(already_) + " already stored, " +
                       std::to_string(selection_.results.failed()) + " failed";
    if (selection_.skipped > 0) text += ", " + std::to_string(selection_.skipped) + " skipped (no images)";
    session_.out.note("[Client] " + text + "; " + human_bytes(bytes) + rate);
  }

 private:
  static std::uint64_t total_bytes(const Selection& selection) {
    std::uint64_t out = 0;
    for (const Outgoing& file : selection.files)
      out += file.size_bytes;
    return out;
  }

  Result<UploadOutcome> send(Outgoing& file) {
    if (!file.source) {
      Result<std::shared_ptr<cloudp2p::ImageSource>> opened = cloudp2p::file_source(file.path);
      if (!opened) return std::move(opened).error();
      file.source = std::move(*opened);
    }
    return host_.upload(std::exchange(file.source, nullptr), progress_.track());
  }

  void settle(const Outgoing& file, const Result<UploadOutcome>& outcome) {
    progress_.file_done(outcome ? outcome->size_bytes : file.size_bytes);
    if (outcome) announce(file, *outcome);
    const int status = outcome ? 0 : session_.out.failure(outcome.error(), file.path);
    const std::lock_guard lock(mutex_);
    selection_.results.add(status);
    if (!outcome) return;
    ++(outcome->already_stored ? already_ : stored_);
    accepted_bytes_ += outcome->size_bytes;
  }

  void announce(const Outgoing& file, const UploadOutcome& outcome) {
    const std::string id = short_id(outcome.digest);
    if (session_.out.json()) return announce_json(file, outcome);
    if (session_.out.quiet()) return session_.out.print(id);
    const std::string accepted = "SUCCESS: Image " + id + " was accepted by the server";
    std::vector<std::string> lines;
    if (many_) lines.push_back(shown(file.path));
    if (outcome.already_stored) {
      lines.push_back(accepted);
      lines.push_back("Image " + id + " was already stored: nothing had to be sent");
    } else {
      lines.push_back("Sent image " + id + " to leader (node " + to_string(outcome.leader) + ") — " +
                      std::to_string(outcome.size_bytes) + " bytes");
      lines.push_back(accepted);
    }
    // Where no majority is asked for.
    if (2 * outcome.copies <= outcome.members) {
      lines.push_back("Stored on " + std::to_string(outcome.copies) + " of " + std::to_string(outcome.members) + " nodes so far");
    }
    session_.out.success(lines);
  }

  void announce_json(const Outgoing& file, const UploadOutcome& outcome) {
    session_.out.object([&](cloudp2p::JsonWriter& json) {
      json.field("path", file.path).field("id", short_id(outcome.digest)).field("digest", outcome.digest.hex());
      json.field("size_bytes", outcome.size_bytes).field("leader", value(outcome.leader));
      json.field("copies", outcome.copies).field("members", outcome.members);
      json.field("already_stored", outcome.already_stored).field("attempts", outcome.attempts);
    });
  }

  Session& session_;
  cloudp2p::ClientHost& host_;
  Selection& selection_;
  const bool many_;
  Progress progress_;
  std::mutex mutex_;
  std::size_t stored_ = 0;
  std::size_t already_ = 0;
  std::uint64_t accepted_bytes_ = 0;
};

}  // namespace

int run_send_image(Session& session, const Command& command) {
  const Result<cloudp2p::Config*> config = session.config();
  if (!config) return session.out.failure(config.error());
  Selection selection = select(session, command, **config);
  if (selection.files.empty()) return selection.results.exit_status();
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  Sending sending(session, **host, selection);
  sending.run(command.jobs);
  sending.summarise();
  return session.interrupts.interrupted() ? cloudp2p::exit_code(Errc::cancelled) : selection.results.exit_status();
}

}  // namespace client
