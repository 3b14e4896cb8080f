// backup: what a folder lacks of the cluster's images comes into it.
#include "commands.hpp"
#include "confirm.hpp"
#include "jobs.hpp"
#include "progress.hpp"

#include <cloudp2p/backup.hpp>

#include <mutex>

namespace client {

using cloudp2p::BackupFolder;
using cloudp2p::ClientHost;
using cloudp2p::ClusterId;
using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::ImageInfo;
using cloudp2p::ImageRecord;
using cloudp2p::JsonWriter;
using cloudp2p::Result;
using cloudp2p::Status;

namespace {

class Backup {
 public:
  Backup(Session& session, ClientHost& host, BackupFolder& folder, std::string path)
      : session_(session), host_(host), folder_(folder), path_(std::move(path)) {}

  /// What the cluster has; of that, what the folder lacks.
  Status look() {
    Result<std::vector<ImageRecord>> listed = list_all(host_);
    if (!listed) return listed.error();
    for (ImageRecord& record : *listed) {
      live_.insert(record.digest);
      if (session_.interrupts.interrupted()) return Errc::cancelled;
      if (folder_.has(record)) {
        ++already_;
        results_.add(0);
      } else {
        lacking_bytes_ += record.size_bytes;
        lacking_.push_back(std::move(record));
      }
    }
    return {};
  }

  void fetch(unsigned jobs) {
    Progress progress(session_.out, lacking_.size(), lacking_bytes_);
    const auto stopped = [this] { return session_.interrupts.interrupted() || stopped_; };
    run_jobs(lacking_.size(), jobs, stopped, [&](std::size_t i) {
      settle(lacking_[i], fetch_one(lacking_[i], progress));
      progress.file_done(lacking_[i].size_bytes);
    });
    not_tried_ = lacking_.size() - tried_;
  }

  /// Files of images that the cluster has deleted: they go if that is wanted.
  Status tidy(const Command& command) {
    folder_.mark_deleted(live_);
    for (const cloudp2p::BackupEntry& entry : folder_.entries())
      kept_ += entry.deleted ? 1 : 0;
    if (!command.prune || kept_ == 0 || session_.interrupts.interrupted() || stopped_) return {};
    const std::string question =
        "Remove " + std::to_string(kept_) + " images that the cluster has deleted from " + path_ + "?";
    if (!command.yes && !confirmed(session_, question)) return {};
    pruned_ = std::exchange(kept_, 0);
    return folder_.prune();
  }

  int finish(const ClusterId& cluster) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const Status saved = folder_.save(cluster, std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    if (!saved) return session_.out.failure(saved.error());
    if (session_.out.json()) {
      summarise_json();
    } else {
      summarise();
    }
    if (session_.interrupts.interrupted()) return cloudp2p::exit_code(Errc::cancelled);
    return results_.exit_status();
  }

 private:
  Result<ImageInfo> fetch_one(const ImageRecord& record, Progress& progress) {
    Result<std::shared_ptr<cloudp2p::ImageSink>> sink = folder_.sink(record);
    if (!sink) return sink.error();
    return host_.get(record.digest.hex(), std::move(*sink), progress.track(), cloudp2p::ReadFrom::followers);
  }

  void settle(const ImageRecord& record, const Result<ImageInfo>& got) {
    if (got) announce(record);
    // Deleted since it was listed: as if it had not been.
    const bool gone = got.code() == Errc::not_found;
    const int status = got || gone ? 0 : session_.out.failure(got.error(), shown_as(record));
    const std::lock_guard lock(mutex_);
    ++tried_;
    if (gone) {
      live_.erase(record.digest);
      return;
    }
    results_.add(status);
    if (got) {
      ++fetched_;
      fetched_bytes_ += record.size_bytes;
    } else if (concerns_all(got.code()) || !folder_.health()) {
      stopped_ = true;
    }
  }

  static std::string shown_as(const ImageRecord& record) {
    return short_id(record.digest) + " (" + shown(record.name) + ")";
  }

  void announce(const ImageRecord& record) {
    if (session_.out.json()) {
      session_.out.object([&](JsonWriter& json) {
        write_record(json, record);
        json.field("state", "fetched");
      });
    } else if (session_.out.quiet()) {
      session_.out.print(short_id(record.digest));
    }
  }

  void summarise_json() {
    session_.out.object([&](JsonWriter& json) {
      json.field("folder", path_).field("images", live_.size()).field("fetched", fetched_);
      json.field("fetched_bytes", fetched_bytes_).field("already", already_).field("failed", results_.failed());
      json.field("not_tried", not_tried_).field("deleted_kept", kept_).field("deleted_removed", pruned_);
    });
  }

  void summarise() {
    std::string text = path_ + ": " + std::to_string(fetched_) + " fetched (" + human_bytes(fetched_bytes_) + "), " +
                       std::to_string(already_) + " already there";
    if (kept_ > 0) text += ", " + std::to_string(kept_) + " kept that the cluster has deleted";
    if (pruned_ > 0) text += ", " + std::to_string(pruned_) + " removed that the cluster has deleted";
    if (results_.failed() == 0 && not_tried_ == 0) {
      if (!session_.out.quiet()) session_.out.success({"Backup in " + shown(text)});
      return;
    }
    text += ", " + std::to_string(results_.failed()) + " failed, " + std::to_string(not_tried_) + " not tried";
    session_.out.note("[Client] Backup in " + shown(text) + ": run it again to go on");
  }

  Session& session_;
  ClientHost& host_;
  BackupFolder& folder_;
  const std::string path_;
  std::set<cloudp2p::Digest> live_;
  std::vector<ImageRecord> lacking_;
  std::uint64_t lacking_bytes_ = 0;
  std::mutex mutex_;
  std::atomic<bool> stopped_{false};
  ManyResults results_;
  std::size_t tried_ = 0;
  std::size_t fetched_ = 0;
  std::uint64_t fetched_bytes_ = 0;
  std::size_t already_ = 0;
  std::size_t not_tried_ = 0;
  std::size_t kept_ = 0;
  std::size_t pruned_ = 0;
};

Status must_be_of(const BackupFolder& folder, const ClusterId& cluster, const Command& command) {
  const ClusterId before = folder.cluster();
  if (before.is_zero() || before == cluster || command.adopt) return {};
  return Error{Errc::mismatch, command.arguments.front() + ": is a backup of cluster " + before.hex() +
                                   ", and this is " + cluster.hex() +
                                   ": choose another folder, or --adopt it if this cluster was restored from it"};
}

}  // namespace

int run_backup(Session& session, const Command& command) {
  if (command.prune && !command.yes && !can_ask())
    return session.out.failure(
        Error{Errc::invalid_argument, "backup: nothing is removed without a terminal to ask at: give -y"});
  const Result<ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  const std::string& path = command.arguments.front();
  const Result<std::unique_ptr<BackupFolder>> folder = BackupFolder::open_to_write(path);
  if (!folder) return session.out.failure(folder.error());
  const Result<cloudp2p::ClusterView> view = (*host)->members();
  if (!view) return session.out.failure(view.error());
  if (const Status same = must_be_of(**folder, view->cluster, command); !same) return session.out.failure(same.error());
  Backup backup(session, **host, **folder, path);
  if (const Status looked = backup.look(); !looked) return session.out.failure(looked.error());
  backup.fetch(command.jobs);
  if (const Status tidied = backup.tidy(command); !tidied) return session.out.failure(tidied.error());
  return backup.finish(view->cluster);
}

}  // namespace client
