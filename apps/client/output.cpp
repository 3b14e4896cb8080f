#include "output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace client {

using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::JsonWriter;

namespace {

bool colour_wanted(const Settings& settings) {
  const char* const refused = std::getenv("NO_COLOR");
  return !settings.no_color && (refused == nullptr || *refused == '\0') && ::isatty(STDOUT_FILENO) == 1 &&
         ::isatty(STDERR_FILENO) == 1;
}

}  // namespace

std::string next_step(const Error& error) {
  switch (error.code) {
    case Errc::bad_key: return "; use the key that the nodes use: --encryption-key-file FILE or ENCRYPTION_KEY";
    case Errc::cancelled: return "; run it again to go on";
    case Errc::not_found: return error.message.empty() ? "; `list` shows the images that are stored" : "";
    case Errc::refused: return error.message.find(':') == std::string::npos ? ": check the file" : "";
    default: return {};
  }
}

void output_lost(int error_number) {
  if (error_number == EPIPE) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  std::fprintf(stderr, "[Client] ✗ the output cannot be written: %s\n", std::strerror(error_number));
  ::_exit(1);
}

Output::Output(const Settings& settings, bool at_prompt)
    : settings_(settings), at_prompt_(at_prompt), colour_(colour_wanted(settings)) {}

void Output::write(std::FILE* to, const std::string& text) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  const bool taken = std::fwrite(text.data(), 1, text.size(), to) == text.size() && std::fflush(to) == 0;
  if (!taken && to == stdout) output_lost(errno);
}

void Output::print(const std::string& lines) {
  write(stdout, shown_lines(lines) + "\n");
}

std::string Output::mark(bool good) const {
  const std::string sign = good ? "✓" : "✗";
  return colour_ ? (good ? "\033[32m" : "\033[31m") + sign + "\033[0m" : sign;
}

void Output::success(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines)
    text += "[Client] " + mark(true) + " " + shown(line) + "\n";
  write(stdout, text);
}

void Output::object(const std::function<void(JsonWriter&)>& fields) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().field("schema", 1);
  fields(json);
  json.end_object();
  write(stdout, text + "\n");
}

void Output::note(const std::string& line) {
  if (!quiet() && !json()) write(stderr, shown_lines(line) + "\n");
}

int Output::failure(const Error& error, const std::string& subject) {
  const int status = cloudp2p::exit_code(error.code);
  if (json()) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object().field("schema", 1).key("error").begin_object();
    writer.field("code", cloudp2p::name(error.code)).field("message", error.text()).field("exit", status);
    if (!subject.empty()) writer.field("subject", subject);
    writer.end_object().end_object();
    write(stderr, text + "\n");
    return status;
  }
  std::string line = error.text() + next_step(error);
  if (!subject.empty() && line.rfind(subject, 0) != 0) line = subject + ": " + line;
  write(at_prompt_ ? stdout : stderr, "[Client] " + mark(false) + " " + shown(line) + "\n");
  return status;
}

void Output::log(std::string_view line) {
  if (settings_.verbose) write(stderr, "  " + shown(line) + "\n");
}

bool Output::bar_wanted() const {
  return !settings_.no_progress && !quiet() && !json() && ::isatty(STDERR_FILENO) == 1;
}

void Output::draw_bar(const std::string& text) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
  bar_lines_ = 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// The cursor is at the end of the last line, and goes to where the first one began.
void Output::clear_bar() {
  if (bar_lines_ == 0) return;
  for (std::size_t line = 1; line < bar_lines_; ++line)
    std::fputs("\r\033[K\033[A", stderr);
  std::fputs("\r\033[K", stderr);
  bar_lines_ = 0;
}

void Output::erase_bar() {
  write(stderr, {});
}

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace client
