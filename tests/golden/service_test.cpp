// The server under a service manager: what it says on NOTIFY_SOCKET, and how it writes to the journal.
#include "fixture.hpp"

#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstring>
#include <filesystem>

namespace golden {
namespace {

/// The manager's end of the socket.
class Manager {
 public:
  explicit Manager(const std::string& address)
      : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    REQUIRE(descriptor_ >= 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    REQUIRE(address.size() < sizeof at.sun_path);
    std::memcpy(at.sun_path, address.data(), address.size());
    if (address[0] == '@') at.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    REQUIRE(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&at), size) == 0);
  }
  ~Manager() { ::close(descriptor_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// Everything that was said so far.
  const std::string& heard() {
    char text[4096];
    for (ssize_t bytes = 0; (bytes = ::recv(descriptor_, text, sizeof text, 0)) > 0;)
      heard_ += std::string(text, static_cast<std::size_t>(bytes)) + "\n";
    return heard_;
  }
  void forget() {
    heard();
    heard_.clear();
  }
  bool hears(const std::string& part) {
    return support::eventually([&] { return contains(heard(), part); });
  }
  std::size_t count(const std::string& part) {
    std::size_t out = 0;
    for (std::size_t at = heard().find(part); at != std::string::npos; at = heard_.find(part, at + part.size()))
      ++out;
    return out;
  }

 private:
  const int descriptor_;
  std::string heard_;
};

/// One thread of another process, held still while this exists: the first of that name, since those that it starts inherit
/// the name.
class HeldThread {
 public:
  HeldThread(pid_t process, const std::string& name) {
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
      if (support::read_file(task.path() / "comm") != name + "\n") continue;
      const pid_t thread = std::stoi(task.path().filename());
      if (thread_ == 0 || thread < thread_) thread_ = thread;
    }
    REQUIRE(thread_ > 0);
    held_ = ::ptrace(PTRACE_SEIZE, thread_, nullptr, nullptr) == 0;
    if (!held_) return;
    int status = 0;
    REQUIRE(::ptrace(PTRACE_INTERRUPT, thread_, nullptr, nullptr) == 0);
    REQUIRE(::waitpid(thread_, &status, __WALL) == thread_);
  }
  ~HeldThread() {
    if (held_) ::ptrace(PTRACE_DETACH, thread_, nullptr, nullptr);
  }
  HeldThread(const HeldThread&) = delete;
  HeldThread& operator=(const HeldThread&) = delete;
  explicit operator bool() const { return held_; }

 private:
  pid_t thread_ = 0;
  bool held_ = false;
};

Launch managed(const Cluster& cluster, unsigned node, const std::string& socket) {
  Launch launch = cluster.server_launch(node);
  launch.environment["NOTIFY_SOCKET"] = socket;
  return launch;
}

}  // namespace

TEST_CASE("a service manager is told when the node is ready, how it does, that it reloads and that it stops") {
  Cluster cluster(programs(1));
  Manager manager(cluster.folder() / "notify");
  Process server(managed(cluster, 1, cluster.folder() / "notify"));
  REQUIRE(manager.hears("READY=1\n"));
  CHECK(manager.hears("STATUS=node 1 leads (term "));
  CHECK(manager.hears("; 0 images, 0 missing here; disk ok"));
  CHECK_FALSE(contains(manager.heard(), "WATCHDOG=1"));
  CHECK_FALSE(contains(manager.heard(), "STOPPING=1"));

  REQUIRE(cluster.client({"send-image", "-"}, "\x89PNG\r\n\x1a\n of a kind").exit_status == 0);
  CHECK(manager.hears("; 1 images, 0 missing here; disk ok"));

  manager.forget();
  server.signal(SIGHUP);
  CHECK(manager.hears("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(manager.hears("READY=1\n"));

  manager.forget();
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  CHECK(contains(manager.heard(), "STOPPING=1\n"));
  CHECK_FALSE(contains(manager.heard(), "READY=1"));
}

TEST_CASE("a node is ready without a quorum, or machines that boot would wait for each other") {
  Cluster cluster(programs(3));
  Manager manager("@cloud-p2p-test-" + std::to_string(::getpid()));
  Process server(managed(cluster, 1, "@cloud-p2p-test-" + std::to_string(::getpid())));
  CHECK(manager.hears("READY=1\n"));
  CHECK(manager.hears("STATUS=node 1 sees no leader (term "));
}

TEST_CASE("the watchdog hears from a node that turns, and not from one whose own thread hangs") {
  Cluster cluster(programs(1));
  Manager manager(cluster.folder() / "notify");
  Launch launch = managed(cluster, 1, cluster.folder() / "notify");
  launch.environment["WATCHDOG_USEC"] = "400000";
  Process server(std::move(launch));
  REQUIRE(support::eventually([&] { return manager.count("WATCHDOG=1\n") >= 3; }));
  {
    const HeldThread held(server.pid(), "cloudp2p-node");
    if (!held) {
      MESSAGE("skipped: threads of another process may not be held here (ptrace)");
      return;
    }
    // One that was answered before may still be under way.
    const std::size_t before = manager.count("WATCHDOG=1\n");
    CHECK_FALSE(
        support::eventually([&] { return manager.count("WATCHDOG=1\n") > before + 1; }, std::chrono::seconds(1)));
    CHECK(server.running());
  }
  const std::size_t before = manager.count("WATCHDOG=1\n");
  CHECK(support::eventually([&] { return manager.count("WATCHDOG=1\n") > before; }));
}

TEST_CASE("the watchdog of another process is left alone") {
  Cluster cluster(programs(1));
  Manager manager(cluster.folder() / "notify");
  Launch launch = managed(cluster, 1, cluster.folder() / "notify");
  launch.environment["WATCHDOG_USEC"] = "1000";
  launch.environment["WATCHDOG_PID"] = "1";
  Process server(std::move(launch));
  CHECK(manager.hears("STATUS=node 1 leads"));
  CHECK_FALSE(contains(manager.heard(), "WATCHDOG=1"));
}

TEST_CASE("in the journal lines have a level and leave the time to it; the contract's lines stay as they are") {
  Cluster cluster(programs(1));
  // The launcher reads stderr from a pipe: the server cannot be told which one before it runs, but a shell can ask.
  Launch launch = cluster.server_launch(1);
  launch.arguments.insert(
      launch.arguments.begin(),
      {"-c", "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$0\" \"$@\"", launch.program});
  launch.program = "/bin/sh";
  Process server(launch);
  REQUIRE(server.wait_for_line("[Node 1] starting heartbeat task"));
  REQUIRE(support::eventually([&] { return contains(server.err(), "<6>[Node 1] serving in term "); }));
  for (const std::string& line : lines_of(server.err()))
    CHECK_MESSAGE((line.size() > 3 && line[0] == '<' && line[2] == '>'), line);
  for (const std::string& line : lines_of(server.out()))
    CHECK_MESSAGE(line[0] == '[', line);
}

TEST_CASE("a stderr that was sent elsewhere is no journal, whatever the environment says") {
  Cluster cluster(programs(1));
  Launch launch = cluster.server_launch(1);
  launch.environment["JOURNAL_STREAM"] = "8:12345";
  Process server(std::move(launch));
  REQUIRE(support::eventually([&] { return contains(server.err(), " info [Node 1] serving in term "); }));
  CHECK_FALSE(contains(server.err(), "<6>"));
}

}  // namespace golden
