// Fills a stopped node's folder with many tiny images, the way that the node itself would have left them.
#pragma once

#include <cstddef>
#include <filesystem>

namespace bench {

/// The folder must have been used by a node before. The same count gives the same records in every folder.
void fill_archive(const std::filesystem::path& folder, std::size_t images);
/// What every start has to do at least: read the names in the folder and the catalog's file.
[[nodiscard]] double seconds_to_read(const std::filesystem::path& folder);

}  // namespace bench
