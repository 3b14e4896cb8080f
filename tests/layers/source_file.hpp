// One source file as the layer rules see it: its includes, and its code without comments and literals.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace layers {

struct Include {
  std::string path;
  bool quoted = false;
  int line = 0;
};

struct SourceFile {
  std::string path;                ///< Below the root, with '/'.
  std::vector<std::string> lines;  ///< As written.
  std::string code;                ///< Comments and the contents of literals blanked; as many lines as the original.
  std::vector<Include> includes;
};

[[nodiscard]] SourceFile parse(std::string path, const std::string& text);
/// Every .hpp and .cpp below the root's source folders, ordered by path.
[[nodiscard]] std::vector<SourceFile> read_tree(const std::filesystem::path& root);
/// 1 for the first line.
[[nodiscard]] int line_at(const std::string& text, std::size_t position);

}  // namespace layers
