// restore: what a backup holds and the cluster lacks goes back, under its name and time.
#include "commands.hpp"
#include "jobs.hpp"
#include "progress.hpp"

#include <cloudp2p/backup.hpp>

#include <mutex>
#include <numeric>

namespace client {

using cloudp2p::BackupEntry;
using cloudp2p::BackupFolder;
using cloudp2p::ClientHost;
using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::ImageSource;
using cloudp2p::JsonWriter;
using cloudp2p::Result;
using cloudp2p::UploadOutcome;

namespace {

/// What became of one file.
enum class State { checked, stored, already_stored, damaged, missing, failed };

const char* name_of(State state) {
  switch (state) {
    case State::checked: return "ok";
    case State::stored: return "stored";
    case State::already_stored: return "already_stored";
    case State::damaged: return "damaged";
    case State::missing: return "missing";
    case State::failed: break;
  }
  return "failed";
}

class Restore {
 public:
  /// Without a host the files are only checked.
  Restore(Session& session, ClientHost* host, const BackupFolder& folder, const Command& command)
      : session_(session), host_(host), folder_(folder), path_(command.arguments.front()) {
    for (BackupEntry& entry : folder.entries()) {
      if (entry.deleted && !command.deleted) {
        ++left_out_;
      } else {
        bytes_ += entry.record.size_bytes;
        entries_.push_back(std::move(entry));
      }
    }
  }

  int run(unsigned jobs) {
    {
      Progress progress(session_.out, entries_.size(), bytes_);
      const auto stopped = [this] { return session_.interrupts.interrupted() || stopped_; };
      run_jobs(entries_.size(), jobs, stopped, [&](std::size_t i) {
        bring_back(entries_[i], progress);
        progress.file_done(entries_[i].record.size_bytes);
      });
    }
    if (session_.out.json()) {
      summarise_json();
    } else {
      summarise();
    }
    if (session_.interrupts.interrupted()) return cloudp2p::exit_code(Errc::cancelled);
    return bad() > 0 ? cloudp2p::exit_code(Errc::integrity) : results_.exit_status();
  }

 private:
  [[nodiscard]] std::size_t count(State state) const { return counts_[static_cast<std::size_t>(state)]; }
  [[nodiscard]] std::size_t bad() const { return count(State::damaged) + count(State::missing); }
  [[nodiscard]] std::size_t not_tried() const {
    return entries_.size() - std::accumulate(counts_.begin(), counts_.end(), std::size_t{0});
  }

  void bring_back(const BackupEntry& entry, Progress& progress) {
    Result<std::shared_ptr<ImageSource>> source = folder_.source(entry);
    if (!source) {
      const State state = source.code() == Errc::integrity   ? State::damaged
                          : source.code() == Errc::not_found ? State::missing
                                                             : State::failed;
      return settle(entry, state, source.error());
    }
    if (host_ == nullptr) return settle(entry, State::checked, {});
    const Result<UploadOutcome> outcome = host_->upload(std::move(*source), progress.track());
    if (outcome) return settle(entry, outcome->already_stored ? State::already_stored : State::stored, {});
    if (concerns_all(outcome.code())) stopped_ = true;
    settle(entry, State::failed, outcome.error());
  }

  void settle(const BackupEntry& entry, State state, const Error& error) {
    const int status = error ? session_.out.failure(error, path_ + "/" + entry.file_name) : 0;
    if (session_.out.json()) {
      session_.out.object([&](JsonWriter& json) {
        write_record(json, entry.record);
        json.field("file", entry.file_name).field("state", name_of(state));
      });
    } else if (session_.out.quiet() && state == State::stored) {
      session_.out.print(short_id(entry.record.digest));
    }
    const std::lock_guard lock(mutex_);
    results_.add(status);
    ++counts_[static_cast<std::size_t>(state)];
  }

  void summarise_json() {
    session_.out.object([&](JsonWriter& json) {
      json.field("folder", path_).field("images", entries_.size()).field("bytes", bytes_);
      for (const State state :
           {State::checked, State::stored, State::already_stored, State::damaged, State::missing, State::failed})
        json.field(name_of(state), count(state));
      json.field("not_tried", not_tried()).field("deleted_left_out", left_out_);
    });
  }

  void summarise() {
    std::string text = shown(path_) + ": ";
    if (host_ == nullptr) {
      text += std::to_string(count(State::checked)) + " images good (" + human_bytes(bytes_) + ")";
    } else {
      text += std::to_string(count(State::stored)) + " stored, " + std::to_string(count(State::already_stored)) +
              " already stored";
    }
    if (left_out_ > 0) text += ", " + std::to_string(left_out_) + " left out that the cluster had deleted";
    if (bad() == 0 && count(State::failed) == 0 && not_tried() == 0) {
      if (!session_.out.quiet()) session_.out.success({(host_ == nullptr ? "Checked " : "Restored from ") + text});
      return;
    }
    text += ", " + std::to_string(count(State::damaged)) + " damaged, " + std::to_string(count(State::missing)) +
            " missing, " + std::to_string(count(State::failed)) + " failed, " + std::to_string(not_tried()) +
            " not tried";
    session_.out.note("[Client] " + text);
  }

  Session& session_;
  ClientHost* const host_;
  const BackupFolder& folder_;
  const std::string path_;
  std::vector<BackupEntry> entries_;
  std::uint64_t bytes_ = 0;
  std::size_t left_out_ = 0;
  std::mutex mutex_;
  std::atomic<bool> stopped_{false};
  ManyResults results_;
  std::array<std::size_t, 6> counts_{};
};

}  // namespace

int run_restore(Session& session, const Command& command) {
  session.interrupts.arm([] {});  // Without a cluster there is nothing to cancel; it ends after the file at hand.
  const Result<std::unique_ptr<BackupFolder>> folder = BackupFolder::open_to_read(command.arguments.front());
  if (!folder) return session.out.failure(folder.error());
  if (command.check) return Restore(session, nullptr, **folder, command).run(command.jobs);
  const Result<ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  // Said once, not for every file.
  if (const auto leader = (*host)->discover(); !leader) return session.out.failure(leader.error());
  return Restore(session, *host, **folder, command).run(command.jobs);
}

}  // namespace client
