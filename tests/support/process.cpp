#include "support/process.hpp"

#include "support/temporary_folder.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace support {
namespace {

std::vector<std::string> environment_of(const std::map<std::string, std::string>& added) {
  std::vector<std::string> out;
  for (const char* name : {"PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    const char* const text = std::getenv(name);
    if (text != nullptr && !added.contains(name)) out.push_back(std::string(name) + "=" + text);
  }
  for (const auto& [name, text] : added)
    out.push_back(name + "=" + text);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words)
    out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

/// posix_spawn's own list of what to do in the child.
class Actions {
 public:
  Actions() { posix_spawn_file_actions_init(&actions_); }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  [[nodiscard]] posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

/// The tests' own mask and handlers are not the program's.
class CleanSignals {
 public:
  CleanSignals() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~CleanSignals() { posix_spawnattr_destroy(&attributes_); }
  CleanSignals(const CleanSignals&) = delete;
  CleanSignals& operator=(const CleanSignals&) = delete;
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

void check(int error, const std::string& what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

struct Process::State {
  TemporaryFolder folder;  ///< Output goes to files: nobody has to read for the program to go on.
  pid_t pid = -1;
  int input = -1;
  std::optional<int> status;

  ~State() {
    if (input >= 0) ::close(input);
    if (pid <= 0 || status) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }

  void reap() {
    int raw = 0;
    if (status || ::waitpid(pid, &raw, WNOHANG) != pid) return;
    status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  }
};

Process::Process(Launch launch) : state_(std::make_unique<State>()) {
  int input[2] = {-1, -1};
  check(::pipe2(input, O_CLOEXEC) == 0 ? 0 : errno, "pipe");
  state_->input = input[1];
  ::signal(SIGPIPE, SIG_IGN);  // A program may end before it has read all.
  const int mode = O_WRONLY | O_CREAT | O_APPEND;
  Actions actions;
  posix_spawn_file_actions_addchdir_np(actions.get(), launch.folder.c_str());
  posix_spawn_file_actions_adddup2(actions.get(), input[0], STDIN_FILENO);
  posix_spawn_file_actions_addopen(actions.get(), STDOUT_FILENO, (state_->folder / "out").c_str(), mode, 0600);
  posix_spawn_file_actions_addopen(actions.get(), STDERR_FILENO, (state_->folder / "err").c_str(), mode, 0600);
  std::vector<std::string> words = std::move(launch.arguments);
  words.insert(words.begin(), launch.program);
  std::vector<std::string> environment = environment_of(launch.environment);
  const CleanSignals signals;
  const int error = ::posix_spawn(&state_->pid, launch.program.c_str(), actions.get(), signals.get(),
                                  pointers(words).data(), pointers(environment).data());
  ::close(input[0]);
  check(error, launch.program);
  write_input(launch.input);
  if (!launch.keep_input_open) close_input();
}

Process::~Process() = default;
Process::Process(Process&& other) noexcept = default;
Process& Process::operator=(Process&& other) noexcept = default;

pid_t Process::pid() const {
  return state_->pid;
}

bool Process::running() {
  state_->reap();
  return !state_->status;
}

void Process::signal(int number) {
  if (running()) ::kill(state_->pid, number);
}

void Process::write_input(const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(state_->input, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return;
    done += static_cast<std::size_t>(wrote);
  }
}

void Process::close_input() {
  if (state_->input >= 0) ::close(state_->input);
  state_->input = -1;
}

std::string Process::out() const {
  return read_file(state_->folder / "out");
}
std::string Process::err() const {
  return read_file(state_->folder / "err");
}

bool Process::wait_for_line(const std::string& line, std::chrono::milliseconds bound) {
  bool ended = false;
  return eventually(
             [&] {
               const bool found = has_line(out(), line);
               if (found || ended) return true;
               ended = !running();  // Once more: it may have said it with its last breath.
               return false;
             },
             bound) &&
         has_line(out(), line);
}

bool Process::wait_for_text(const std::string& text, std::chrono::milliseconds bound) {
  return eventually([&] { return out().find(text) != std::string::npos || !running(); }, bound) &&
         out().find(text) != std::string::npos;
}

std::optional<int> Process::wait(std::chrono::milliseconds bound) {
  (void)eventually([&] { return !running(); }, bound);
  return state_->status;
}

Finished run(Launch launch, std::chrono::milliseconds bound) {
  Process process(std::move(launch));
  const std::optional<int> status = process.wait(bound);
  return {status.value_or(-1), process.out(), process.err()};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

bool has_line(const std::string& text, const std::string& line) {
  const std::vector<std::string> lines = lines_of(text);
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

}  // namespace support
