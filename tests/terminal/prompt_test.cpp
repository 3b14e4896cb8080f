// The prompt on a real terminal: what a person sees, kept as screens in tests/golden/screens.
//
// CLOUDP2P_WRITE_SCREENS=1 writes them anew: look at the difference before you keep it.
#include "support/cluster.hpp"
#include "terminal/terminal.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace terminal {
namespace {

using support::eventually;

bool possible() {
  if (Terminal::available()) return true;
  MESSAGE("skipped: tmux is not installed");
  return false;
}

support::ClusterOptions one_node() {
  support::ClusterOptions out;
  out.server = CLOUD_P2P_EXE;
  out.client = CLIENT_EXE;
  out.nodes = 1;
  return out;
}

/// A node that serves, and a prompt in the folder of the cluster.
struct Stage {
  support::Cluster cluster{one_node()};
  std::optional<Terminal> terminal;

  explicit Stage(Terminal::Size size = {}) {
    cluster.start_all();
    REQUIRE(cluster.wait_for_leader() == 1);
    open(size);
  }
  void open(Terminal::Size size = {}) {
    terminal.reset();
    terminal.emplace(
        cluster.folder().path(), CLIENT_EXE,
        std::map<std::string, std::string>{{"CONFIG_FILE", cluster.config_path()}, {"ENCRYPTION_KEY", cluster.key()}},
        size);
    REQUIRE(terminal->comes_to(">"));
  }
  Terminal& operator*() { return *terminal; }
  Terminal* operator->() { return &*terminal; }

  void picture(const std::string& name, std::size_t size, unsigned seed) {
    support::write_file(cluster.folder() / name, support::picture(size, seed));
  }
  /// One line, and the prompt that follows it.
  void run(const std::string& line) {
    terminal->type(line);
    terminal->press("Enter");
    REQUIRE_MESSAGE(terminal->comes_to(">"), terminal->screen());
  }
};

std::size_t characters_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

void check_screen(const std::string& name, const Terminal& terminal) {
  const std::string path = std::string(SOURCE_DIR) + "/tests/golden/screens/" + name + ".txt";
  if (std::getenv("CLOUDP2P_WRITE_SCREENS") != nullptr) support::write_file(path, terminal.screen());
  CHECK(terminal.screen() == support::read_file(path));
}

}  // namespace

