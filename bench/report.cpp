#include "report.hpp"

#include <cloudp2p/host.hpp>
#include <cloudp2p/json_writer.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

std::string target_text(const Target& target) {
  return (target.at_least ? ">= " : "<= ") + text(target.value);
}

void print(const Figure& figure) {
  std::string verdict;
  if (figure.target) verdict = target_text(*figure.target) + (figure.met() ? "  met" : "  MISSED");
  std::printf("%-36s %10s %-9s %-34s %s\n", figure.name.c_str(), text(figure.value).c_str(), figure.unit.c_str(),
              figure.limit.c_str(), verdict.c_str());
  std::fflush(stdout);
}

}  // namespace

void Report::add(Figure figure) {
  if (figures_.empty())
    std::printf("%-36s %10s %-9s %-34s %s\n", "figure", "value", "unit", "machine's limit", "target");
  print(figure);
  figures_.push_back(std::move(figure));
}

void Report::note(const std::string& text) {
  std::printf("# %s\n", text.c_str());
  std::fflush(stdout);
  notes_.push_back(text);
}

double Report::value(const std::string& name) const {
  const auto at = std::find_if(figures_.begin(), figures_.end(), [&](const Figure& f) { return f.name == name; });
  return at == figures_.end() ? 0 : at->value;
}

bool Report::all_met() const {
  return std::all_of(figures_.begin(), figures_.end(), [](const Figure& figure) { return figure.met(); });
}

void Report::print_targets() const {
  std::printf("\ntargets\n");
  for (const Figure& figure : figures_) {
    if (figure.target) print(figure);
  }
}

void Report::write_json(const std::string& file) const {
  std::string out;
  cloudp2p::JsonWriter json(out, cloudp2p::JsonWriter::Style::indented);
  json.begin_object().field("schema", 1).field("version", cloudp2p::version());
  json.field("cores", std::thread::hardware_concurrency()).field("all_met", all_met());
  json.key("notes").begin_array();
  for (const std::string& note : notes_)
    json.value(note);
  json.end_array().key("figures").begin_array();
  for (const Figure& figure : figures_) {
    json.begin_object().field("name", figure.name).field("value", figure.value).field("unit", figure.unit);
    if (!figure.limit.empty()) json.field("machine_limit", figure.limit);
    if (figure.target) {
      json.field(figure.target->at_least ? "target_min" : "target_max", figure.target->value)
          .field("met", figure.met());
    }
    json.end_object();
  }
  json.end_array().end_object();
  std::FILE* const to = std::fopen(file.c_str(), "w");
  if (to == nullptr) throw std::runtime_error("cannot write " + file);
  std::fprintf(to, "%s\n", out.c_str());
  std::fclose(to);
}

double percentile(std::vector<double> values, double fraction) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(fraction * static_cast<double>(values.size()));
  return values[static_cast<std::size_t>(std::clamp(rank, 1.0, static_cast<double>(values.size()))) - 1];
}

double median(std::vector<double> values) {
  return percentile(std::move(values), 0.5);
}

std::string text(double value) {
  char out[40];
  const double size = std::fabs(value);
  std::snprintf(out, sizeof out, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", value);
  return out;
}

std::string size_name(std::size_t bytes) {
  return bytes % (1024 * 1024) == 0 ? std::to_string(bytes / (1024 * 1024)) + "MiB"
                                    : std::to_string(bytes / 1024) + "KiB";
}

}  // namespace bench
