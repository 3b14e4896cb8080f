#include "scenario/disk.hpp"

#include "support/process.hpp"
#include "support/temporary_folder.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

namespace scenario {
namespace {

std::string leave_the_others_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) return std::string("a mount namespace of its own: ") + std::strerror(errno);
  if (::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return std::string("mounts of its own: ") + std::strerror(errno);
  return {};
}

std::string device_at(const std::string& path) {
  std::istringstream lines(support::read_file("/proc/self/mounts"));
  std::string found;
  for (std::string device, at, rest; lines >> device >> at && std::getline(lines, rest);)
    if (at == path) found = device;
  return found;
}

/// Empty when disks can be mounted.
const std::string& cannot_mount() {
  static const std::string reason = leave_the_others_mounts();
  return reason;
}

}  // namespace

Disk::Disk(std::string path, unsigned size_mib) : path_(std::move(path)), problem_(cannot_mount()) {
  mounted_ = mount_in_memory(path_, size_mib);
}

bool Disk::mount_in_memory(const std::string& path, unsigned size_mib) {
  if (!ok()) return false;
  std::filesystem::create_directories(path);
  const std::string size = "mode=0755,size=" + std::to_string(size_mib) + "m";
  if (::mount("none", path.c_str(), "tmpfs", MS_NODEV | MS_NOSUID, size.c_str()) == 0) return true;
  problem_ = "a file system in memory: " + std::string(std::strerror(errno));
  return false;
}

Disk::Disk(Layers, std::string path, unsigned size_mib) : path_(std::move(path)), problem_(cannot_mount()) {
  const std::string changes = path_ + ".changes";
  if (!mount_in_memory(changes, size_mib)) return;
  for (const std::string& folder : {path_, path_ + ".below", changes + "/upper", changes + "/work"})
    std::filesystem::create_directories(folder);
  const std::string layers = "lowerdir=" + path_ + ".below,upperdir=" + changes + "/upper,workdir=" + changes + "/work";
  mounted_ = ::mount("overlay", path_.c_str(), "overlay", 0, layers.c_str()) == 0;
  if (!mounted_) problem_ = "an overlay: " + std::string(std::strerror(errno));
  ::umount2(changes.c_str(), MNT_DETACH);  // The overlay holds it.
}

Disk::Disk(Ext4, std::string path, unsigned size_mib) : path_(std::move(path)), problem_(cannot_mount()) {
  if (!ok()) return;
  std::filesystem::create_directories(path_);
  support::write_file(image(), "");
  std::filesystem::resize_file(image(), std::uint64_t{size_mib} << 20);
  run("/usr/sbin/mkfs.ext4", {"-q", "-F", image()});
  put_back();
}

Disk::~Disk() {
  take_away();
}

void Disk::run(const std::string& program, std::vector<std::string> arguments) {
  if (!ok()) return;
  support::Launch launch;
  launch.program = program;
  launch.arguments = std::move(arguments);
  const support::Finished finished = support::run(std::move(launch));
  if (finished.exit_status != 0) problem_ = program + ": " + finished.err;
}

void Disk::fill() const {
  const int fd = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  for (std::size_t piece = std::size_t{1} << 20; piece > 0; piece /= 2) {
    const std::string bytes(piece, 'x');
    while (::write(fd, bytes.data(), bytes.size()) > 0) {
    }
  }
  ::close(fd);
}

void Disk::make_room() const {
  std::filesystem::remove(filler());
}

void Disk::break_down() const {
  const std::string device = std::filesystem::path(device_at(path_)).filename();
  support::write_file("/sys/fs/ext4/" + device + "/trigger_fs_error", "1");
}

void Disk::take_away() {
  if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  mounted_ = false;
}

void Disk::put_back() {
  run("/usr/bin/mount", {"-o", "loop,errors=remount-ro", image(), path_});
  mounted_ = ok();
}

}  // namespace scenario
