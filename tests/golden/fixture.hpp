// What the golden tests share: the programs under test, and a cluster that is up.
#pragma once

#include "support/cluster.hpp"

#include <doctest/doctest.h>

namespace golden {

using support::Cluster;
using support::Finished;
using support::has_line;
using support::Launch;
using support::lines_of;
using support::Process;
using support::run;
using support::TemporaryFolder;

inline support::ClusterOptions programs(std::size_t nodes = 3) {
  support::ClusterOptions out;
  out.server = CLOUD_P2P_EXE;
  out.client = CLIENT_EXE;
  out.nodes = nodes;
  return out;
}

inline Launch server(std::map<std::string, std::string> environment, std::vector<std::string> arguments = {}) {
  Launch out;
  out.program = CLOUD_P2P_EXE;
  out.environment = std::move(environment);
  out.arguments = std::move(arguments);
  return out;
}

inline Launch client(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) {
  Launch out;
  out.program = CLIENT_EXE;
  out.environment = std::move(environment);
  out.arguments = std::move(arguments);
  return out;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What stands between `from` and `to` in `text`; empty when they are not there.
inline std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t begin = text.find(from);
  if (begin == std::string::npos) return {};
  const std::size_t start = begin + from.size();
  return text.substr(start, text.find(to, start) - start);
}

}  // namespace golden
