// The disk that loses power: nothing milder than what a real one may do, and nothing that it can not do.
#include "crash/disk_model.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace crash;

namespace {

constexpr Inode kFile = 2;

DiskCall named(const std::string& name, Inode inode = kFile) {
  return {DiskCall::Kind::name, "openat", inode, {kRoot, name}};
}
DiskCall moved(const std::string& from, const std::string& to) {
  return {DiskCall::Kind::rename, "renameat2", kFile, {kRoot, to}, {kRoot, from}};
}
DiskCall written(std::uint64_t offset, const std::string& bytes) {
  return {DiskCall::Kind::write, "pwrite", kFile, {}, {}, offset, std::make_shared<const std::string>(bytes)};
}
DiskCall resized(std::uint64_t size) {
  return {DiskCall::Kind::resize, "ftruncate", kFile, {}, {}, size};
}
DiskCall synced(Inode inode) {
  return {DiskCall::Kind::sync, "fsync", inode};
}

DiskModel after(const std::vector<DiskCall>& calls) {
  DiskModel out;
  for (const DiskCall& call : calls) out.apply(call);
  return out;
}

/// What a file may hold, over many losses of power; "-" where there is none.
std::set<std::string> found(const DiskModel& model, const std::string& name, Variant variant) {
  std::set<std::string> out;
  Random random(3);
  for (int i = 0; i < 400; ++i) {
    const DiskImage image = model.image(variant, random);
    const auto file = image.entries.find(name);
    out.insert(file == image.entries.end() ? "-" : file->second->bytes);
  }
  return out;
}

using Texts = std::set<std::string>;
const std::string kOld(512, 'o');
const std::string kNew(512, 'n');

}  // namespace

TEST_CASE("disk model: bytes that were synced may have no name, and a synced name no bytes") {
  CHECK(found(after({named("a"), written(0, "x"), synced(kFile)}), "a", Variant::scattered) == Texts{"-", "x"});
  const Texts only_named = found(after({named("a"), synced(kRoot), written(0, "x")}), "a", Variant::scattered);
  CHECK(only_named == Texts{"", std::string(1, '\0'), "x"});
  CHECK(found(after({named("a"), synced(kRoot), written(0, "x")}), "a", Variant::dropped) == Texts{""});
}

TEST_CASE("disk model: everything that was synced is there, whatever is lost") {
  const DiskModel model = after({named("a"), written(0, "x"), synced(kFile), synced(kRoot)});
  CHECK(model.clean());
  CHECK(found(model, "a", Variant::scattered) == Texts{"x"});
  const DiskModel all = after({named("a"), written(0, "x"), {DiskCall::Kind::sync_all, "syncfs"}});
  CHECK(found(all, "a", Variant::dropped) == Texts{"x"});
}

TEST_CASE("disk model: each sector is old or new, and what a journal orders stays in order") {
  const DiskModel model = after({named("a"), written(0, kOld + kOld), synced(kFile), synced(kRoot), written(0, kNew + kNew)});
  const Texts torn = found(model, "a", Variant::scattered);
  CHECK(torn == Texts{kOld + kOld, kOld + kNew, kNew + kOld, kNew + kNew});
  const DiskModel two = after({named("a"), named("b", 3)});
  Random random(5);
  for (int i = 0; i < 100; ++i) {
    const DiskImage image = two.image(Variant::journalled, random);
    CHECK((!image.entries.contains("b") || image.entries.contains("a")));
  }
}

TEST_CASE("disk model: a file that is renamed has its old name, its new name or both") {
  const DiskModel model = after({named("a"), written(0, "x"), synced(kFile), synced(kRoot), moved("a", "b")});
  Random random(7);
  Texts seen;
  for (int i = 0; i < 200; ++i) {
    const DiskImage image = model.image(Variant::scattered, random);
    seen.insert(std::string(image.entries.contains("a") ? "a" : "") + (image.entries.contains("b") ? "b" : ""));
  }
  CHECK(seen == Texts{"a", "b", "ab"});
}

TEST_CASE("disk model: what a file was cut off does not come back when it grows again") {
  const DiskModel model = after({named("a"), written(0, kOld + kOld), synced(kFile), synced(kRoot), resized(512), resized(1024)});
  const Texts texts = found(model, "a", Variant::scattered);
  CHECK(texts == Texts{kOld + kOld, kOld, kOld + std::string(512, '\0')});
}
