#include "terminal/terminal.hpp"

#include <unistd.h>

namespace terminal {
namespace {

constexpr const char* kTmux = "/usr/bin/tmux";

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

bool Terminal::available() {
  return ::access(kTmux, X_OK) == 0;
}

Terminal::Terminal(const std::string& folder, const std::string& program,
                   std::map<std::string, std::string> environment, Size size)
    : socket_(folder + "/tmux.socket") {
  environment["HOME"] = folder;
  environment["LC_ALL"] = "C.UTF-8";
  std::string command = "cd " + quoted(folder) + "; exec env";
  for (const auto& [name, value] : environment)
    command += " " + name + "=" + quoted(value);
  (void)tmux({"-f", "/dev/null", "-u", "new-session", "-d", "-x", std::to_string(size.columns), "-y",
              std::to_string(size.rows), command + " " + quoted(program)});
}

Terminal::~Terminal() {
  (void)tmux({"kill-server"});
}

support::Finished Terminal::tmux(std::vector<std::string> arguments) const {
  support::Launch launch;
  launch.program = kTmux;
  launch.environment = {{"LC_ALL", "C.UTF-8"}, {"TERM", "xterm-256color"}};
  launch.arguments = {"-S", socket_};
  launch.arguments.insert(launch.arguments.end(), arguments.begin(), arguments.end());
  return support::run(std::move(launch));
}

void Terminal::type(const std::string& text) {
  (void)tmux({"send-keys", "-l", "--", text});
}
void Terminal::press(const std::string& key) {
  (void)tmux({"send-keys", key});
}

std::string Terminal::screen() const {
  std::string out;
  std::string blank;
  for (std::string line : support::lines_of(tmux({"capture-pane", "-p"}).out)) {
    line.erase(line.find_last_not_of(' ') + 1);
    blank += line + "\n";
    if (line.empty()) continue;
    out += blank;
    blank.clear();
  }
  return out;
}

bool Terminal::shows(const std::string& text) const {
  return support::eventually([&] { return screen().find(text) != std::string::npos; });
}

bool Terminal::comes_to(const std::string& last_line) const {
  return support::eventually([&] {
    const std::string now = screen();
    return now == last_line + "\n" || now.ends_with("\n" + last_line + "\n");
  });
}

bool Terminal::ended() const {
  return support::eventually([&] { return tmux({"has-session"}).exit_status != 0; });
}

}  // namespace terminal
