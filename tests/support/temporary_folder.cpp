#include "support/temporary_folder.hpp"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <system_error>

namespace support {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() : path_((fs::temp_directory_path() / "cloudp2p-test-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> visible_files(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file(error) && name.front() != '.') out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::size_t count_entries(const std::string& folder) {
  std::error_code error;
  std::size_t out = 0;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    ++out;
  return out;
}

std::vector<std::string> partial_files(const std::string& shared_dir) {
  return visible_files(shared_dir + "/.cloudp2p/incoming");
}

std::string picture(std::size_t size_bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string out = "\xff\xd8\xff\xe0";
  out.reserve(size_bytes + 4);
  while (out.size() < size_bytes) {
    const auto word = static_cast<std::uint32_t>(random());
    for (unsigned shift = 0; shift < 32; shift += 8)
      out += static_cast<char>((word >> shift) & 0xffU);
  }
  out.resize(size_bytes);
  return out;
}

}  // namespace support
