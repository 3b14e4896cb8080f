// Where words go: data to stdout, notes and errors to stderr, the progress bar between them.
//
// Thread:    any; lines of one call stay together.
// Habits:    quiet leaves data and errors; json leaves JSON; names from elsewhere cannot act on the terminal.
#pragma once

#include "options.hpp"

#include <cloudp2p/json_writer.hpp>

#include <functional>
#include <mutex>

namespace client {

class Output {
 public:
  /// `at_prompt`: errors are part of the conversation, on stdout. Refers to `settings`, which may change between calls.
  Output(const Settings& settings, bool at_prompt);

  [[nodiscard]] bool json() const { return settings_.json; }
  [[nodiscard]] bool quiet() const { return settings_.quiet; }

  /// One or more lines on stdout.
  void print(const std::string& lines);
  /// `[Client] ✓ …` on stdout, several at once.
  void success(const std::vector<std::string>& lines);
  /// One object with "schema":1 on stdout.
  void object(const std::function<void(cloudp2p::JsonWriter&)>& fields);
  /// On stderr, for people.
  void note(const std::string& line);
  /// `[Client] ✗ SUBJECT: …` with the next step, or JSON; returns the exit status.
  int failure(const cloudp2p::Error& error, const std::string& subject = {});
  /// For -v.
  void log(std::string_view line);

  [[nodiscard]] bool bar_wanted() const;
  /// One line or several, in place of those drawn before.
  void draw_bar(const std::string& text);
  void erase_bar();

 private:
  void write(std::FILE* to, const std::string& text);
  [[nodiscard]] std::string mark(bool good) const;
  void clear_bar();

  const Settings& settings_;
  const bool at_prompt_;
  const bool colour_;
  std::mutex mutex_;
  std::size_t bar_lines_ = 0;  ///< On the screen now.
};

/// stdout took less than it was given: ends the program, like SIGPIPE when the reader has left, else with an error.
[[noreturn]] void output_lost(int error_number);
/// Of the terminal behind stderr.
[[nodiscard]] std::size_t terminal_columns();
/// What the message itself cannot know: how this program is used. Empty, or the end of the sentence.
[[nodiscard]] std::string next_step(const cloudp2p::Error& error);
/// Without what would act on the terminal; a name goes through this before it becomes part of a line.
[[nodiscard]] std::string shown(std::string_view text);
/// The same for whole lines, which stay apart.
[[nodiscard]] std::string shown_lines(std::string_view text);
/// "47.1 MB"
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
/// "2024-05-01 12:00:07" in local time, or RFC 3339 in UTC.
[[nodiscard]] std::string local_time(std::int64_t time_ms);
[[nodiscard]] std::string utc_time(std::int64_t time_ms);
/// In local time; "-" for 0.
[[nodiscard]] std::string date_or_dash(std::int64_t time_ms);
/// "3 min 20 s"
[[nodiscard]] std::string human_seconds(double seconds);

/// Columns as wide as their widest cell; numbers are right-aligned.
class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace client
