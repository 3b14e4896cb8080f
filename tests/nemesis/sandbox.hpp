// Sandbox: a machine of its own for a run: namespaces for mounts, network and process ids that nobody else sees.
//
// Purpose:   whatever a run makes (network namespaces, mounts, processes) is inside, and ends with it: also when the
//            program is killed with SIGKILL, since the kernel ends all processes of a process-id namespace with its
//            first.
// Needs:     root, or a kernel that lets users make namespaces; iproute2 and nftables. Otherwise `NotPossible`.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace nemesis {

/// This machine does not allow a run; the text says what is missing.
struct NotPossible : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr int kSkipped = 77;                      ///< Exit status: not possible here.
inline constexpr const char* kScratch = "/run/nemesis";  ///< In memory, of the sandbox alone; TMPDIR is below it.

/// Runs `inside` in a sandbox, as a process of its own, and returns its exit status. SIGINT, SIGTERM and SIGHUP are
/// passed on to it as SIGTERM; a second one kills it.
[[nodiscard]] int in_sandbox(const std::function<int()>& inside);
/// True once a signal has asked this process to end. Async-signal-safe to set, cheap to ask.
[[nodiscard]] bool asked_to_end() noexcept;

/// Runs a program of the system to its end, with `input`; throws with its words unless it succeeds.
void command(std::vector<std::string> words, const std::string& input = {});
/// A file system in memory at `path`, which is made.
void mount_memory(const std::string& path, unsigned long long size_bytes);

}  // namespace nemesis
