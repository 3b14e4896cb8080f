#include "selection.hpp"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

namespace client {

using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::ImageSource;
using cloudp2p::Result;

namespace {

namespace fs = std::filesystem;

bool looks_like_image(const fs::path& path) {
  std::array<char, cloudp2p::kSniffBytes> head{};
  std::ifstream in(path, std::ios::binary);
  in.read(head.data(), head.size());
  const auto bytes =
      std::as_bytes(std::span(head)).first(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return cloudp2p::sniff(bytes) != cloudp2p::ImageType::unknown;
}

std::uint64_t size_of(const std::string& path) {
  std::error_code error;
  const std::uint64_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

void select_folder(Session& session, const std::string& folder, bool any_file, Selection& selection) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    std::error_code unreadable;
    if (!at->is_regular_file(unreadable) || at->path().filename().native().starts_with('.')) continue;
    if (any_file || looks_like_image(at->path())) {
      found.push_back(at->path().string());
    } else {
      ++selection.skipped;
    }
  }
  if (error) {
    selection.results.add(session.out.failure(Error{Errc::io, "cannot be read: " + error.message()}, folder));
  } else if (found.empty()) {
    selection.results.add(session.out.failure(Error{Errc::not_found, "there are no images in this folder"}, folder));
  }
  std::sort(found.begin(), found.end());
  for (std::string& path : found)
    selection.files.push_back({path, size_of(path), nullptr});
}

void select_stdin(Session& session, std::uint64_t bytes_max, Selection& selection) {
  if (session.at_prompt()) {
    const Error error{Errc::invalid_argument, "- reads standard input, which the prompt needs: use it from the shell"};
    return selection.results.add(session.out.failure(error));
  }
  Result<std::shared_ptr<ImageSource>> source = cloudp2p::stream_source(STDIN_FILENO, "stdin", bytes_max);
  if (!source) return selection.results.add(session.out.failure(source.error(), "stdin"));
  selection.files.push_back({"stdin", 0, std::move(*source)});
}

}  // namespace

Selection select(Session& session, const Command& command, const cloudp2p::Config& config) {
  Selection selection;
  for (const std::string& path : command.arguments) {
    std::error_code error;
    if (path == "-") {
      select_stdin(session, config.image_bytes_max, selection);
    } else if (command.recursive && fs::is_directory(path, error)) {
      select_folder(session, path, config.accept_any, selection);
    } else {
      selection.files.push_back({path, size_of(path), nullptr});
    }
  }
  return selection;
}

}  // namespace client
