// Disks that a test may fill, break and take away.
//
// They are mounted in a mount namespace of the test's own: nobody else sees them, and they go with the process, however
// it ends. Nodes that the test starts afterwards see them.
#pragma once

#include <string>
#include <vector>

namespace scenario {

class Disk {
 public:
  /// In memory. `ok()` tells whether it was possible.
  Disk(std::string path, unsigned size_mib);
  /// ext4 in a file beside `path`: it keeps its content while it is away.
  struct Ext4 {};
  Disk(Ext4, std::string path, unsigned size_mib);
  /// An overlay as of containers and live systems: a folder below, in memory what changes.
  struct Layers {};
  Disk(Layers, std::string path, unsigned size_mib);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  [[nodiscard]] bool ok() const { return problem_.empty(); }
  [[nodiscard]] const std::string& problem() const { return problem_; }

  /// To the last byte.
  void fill() const;
  void make_room() const;
  /// What the kernel does after an error in an ext4: open files answer EIO, and none can be opened for writing.
  void break_down() const;
  /// Unmounted, though files of it are open.
  void take_away();
  /// Mounted again; nobody may have files of it open.
  void put_back();

 private:
  [[nodiscard]] std::string filler() const { return path_ + "/.filler"; }
  [[nodiscard]] std::string image() const { return path_ + ".ext4"; }
  [[nodiscard]] bool mount_in_memory(const std::string& path, unsigned size_mib);
  void run(const std::string& program, std::vector<std::string> arguments);

  const std::string path_;
  std::string problem_;
  bool mounted_ = false;
};

}  // namespace scenario
