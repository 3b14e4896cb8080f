// Book: every call of every client, and what it was told; judged as it is written.
//
// Purpose:   one sim::History per image says whether the answers can be explained by calls that each took effect at one
//            instant. A call is entered before it is made, and its answer after it has come: the order in which this
//            book is written is at most more lenient than the truth.
// Thread:    any.
#pragma once

#include "sim/history.hpp"

#include <cloudp2p/host.hpp>

#include <atomic>
#include <map>
#include <mutex>

namespace nemesis {

using cloudp2p::sim::History;

/// The bytes of an image are drawn from its number.
struct Image {
  std::size_t number = 0;
  std::size_t size_bytes = 0;
  cloudp2p::Digest digest;
  [[nodiscard]] std::string bytes() const;
  [[nodiscard]] std::string name() const { return "image-" + std::to_string(number) + ".jpg"; }
};

class Book {
 public:
  explicit Book(unsigned first_number) : first_number_(first_number) {}

  /// A new image that nobody has put yet.
  [[nodiscard]] Image add_image(std::size_t size_bytes);
  [[nodiscard]] std::vector<Image> images() const;

  struct Entry {
    std::size_t image = 0;
    History::Call call = 0;
    History::Act act = History::Act::read;
    std::size_t line = 0;
  };
  /// `what`: the command, for people.
  [[nodiscard]] Entry begin(unsigned client, const char* what, History::Act act, const Image& image);
  void end_put(const Entry& entry, const cloudp2p::Result<cloudp2p::UploadOutcome>& outcome);
  void end_remove(const Entry& entry, const cloudp2p::Result<cloudp2p::ImageRecord>& removed);
  void end_read(const Entry& entry, const cloudp2p::Result<cloudp2p::ImageInfo>& info);

  /// A list reads every image that there is.
  struct Listing {
    std::vector<Entry> entries;
    std::size_t line = 0;
  };
  [[nodiscard]] Listing begin_list(unsigned client);
  void end_list(const Listing& listing, const cloudp2p::Result<cloudp2p::ListPage>& page);

  /// Anything else that must not be. `image`: whose history belongs to it.
  void violated(const std::string& what, std::optional<std::size_t> image = {});
  [[nodiscard]] bool clean() const { return violations_count_ == 0; }
  [[nodiscard]] std::string violations() const;

  [[nodiscard]] double seconds() const;  ///< Since the run began; the time of all reports.
  /// How often each command ended in what.
  [[nodiscard]] std::string table() const;
  [[nodiscard]] std::uint64_t succeeded(const std::string& what) const;
  /// Every call, one a line.
  [[nodiscard]] std::string calls() const;

 private:
  struct Line {
    double begun = 0;
    double ended = 0;
    unsigned client = 0;
    const char* what = "";
    std::string image;
    std::string answer;
  };
  [[nodiscard]] cloudp2p::TimePoint now() const;
  [[nodiscard]] std::size_t write_line(unsigned client, const char* what, const std::string& image);
  void answered(std::size_t line, cloudp2p::Errc code, const std::string& answer);
  void judge(bool explained, const Entry& entry, const std::string& answer);
  void note_violation(const std::string& what, std::optional<std::size_t> image);

  const unsigned first_number_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  std::vector<Image> images_;
  std::vector<History> histories_;  ///< By image.
  std::map<cloudp2p::Digest, std::size_t> by_digest_;
  std::vector<Line> lines_;
  std::map<std::string, std::map<std::string, std::uint64_t>> counts_;  ///< By command, then by outcome.
  std::string violations_;
  std::atomic<std::size_t> violations_count_{0};
};

}  // namespace nemesis
