#include "nemesis/sandbox.hpp"

#include "support/process.hpp"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace nemesis {
namespace {

constexpr unsigned long long kScratchBytes = 4ULL << 30;

std::atomic<pid_t> first_process{0};
std::atomic<int> signals_seen{0};

void check(int result, const std::string& what) {
  if (result != 0) throw NotPossible(what + ": " + std::strerror(errno));
}

void pass_on(int) {
  const pid_t pid = first_process;
  if (pid > 0) ::kill(pid, signals_seen++ == 0 ? SIGTERM : SIGKILL);
}

void note(int) {
  ++signals_seen;
}

void on_end_signals(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  for (const int number : {SIGINT, SIGTERM, SIGHUP})
    ::sigaction(number, &action, nullptr);
}

void write_text(const std::string& path, const std::string& text) {
  if (!(std::ofstream(path) << text << std::flush)) throw NotPossible("cannot write " + path);
}

/// Not root outside: root inside, and nobody else.
void become_root(uid_t user, gid_t group) {
  write_text("/proc/self/setgroups", "deny");
  write_text("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
  write_text("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
}

void leave_the_others() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  const int user_namespace = user == 0 ? 0 : CLONE_NEWUSER;
  check(::unshare(user_namespace | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID),
        user == 0 ? "no namespaces" : "not root, and no namespaces for others");
  if (user != 0) become_root(user, group);
}

void furnish() {
  check(::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mounts of its own");
  mount_memory("/run", kScratchBytes);
  const std::string temporary = std::string(kScratch) + "/tmp";
  std::filesystem::create_directories("/run/netns");
  std::filesystem::create_directories(temporary);
  ::setenv("TMPDIR", temporary.c_str(), 1);
}

int guarded(const std::function<int()>& inside) {
  try {
    furnish();
    return inside();
  } catch (const NotPossible& reason) {
    std::fprintf(stderr, "nemesis: SKIPPED, this machine does not allow it: %s\n", reason.what());
    return kSkipped;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nemesis: %s\n", error.what());
    return 1;
  }
}

/// The first process of the sandbox: ends with its parent, however that ends.
[[noreturn]] void first_process_main(const std::function<int()>& inside, int parent_alive) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd parent{parent_alive, 0, 0};
  if (::poll(&parent, 1, 0) != 0) std::_Exit(1);
  on_end_signals(note);
  std::exit(guarded(inside));
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string program_path(const std::string& name) {
  for (const char* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"}) {
    if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
  }
  throw NotPossible("the program " + name + " is not installed: run scripts/setup.sh");
}

}  // namespace

int in_sandbox(const std::function<int()>& inside) {
  try {
    (void)program_path("ip");
    (void)program_path("nft");
    leave_the_others();
  } catch (const NotPossible& reason) {
    std::fprintf(stderr, "nemesis: SKIPPED, this machine does not allow it: %s\n", reason.what());
    return kSkipped;
  }
  int alive[2] = {-1, -1};
  if (::pipe(alive) != 0) return 1;
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return 1;
  if (child == 0) {
    ::close(alive[1]);
    first_process_main(inside, alive[0]);
  }
  ::close(alive[0]);
  first_process = child;
  on_end_signals(pass_on);
  return wait_for(child);
}

bool asked_to_end() noexcept {
  return signals_seen > 0;
}

void command(std::vector<std::string> words, const std::string& input) {
  support::Launch launch;
  launch.program = program_path(words.front());
  launch.arguments.assign(words.begin() + 1, words.end());
  launch.input = input;
  const support::Finished finished = support::run(std::move(launch));
  if (finished.exit_status == 0) return;
  std::string line;
  for (const std::string& word : words)
    line += word + " ";
  throw NotPossible(line + "failed: " + finished.err);
}

void mount_memory(const std::string& path, unsigned long long size_bytes) {
  std::filesystem::create_directories(path);
  const std::string options = "mode=0755,size=" + std::to_string(size_bytes);
  check(::mount("nemesis", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()),
        "a file system in memory at " + path);
}

}  // namespace nemesis
