#include "crash/rot_cluster.hpp"

#include "crypto/digest.hpp"
#include "support/cluster.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

namespace crash {
namespace {

namespace fs = std::filesystem;
using namespace cloudp2p;

constexpr std::uint32_t kNodes = 3;
constexpr std::uint32_t kVictim = 3;
constexpr const char* kCatalogFiles[] = {"catalog.sqlite", "catalog.sqlite-wal"};

Digest digest_of(const std::string& bytes) {
  return crypto::digest_of(std::as_bytes(std::span(bytes)));
}

/// What a client program would have on its disk in the end.
class Received final : public ImageSink {
 public:
  void restart() override { bytes.clear(); }
  void write(Buffer part, Callback<void(Status)> done) override {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
    done({});
  }
  void finish(const ImageRecord& record, Callback<void(Status)> done) override {
    done(digest_of(bytes) == record.digest ? Status{} : Status(Errc::integrity));
  }
  std::string bytes;
};

}  // namespace

RotCluster::RotCluster(std::size_t images) : ports_(support::free_ports(kNodes)) {
  Result<std::unique_ptr<ClientHost>> opened = ClientHost::open(config(1), log_);
  REQUIRE_MESSAGE(opened.ok(), opened.error().text());
  client_ = std::move(*opened);
  for (std::uint32_t node = 1; node <= kNodes; ++node) REQUIRE_MESSAGE(start(node), complaint_);
  for (std::size_t i = 0; i < images; ++i) {
    std::string bytes = support::picture(1'000 + 1'700 * (i % 30), static_cast<unsigned>(i));
    const Digest digest = store(bytes);
    images_.push_back({digest, std::move(bytes)});
  }
  for (unsigned i = 0; i < 5; ++i) {
    const Digest deleted = store(support::picture(3'000, 10'000 + i));
    REQUIRE(client_->remove(deleted.hex()).ok());
  }
  wait_until_victim_leads();
}

Config RotCluster::config(std::uint32_t node) const {
  Config out;
  out.node_id = NodeId{node};
  for (std::uint32_t id = 1; id <= kNodes; ++id) {
    out.peers.push_back({NodeId{id}, {"127.0.0.1", static_cast<std::uint16_t>(ports_.at(id - 1))}});
  }
  out.shared_dir = folder_ / ("node" + std::to_string(node));
  out.takeover = Takeover::never;
  out.free_bytes_min = 0;
  return out;
}

bool RotCluster::start(std::uint32_t node) {
  Result<std::unique_ptr<Host>> opened = Host::open(config(node), log_);
  complaint_ = opened.ok() ? "" : opened.error().text();
  if (opened.ok()) hosts_[node] = std::move(*opened);
  return opened.ok();
}

bool RotCluster::start_victim() {
  return start(kVictim);
}

void RotCluster::stop_victim() {
  hosts_.erase(kVictim);
}

Incarnation RotCluster::victim_incarnation() {
  return hosts_.at(kVictim)->status().election.incarnation;
}

void RotCluster::kill_victim() {
  const std::string meta = victim_folder() + "/.cloudp2p/";
  std::map<std::string, std::string> kept;
  for (const char* name : kCatalogFiles) {
    if (fs::exists(meta + name)) kept[name] = support::read_file(meta + name);
  }
  stop_victim();
  for (const char* name : kCatalogFiles) fs::remove(meta + name);
  for (const auto& [name, bytes] : kept) support::write_file(meta + name, bytes);
}

Digest RotCluster::store(const std::string& bytes) {
  const auto source = memory_source("picture.jpg", Buffer::copy_of(std::as_bytes(std::span(bytes))));
  const Result<UploadOutcome> outcome = client_->upload(source);
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().text());
  return outcome->digest;
}

void RotCluster::wait_for(const char* what, const std::function<bool(std::string& seen)>& reached) {
  std::string seen;
  const bool there = support::eventually([&] { return reached(seen); });
  REQUIRE_MESSAGE(there, what << "; seen last: " << seen);
}

void RotCluster::wait_until_victim_leads() {
  wait_for("the victim leads a whole cluster", [this](std::string& seen) {
    const Result<ClusterView> view = client_->members();
    if (!view.ok()) return seen = view.error().text(), false;
    seen = "leader " + to_string(view->leader);
    bool whole = view->answered_by == view->leader;
    for (const MemberView& member : view->members) {
      seen += ", node " + to_string(member.id) + " lacks " + std::to_string(member.report.missing);
      whole = whole && member.voter && member.reachable && member.report.missing == 0 &&
              member.report.images == images_.size();
    }
    if (whole && view->leader != NodeId{kVictim}) return (void)client_->step_down(), false;
    return whole;
  });
}

void RotCluster::check_what_is_served() {
  const Result<ListPage> listed = client_->list({limits::kListPageMax, "", 0});
  REQUIRE_MESSAGE(listed.ok(), listed.error().text());
  CHECK(listed->entries.size() == images_.size());
  for (const Image& image : images_) {
    const auto entry = std::find_if(listed->entries.begin(), listed->entries.end(),
                                    [&](const CatalogEntry& each) { return each.record.digest == image.digest; });
    REQUIRE(entry != listed->entries.end());
    CHECK(entry->record.size_bytes == image.bytes.size());
    CHECK(entry->record.name == "picture.jpg");
    const auto sink = std::make_shared<Received>();
    const Result<ImageInfo> got = client_->get(image.digest.hex(), sink);
    REQUIRE_MESSAGE(got.ok(), got.error().text());
    CHECK(sink->bytes == image.bytes);
  }
}

void RotCluster::scrub_victim() {
  REQUIRE(client_->scrub(ScrubAction::begin, {NodeId{kVictim}}).ok());
  wait_for("the scrub is through", [this](std::string& seen) {
    const auto views = client_->scrub(ScrubAction::look, {NodeId{kVictim}});
    if (!views.ok()) return seen = views.error().text(), false;
    const ScrubPass& pass = views->front().pass;
    seen = std::to_string(pass.images_checked) + " of " + std::to_string(pass.images_total) + " checked, " +
           std::to_string(pass.repaired) + " of " + std::to_string(pass.damaged + pass.gone) + " repaired";
    return !pass.running && pass.unchecked == 0 && pass.missing == 0 && pass.repaired == pass.damaged + pass.gone;
  });
}

void RotCluster::check_all_is_healed() {
  const std::vector<std::string> files = support::visible_files(victim_folder());
  CHECK(files.size() == images_.size());
  for (const Image& image : images_) {
    const Result<std::vector<CopyCheck>> copies = client_->verify(image.digest);
    REQUIRE_MESSAGE(copies.ok(), copies.error().text());
    CHECK(copies->size() == kNodes);
    for (const CopyCheck& copy : *copies) {
      CHECK_MESSAGE(copy.code == Errc::ok, "node " << to_string(copy.node) << ": " << copy.message);
    }
    const bool there = std::any_of(files.begin(), files.end(), [&](const std::string& name) {
      return name.rfind(short_id(image.digest), 0) == 0 &&
             support::read_file(victim_folder() + "/" + name) == image.bytes;
    });
    CHECK_MESSAGE(there, short_id(image.digest));
  }
}

}  // namespace crash
