#include "line_editor.hpp"

#include "output.hpp"

#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <iostream>

namespace client {
namespace {

constexpr int kHistoryMax = 1'000;
constexpr wchar_t kInterrupt = 3;  // ^C; the terminal turns the key into a signal, so no key gives this character.

std::string history_path() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state != '\0') return std::string(state) + "/cloudp2p_history";
  const char* const home = std::getenv("HOME");
  return home == nullptr ? std::string() : std::string(home) + "/.cloudp2p_history";
}

class TerminalReader final : public LineReader {
 public:
  TerminalReader(Interrupts& interrupts, IdLookup ids)
      : interrupts_(interrupts),
        ids_(std::move(ids)),
        edit_(el_init("client", stdin, stdout, stderr)),
        history_(history_init()) {
    HistEvent event;
    history(history_, &event, H_SETSIZE, kHistoryMax);
    history(history_, &event, H_SETUNIQUE, 1);
    if (!path_.empty()) history(history_, &event, H_LOAD, path_.c_str());
    el_set(edit_, EL_CLIENTDATA, this);
    el_set(
        edit_, EL_PROMPT, +[](EditLine*) -> char* { return prompt_; });
    el_set(edit_, EL_EDITOR, "emacs");
    el_set(edit_, EL_HIST, &history, history_);
    el_set(edit_, EL_GETCFN, &TerminalReader::read_character);
    el_set(edit_, EL_ADDFN, "complete-word", "complete the word", &TerminalReader::complete);
    el_set(edit_, EL_BIND, "^I", "complete-word", nullptr);
    el_set(edit_, EL_ADDFN, "forget-line", "forget the line", &TerminalReader::forget_line);
    el_set(edit_, EL_BIND, "^C", "forget-line", nullptr);
    el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  }
  ~TerminalReader() override {
    HistEvent event;
    if (!path_.empty()) history(history_, &event, H_SAVE, path_.c_str());
    history_end(history_);
    el_end(edit_);
  }

  std::optional<std::string> next() override {
    forgotten_ = false;
    interrupts_.set_at_prompt(true);
    int count = 0;
    const char* const line = el_gets(edit_, &count);
    interrupts_.set_at_prompt(false);
    if (forgotten_) return std::string();
    if (line == nullptr || count <= 0) {
      std::puts("");
      return std::nullopt;
    }
    std::string text(line, static_cast<std::size_t>(count));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
      text.pop_back();
    remember(text);
    return text;
  }

 private:
  /// The blank that completion left at the end is no part of what was meant.
  void remember(std::string text) {
    while (text.ends_with(' ') && !text.ends_with("\\ "))
      text.pop_back();
    HistEvent event;
    if (!text.empty()) history(history_, &event, H_ENTER, text.c_str());
  }

  static TerminalReader& self(EditLine* edit) {
    void* data = nullptr;
    el_get(edit, EL_CLIENTDATA, &data);
    return *static_cast<TerminalReader*>(data);
  }

  /// One character, or ^C when an interrupt came in.
  static int read_character(EditLine* edit, wchar_t* out) {
    TerminalReader& reader = self(edit);
    std::mbstate_t state{};
    while (true) {
      pollfd waited[] = {{STDIN_FILENO, POLLIN, 0}, {reader.interrupts_.wake_descriptor(), POLLIN, 0}};
      if (::poll(waited, 2, -1) < 0) continue;
      char byte = 0;
      if (waited[1].revents != 0 && ::read(waited[1].fd, &byte, 1) == 1) {
        *out = kInterrupt;
        return 1;
      }
      if (waited[0].revents == 0) continue;
      const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
      if (got <= 0) return static_cast<int>(got);
      const std::size_t used = std::mbrtowc(out, &byte, 1, &state);
      if (used <= 1) return 1;
      if (used == static_cast<std::size_t>(-1)) state = {};  // Not a character of this locale: skipped.
    }
  }

  static unsigned char forget_line(EditLine* edit, int) {
    self(edit).forgotten_ = true;
    std::fputs("\n", stdout);
    std::fflush(stdout);
    return CC_NEWLINE;
  }

  static unsigned char complete(EditLine* edit, int) {
    const LineInfo* const info = el_line(edit);
    const std::string before(info->buffer, info->cursor);
    const Completion completion = complete_line(before, self(edit).ids_);
    if (!completion.insert.empty()) {
      el_insertstr(edit, completion.insert.c_str());
      return CC_REFRESH;
    }
    if (completion.choices.size() < 2) return CC_REFRESH_BEEP;
    std::fputs(("\n" + shown_lines(in_columns(completion.choices))).c_str(), stdout);
    std::fflush(stdout);
    return CC_REDISPLAY;
  }

  static inline char prompt_[] = "> ";
  Interrupts& interrupts_;
  const IdLookup ids_;
  const std::string path_ = history_path();
  EditLine* const edit_;
  History* const history_;
  bool forgotten_ = false;
};

class PlainReader final : public LineReader {
 public:
  explicit PlainReader(std::string prompt) : prompt_(std::move(prompt)) {}
  std::optional<std::string> next() override {
    std::fputs(prompt_.c_str(), stdout);
    std::fflush(stdout);
    std::string line;
    if (std::getline(std::cin, line)) return line;
    if (!prompt_.empty()) std::puts("");
    return std::nullopt;
  }

 private:
  const std::string prompt_;
};

}  // namespace

std::unique_ptr<LineReader> terminal_reader(Interrupts& interrupts, IdLookup ids) {
  return std::make_unique<TerminalReader>(interrupts, std::move(ids));
}
std::unique_ptr<LineReader> plain_reader(std::string prompt) {
  return std::make_unique<PlainReader>(std::move(prompt));
}

}  // namespace client
