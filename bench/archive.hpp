// Fills a stopped node's folder with many tiny images, the way that the node itself would have left them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace bench {

/// The folder must have been used by a node before. The same count gives the same records in every folder.
void fill_archive(const std::filesystem::path& folder, std::size_t images);
/// The same for records alone: `images` of them in every folder, each with a file of the right size and no bytes. For what
/// never reads an image. The folders share the files.
void fill_records(const std::vector<std::filesystem::path>& folders, std::size_t images);
/// What every start has to do at least: read the names in the folder and the catalog's file.
[[nodiscard]] double seconds_to_read(const std::filesystem::path& folder);

}  // namespace bench
