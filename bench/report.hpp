// Figures: what was measured, what the machine could do at most, what was asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bench {

struct Target {
  bool at_least = true;  ///< Otherwise: at most.
  double value = 0;
};

struct Figure {
  std::string name;  ///< Stable: "upload.1MiB.16.rate".
  double value = 0;
  std::string unit;
  std::string limit;  ///< The machine's own, measured in this run, in words: "probe 812 /s".
  std::optional<Target> target;

  [[nodiscard]] bool met() const {
    return !target || (target->at_least ? value >= target->value : value <= target->value);
  }
};

class Report {
 public:
  /// Prints the figure at once as one line of the table.
  void add(Figure figure);
  /// A line that is no figure.
  void note(const std::string& text);
  /// Value of a figure that was added before; 0 when it was not measured.
  [[nodiscard]] double value(const std::string& name) const;
  [[nodiscard]] bool all_met() const;
  void print_targets() const;
  void write_json(const std::string& file) const;

 private:
  std::vector<Figure> figures_;
  std::vector<std::string> notes_;
};

/// Nearest rank; 0 of nothing. `fraction` from 0 to 1.
[[nodiscard]] double percentile(std::vector<double> values, double fraction);
[[nodiscard]] double median(std::vector<double> values);
[[nodiscard]] std::string text(double value);
[[nodiscard]] std::string size_name(std::size_t bytes);

}  // namespace bench
