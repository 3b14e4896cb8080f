#include "rules.hpp"

#include <algorithm>
#include <iterator>
#include <regex>
#include <set>
#include <string_view>

namespace layers {

namespace {

using Names = std::set<std::string, std::less<>>;

const Names kVocabulary = {"types", "error", "export", "limits", "buffer", "callback", "log_sink", "sabotage"};
const Names kPorts = {"config", "election", "transport", "timers", "image_store", "state_store", "catalog", "entropy",
                      "shared_store"};
const Names kAdapters = {"asio", "crypto", "store", "json", "http", "sim"};

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

/// "types" for "cloudp2p/types.hpp" and "cloudp2p/detail/types.hpp"; "testing/…" keeps its folder.
std::string public_name(std::string path) {
  path.erase(0, std::string_view("cloudp2p/").size());
  if (path.starts_with("detail/")) path.erase(0, std::string_view("detail/").size());
  return path.substr(0, path.rfind('.'));
}

bool is_public(const std::string& path) {
  return path.starts_with("cloudp2p/");
}
/// C++ headers have neither a folder nor an extension; <unistd.h> is the platform's.
bool is_standard(const Include& include) {
  return !include.quoted && include.path.find_first_of("./") == std::string::npos;
}
bool is_asio(const std::string& path) {
  return path == "asio.hpp" || path.starts_with("asio/");
}
bool is_program_library(const std::string& path) {
  return path.starts_with("spdlog/") || path.starts_with("CLI/") || path.starts_with("doctest/") ||
         path == "histedit.h" || path == "editline/readline.h";
}

/// Why a public header may not include this; empty when it may.
std::string refusal_in_public(const std::string& file, const Include& include) {
  if (is_standard(include)) return {};
  const std::string self = public_name(file.substr(std::string_view("include/").size()));
  if (is_asio(include.path) && !include.quoted) return self == "asio" ? "" : "Asio appears only in cloudp2p/asio.hpp";
  if (!is_public(include.path)) return "a public header includes the standard library and <cloudp2p/...> only";
  if (include.quoted) return "public headers are included as <cloudp2p/...>";
  const std::string other = public_name(include.path);
  if (kVocabulary.contains(self)) return kVocabulary.contains(other) ? "" : "the vocabulary includes only itself";
  if (kPorts.contains(self)) {
    return kVocabulary.contains(other) || kPorts.contains(other) ? "" : "a port includes vocabulary and ports only";
  }
  if (other.starts_with("testing/") && !self.starts_with("testing/")) return "testing/ is for tests";
  if (other == "asio") return "cloudp2p/asio.hpp is for those who bring an executor; no other header forces it on them";
  return {};
}

std::string refusal_in_src(const std::string& file, const Include& include) {
  const std::string layer = folder_of(file.substr(std::string_view("src/").size()));
  const std::string top = include.path.substr(0, include.path.find('/'));
  if (include.quoted) {
    if (is_public(include.path)) return "public headers are included as <cloudp2p/...>";
    if (top != "core" && top != "host" && !kAdapters.contains(top))
      return "private headers are included as \"layer/file.hpp\"";
    if (layer == "host" || top == layer) return {};
    if (layer == "core") return "the core includes only public headers and itself";
    return top == "core" ? "" : "an adapter includes neither another adapter nor the host";
  }
  if (is_public(include.path)) {
    const std::string name = public_name(include.path);
    if (name.starts_with("testing/") && layer != "sim") return "testing/ is for tests";
    if (layer == "core" && (name == "asio" || name == "host")) return "the core knows neither Asio nor the host";
    return {};
  }
  if (layer == "core") {
    // Formatting touches nothing: fmt stands in for the std::format that the compilers lack, in .cpp files only.
    const bool formatting = include.path.starts_with("fmt/") && file.ends_with(".cpp");
    return is_standard(include) || formatting ? "" : "the core includes nothing but C++: no library, no platform";
  }
  return is_program_library(include.path) ? "the library neither prints, parses command lines nor tests itself" : "";
}

std::string refusal_in_program(const SourceFile& file, const Include& include, const std::vector<SourceFile>& files) {
  if (!include.quoted) return {};
  // What both programs are made with.
  if (file.path.starts_with("apps/") && include.path.starts_with("command_line/")) return {};
  const std::string sibling = folder_of(file.path) + "/" + include.path;
  const bool beside = std::any_of(files.begin(), files.end(), [&](const SourceFile& f) { return f.path == sibling; });
  return beside ? "" : "apps and examples include <cloudp2p/...>, like any user, and files beside them; apps also command_line/";
}

void check_includes(const SourceFile& file, const std::vector<SourceFile>& files, std::vector<Finding>& out) {
  for (const Include& include : file.includes) {
    std::string refusal;
    if (include.path.find("..") != std::string::npos) {
      refusal = "no include climbs with \"..\"";
    } else if (file.path.starts_with("include/")) {
      refusal = refusal_in_public(file.path, include);
    } else if (file.path.starts_with("src/")) {
      refusal = refusal_in_src(file.path, include);
    } else if (file.path.starts_with("apps/") || file.path.starts_with("examples/")) {
      refusal = refusal_in_program(file, include, files);
    }
    if (!refusal.empty()) out.push_back({file.path, include.line, "layer", refusal + ": " + include.path});
  }
}

void report_matches(const SourceFile& file, const std::regex& pattern, const std::string& rule, const std::string& why,
                    std::vector<Finding>& out) {
  for (std::sregex_iterator at(file.code.begin(), file.code.end(), pattern), end; at != end; ++at) {
    out.push_back(
        {file.path, line_at(file.code, static_cast<std::size_t>(at->position())), rule, why + ": " + at->str()});
  }
}

/// Position after the bracket that closes the one at `open`; npos when it never closes.
std::size_t after_matching(const std::string& code, std::size_t open) {
  const char closer = code[open] == '<' ? '>' : code[open] == '(' ? ')' : code[open] == '[' ? ']' : '}';
  int depth = 0;
  for (std::size_t i = open; i < code.size(); ++i) {
    if (code[i] == code[open]) ++depth;
    if (code[i] == closer && --depth == 0) return i + 1;
  }
  return std::string::npos;
}

std::string word_at(const std::string& code, std::size_t at) {
  static const std::string word = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  at = std::min(code.find_first_not_of(" \n&*", at), code.size());
  return code.substr(at, std::min(code.find_first_not_of(word, at), code.size()) - at);
}

/// Names of the variables whose type is an unordered container, or an alias of one.
Names unordered_names(const std::vector<SourceFile>& files) {
  Names out;
  Names aliases;
  for (const SourceFile& file : files) {
    for (std::size_t at = 0; (at = file.code.find("unordered_", at)) != std::string::npos; ++at) {
      const std::size_t open = file.code.find('<', at);
      if (open == std::string::npos || word_at(file.code, at) != file.code.substr(at, open - at)) continue;
      const std::size_t close = after_matching(file.code, open);
      if (close != std::string::npos) out.insert(word_at(file.code, close));
      static const std::regex alias(R"(using\s+(\w+)\s*=\s*(?:std::)?$)");
      const std::size_t line = file.code.rfind('\n', at) + 1;
      const std::string before = file.code.substr(line, at - line);
      if (std::smatch match; std::regex_search(before, match, alias)) aliases.insert(match[1]);
    }
  }
  for (const std::string& alias : aliases) {
    const std::regex declaration("\\b" + alias + "\\s*&?\\s+(\\w+)");
    for (const SourceFile& file : files) {
      for (std::sregex_iterator at(file.code.begin(), file.code.end(), declaration), end; at != end; ++at)
        out.insert((*at)[1]);
    }
  }
  out.erase("");
  return out;
}

void check_unordered(const SourceFile& file, const Names& unordered, std::vector<Finding>& out) {
  static const std::regex range_for(R"(\bfor\s*\([^;()]*[^:;()]:[^:;()](?:\w+(?:\.|->))*(\w+)\s*\))");
  static const std::regex begin(R"((\w+)\s*(?:\.|->)\s*c?begin\s*\()");
  for (const std::regex* pattern : {&range_for, &begin}) {
    for (std::sregex_iterator at(file.code.begin(), file.code.end(), *pattern), end; at != end; ++at) {
      if (!unordered.contains((*at)[1].str())) continue;
      out.push_back({file.path, line_at(file.code, static_cast<std::size_t>(at->position())), "determinism",
                     "the order of an unordered container decides nothing: " + (*at)[1].str()});
    }
  }
}

void check_core(const SourceFile& file, const Names& unordered, std::vector<Finding>& out) {
  static const std::regex world(
      R"(::now\s*\(|\brandom_device\b|\bstd::(?:jthread|thread|async)\b|\bsleep_(?:for|until)\b|\bget_id\s*\()");
  report_matches(file, world, "determinism", "time, randomness and threads are arguments of the core", out);
  check_unordered(file, unordered, out);
}

/// A lambda among the arguments of an awaited call is destroyed twice by g++ 12.
void check_co_await(const SourceFile& file, std::vector<Finding>& out) {
  const std::string& code = file.code;
  for (std::size_t start = 0; (start = code.find("co_await", start)) != std::string::npos; ++start) {
    int depth = 0;
    for (std::size_t i = start; i < code.size() && (code[i] != ';' || depth > 0) && depth >= 0; ++i) {
      if (code[i] == '(' || code[i] == '{') ++depth;
      if (code[i] == ')' || code[i] == '}') --depth;
      if (code[i] != '[') continue;
      const std::size_t before = code.find_last_not_of(" \n", i - 1);
      if (std::string_view("(,={").find(code[before]) == std::string_view::npos) continue;
      out.push_back({file.path, line_at(code, start), "co_await", "name the lambda first, then std::move it in"});
      break;
    }
  }
}

void check_text(const SourceFile& file, std::vector<Finding>& out) {
  // Spelled so that this file does not report itself.
  static const std::regex marker(
      "\\b(TO"
      "DO|FIX"
      "ME|X"
      "XX)\\b");
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (std::regex_search(file.lines[i], marker)) {
      out.push_back({file.path, static_cast<int>(i) + 1, "marker", "do it or file an issue: " + file.lines[i]});
    }
  }
  if (file.lines.size() > kLinesMax) {
    out.push_back({file.path, static_cast<int>(file.lines.size()), "length", "a file is at most 400 lines"});
  }
}

/// src/ is on the include path: a file there with the name of one of Asio's own would be found by Asio itself.
void check_shadow(const SourceFile& file, std::vector<Finding>& out) {
  if (!file.path.starts_with("src/asio/")) return;
  const std::filesystem::path vendor = std::filesystem::path(ASIO_INCLUDE_DIR) / file.path.substr(4);
  if (std::filesystem::exists(vendor)) out.push_back({file.path, 1, "shadow", "Asio has a header of this name"});
}

}  // namespace

std::vector<Finding> check(const std::vector<SourceFile>& files) {
  static const std::regex vendor(R"(\bfmt::|\bsimdjson\w*|\bsqlite3\w*|\bspdlog\w*|\bsodium_\w*|\bcrypto_\w+|\bBotan::)");
  std::vector<SourceFile> core;
  std::copy_if(files.begin(), files.end(), std::back_inserter(core),
               [](const SourceFile& f) { return f.path.starts_with("src/core/") || f.path.starts_with("include/"); });
  const Names unordered = unordered_names(core);

  std::vector<Finding> out;
  for (const SourceFile& file : files) {
    check_text(file, out);
    check_includes(file, files, out);
    check_co_await(file, out);
    check_shadow(file, out);
    if (file.path.starts_with("src/core/")) check_core(file, unordered, out);
    if (file.path.starts_with("include/")) {
      report_matches(file, vendor, "vendor", "no public header names what the library is made with", out);
    }
  }
  return out;
}

std::string to_string(const Finding& finding) {
  return finding.path + ":" + std::to_string(finding.line) + ": [" + finding.rule + "] " + finding.text;
}

}  // namespace layers
