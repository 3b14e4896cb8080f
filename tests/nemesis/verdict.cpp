#include "nemesis/verdict.hpp"

#include "crypto/digest.hpp"
#include "nemesis/sandbox.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>

#include <set>

namespace nemesis {

using cloudp2p::ClusterView;
using cloudp2p::CopyCheck;
using cloudp2p::Digest;
using cloudp2p::Errc;
using cloudp2p::MemberView;
using cloudp2p::Result;

namespace {

constexpr std::chrono::seconds kConvergenceMax{120};
constexpr std::chrono::seconds kReadMax{30};
constexpr unsigned kObserver = 99;  ///< As a client in the book.

std::string text(const ClusterView& view) {
  std::string out = fmt::format("node {} answered, node {} leads, {} images with too few copies",
                                value(view.answered_by), value(view.leader), view.under_replicated);
  for (const MemberView& member : view.members) {
    out += fmt::format("\n  node {}: {}{}, {} images, {} missing, root {:016x}, health {}", value(member.id),
                       member.reachable ? "reachable" : "not reachable", member.voter ? "" : ", no voter",
                       member.report.images, member.report.missing, member.report.catalog_root, member.report.health);
  }
  return out;
}

bool all_equal(const ClusterView& view, std::size_t nodes) {
  if (view.members.size() != nodes || view.under_replicated != 0 || view.leader == cloudp2p::kNobody) return false;
  for (const MemberView& member : view.members) {
    const auto& report = member.report;
    if (!member.reachable || !member.voter || report.missing != 0 || report.health != 0) return false;
    if (report.catalog_root != view.members.front().report.catalog_root) return false;
  }
  return true;
}

bool converged(cloudp2p::ClientHost& client, Nodes& nodes, Book& book) {
  std::string last = "nobody answered";
  const bool done = support::eventually(
      [&] {
        for (const std::string& surprise : nodes.surprises())
          book.violated(surprise);
        const Result<ClusterView> view = client.members();
        last = view.ok() ? text(*view) : view.error().text();
        return asked_to_end() || (view.ok() && all_equal(*view, nodes.count()));
      },
      kConvergenceMax);
  if (!done)
    book.violated(fmt::format("{} s after the faults the nodes do not agree: {}", kConvergenceMax.count(), last));
  return done && !asked_to_end();
}

/// There or not, as a client is told now; nothing when nobody tells.
std::optional<bool> read_once_more(cloudp2p::ClientHost& client, Book& book, const Image& image) {
  std::optional<bool> out;
  (void)support::eventually(
      [&] {
        const Book::Entry entry = book.begin(kObserver, "info", History::Act::read, image);
        const Result<cloudp2p::ImageInfo> info = client.info(image.digest.hex());
        book.end_read(entry, info);
        if (info.ok() || info.code() == Errc::not_found) out = info.ok();
        return out.has_value() || asked_to_end();
      },
      kReadMax);
  if (!out && !asked_to_end()) book.violated("nobody says whether it is there, though everything works", image.number);
  return out;
}

/// Every node hashes its own copy. Only where bits were flipped may one be damaged, or be gone for a moment because its
/// node has just found it itself; what lies there in the end is compared after this.
std::size_t verify(cloudp2p::ClientHost& client, Book& book, const Image& image, unsigned fickle) {
  std::size_t damaged = 0;
  const Result<std::vector<CopyCheck>> checks = client.verify(image.digest);
  if (!checks.ok()) {
    book.violated("verify: " + checks.error().text(), image.number);
    return 0;
  }
  for (const CopyCheck& check : *checks) {
    if (check.code == Errc::ok) continue;
    const bool rot = check.code == Errc::integrity || check.code == Errc::not_found;
    const bool flipped = rot && value(check.node) == fickle;
    if (flipped) ++damaged;
    if (!flipped) book.violated(fmt::format("verify: node {}: {}", value(check.node), check.message), image.number);
  }
  return damaged;
}

std::string compare_disk(const Nodes& nodes, unsigned node, const std::set<Digest>& wanted, std::size_t& files) {
  std::set<Digest> held;
  for (const std::string& name : support::visible_files(nodes.images_of(node))) {
    const std::string bytes = support::read_file(nodes.images_of(node) + "/" + name);
    const Digest digest = cloudp2p::crypto::digest_of(std::as_bytes(std::span(bytes)));
    if (!name.starts_with(short_id(digest))) return fmt::format("{} holds bytes of {}", name, short_id(digest));
    if (!wanted.contains(digest)) return fmt::format("{} is no image that is stored", name);
    if (!held.insert(digest).second) return fmt::format("{} is there twice", name);
  }
  files += held.size();
  for (const Digest& digest : wanted) {
    if (!held.contains(digest)) return fmt::format("image {} is not there", short_id(digest));
  }
  return {};
}

}  // namespace

Verdict judge_end(cloudp2p::ClientHost& client, Nodes& nodes, Book& book, unsigned fickle) {
  Verdict out;
  if (!converged(client, nodes, book)) return out;
  out.converged_s = book.seconds();
  std::set<Digest> present;
  for (const Image& image : book.images()) {
    const std::optional<bool> there = read_once_more(client, book, image);
    if (!there) return out;
    if (*there) present.insert(image.digest);
    if (*there) out.damaged += verify(client, book, image, fickle);
  }
  out.present = present.size();
  out.deleted = book.images().size() - present.size();
  if (!converged(client, nodes, book)) return out;
  for (unsigned node = 1; node <= nodes.count(); ++node) {
    std::string difference;
    std::size_t files = 0;
    const bool right = support::eventually(
        [&] {
          files = 0;
          difference = compare_disk(nodes, node, present, files);
          return difference.empty() || asked_to_end();
        },
        kReadMax);
    out.files += files;
    if (!right) book.violated(fmt::format("on the disk of node {}: {}", node, difference));
  }
  return out;
}

}  // namespace nemesis
