// A folder that is gone when the test is over, and whole files.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace support {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Returns `path`.
std::string write_file(const std::string& path, const std::string& bytes);
/// Empty when there is no such file.
[[nodiscard]] std::string read_file(const std::string& path);
/// Names of the ordinary files directly in a folder, sorted, hidden ones left out: what `ls` shows.
[[nodiscard]] std::vector<std::string> visible_files(const std::string& folder);
/// 0 when there is no such folder.
[[nodiscard]] std::size_t count_entries(const std::string& folder);
/// Names of everything that is left of uploads under way in a node's directory.
[[nodiscard]] std::vector<std::string> partial_files(const std::string& shared_dir);

/// Bytes that begin like a JPEG and differ for each seed.
[[nodiscard]] std::string picture(std::size_t size_bytes, unsigned seed = 1);

}  // namespace support