TEST_CASE("Tab completes commands, options, paths with blanks and umlauts, and the ids of images") {
  if (!possible()) return;
  Stage stage;
  stage.picture("größte Blüte.jpg", 20'000, 1);
  stage.picture("größte Wurzel.jpg", 30'000, 2);
  stage->type("s");
  stage->press("Tab");
  REQUIRE(stage->shows("scrub"));
  stage->type("e");
  stage->press("Tab");
  REQUIRE(stage->comes_to("> send-image"));
  stage->type("gr");
  stage->press("Tab");
  REQUIRE(stage->comes_to("> send-image größte\\"));
  stage->type("B");
  stage->press("Tab");
  REQUIRE(stage->comes_to("> send-image größte\\ Blüte.jpg"));
  stage->type("--r");
  stage->press("Tab");
  REQUIRE(stage->comes_to("> send-image größte\\ Blüte.jpg --recursive"));
  stage->press("Enter");
  REQUIRE(stage->comes_to(">"));
  stage->type("info ");
  stage->press("Tab");  // There is one image.
  REQUIRE(stage->comes_to("> info " + stage.cluster.client({"-q", "list"}).out.substr(0, 16)));
  stage->press("C-c");
  REQUIRE(stage->comes_to(">"));
  check_screen("completion", *stage);
}

TEST_CASE("Tab for an id does not hang when no node answers") {
  if (!possible()) return;
  Stage stage;
  stage.cluster.signal(1, SIGSTOP);
  stage->type("get ");
  stage->press("Tab");
  stage->type("ab");
  CHECK(stage->comes_to("> get ab"));
  stage.cluster.signal(1, SIGCONT);
}

TEST_CASE("history: Up brings back what was typed, also in the next session, and Ctrl-R finds it") {
  if (!possible()) return;
  Stage stage;
  stage.run("discover");
  stage.run("help ping");
  stage->press("Up");
  stage->press("Up");
  REQUIRE(stage->comes_to("> discover"));
  stage->press("Enter");
  REQUIRE(stage->comes_to(">"));
  check_screen("history", *stage);
  stage->press("C-d");
  REQUIRE(stage->ended());

  stage.open();
  stage->press("Up");
  REQUIRE(stage->comes_to("> discover"));
  stage->press("Up");
  REQUIRE(stage->comes_to("> help ping"));
  stage->press("C-c");
  REQUIRE(stage->comes_to(">"));
  stage->press("C-r");
  stage->type("disc");
  CHECK(stage->shows("discover"));
}

TEST_CASE("Ctrl-C ends the transfer and not the prompt; at the prompt it forgets the line; at a question it means no") {
  if (!possible()) return;
  Stage stage;
  stage.picture("large.jpg", 60'000'000, 3);
  stage.picture("small.jpg", 10'000, 4);
  stage.run("send-image small.jpg");
  stage.cluster.signal(1, SIGSTOP);  // Whatever is sent now stands still.
  stage->type("send-image large.jpg");
  stage->press("Enter");
  REQUIRE(stage->shows("% "));  // The bar.
  stage->press("C-c");
  REQUIRE(stage->shows("large.jpg: cancelled; run it again to go on"));
  stage.cluster.signal(1, SIGCONT);
  REQUIRE(stage->comes_to(">"));
  stage->type("a line that is not meant");
  stage->press("C-c");
  REQUIRE(stage->comes_to(">"));
  stage->type("rm " + stage.cluster.client({"-q", "list"}).out.substr(0, 16));
  stage->press("Enter");
  REQUIRE(stage->shows("[y/N]"));
  stage->press("C-c");
  REQUIRE(stage->comes_to(">"));
  check_screen("interrupts", *stage);
  CHECK(support::lines_of(stage.cluster.client({"-q", "list"}).out).size() == 1);
  stage.run("discover");
}

TEST_CASE("rm deletes what was shown when the answer is y, and keeps it otherwise") {
  if (!possible()) return;
  Stage stage;
  stage.picture("small.jpg", 10'000, 4);
  stage.run("send-image small.jpg");
  const std::string id = stage.cluster.client({"-q", "list"}).out.substr(0, 16);
  for (const std::string answer : {"n", "y"}) {
    stage->type("rm " + id);
    stage->press("Enter");
    REQUIRE(stage->shows("[y/N]"));
    stage->type(answer);
    stage->press("Enter");
    REQUIRE(stage->shows((answer == "y" ? "Deleted image " : "Kept ") + id));
    REQUIRE(stage->comes_to(">"));
    CHECK(stage.cluster.client({"-q", "list"}).out.empty() == (answer == "y"));
  }
}

TEST_CASE("a line that is longer than the terminal is wide wraps, and is edited in its middle") {
  if (!possible()) return;
  Stage stage({50, 20});
  stage.picture("größte Blüte im Garten hinter dem Haus.jpg", 20'000, 1);
  const std::string path = "größte\\ Blüte\\ im\\ Garten\\ hinter\\ dem\\ Haus.jpg";
  stage->type("send-image " + path + " " + path);
  REQUIRE(stage->shows("Haus.jpg\n"));
  stage->press("C-a");
  stage->press("Delete");
  stage->type("s");
  stage->press("C-e");
  for (std::size_t i = 0; i <= characters_of(path); ++i)
    stage->press("BSpace");
  stage->press("Enter");
  REQUIRE(stage->shows("SUCCESS"));
  REQUIRE(stage->comes_to(">"));
  check_screen("long_line", *stage);
}

TEST_CASE("zsh completes by the script that is installed") {
  if (!possible()) return;
  if (!std::filesystem::exists("/usr/bin/zsh")) {
    MESSAGE("skipped: zsh is not installed");
    return;
  }
  const support::TemporaryFolder folder;
  const std::string script = std::string(MANUAL_DIR) + "/cloud-p2p-client.zsh";
  support::write_file(folder / ".zshrc", "PS1='zsh> '\nautoload -Uz compinit\ncompinit -u -d " + (folder / "dump") +
                                             "\nsource " + script + "\nsetopt no_beep\n");
  support::write_file(folder / "settings.json", "{}");
  Terminal zsh(folder.path(), "/usr/bin/zsh", {}, {});
  REQUIRE(zsh.comes_to("zsh>"));
  zsh.type("cloud-p2p-client --conf");
  zsh.press("Tab");
  REQUIRE(zsh.comes_to("zsh> cloud-p2p-client --config"));
  zsh.type("sett");
  zsh.press("Tab");
  REQUIRE(zsh.comes_to("zsh> cloud-p2p-client --config settings.json"));
  zsh.type("ba");
  zsh.press("Tab");
  REQUIRE(zsh.comes_to("zsh> cloud-p2p-client --config settings.json backup"));
  zsh.type("--pr");
  zsh.press("Tab");
  REQUIRE(zsh.comes_to("zsh> cloud-p2p-client --config settings.json backup --prune"));
}

}  // namespace terminal
