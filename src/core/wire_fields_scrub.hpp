// What the messages about scrubbing are made of; belongs to wire_fields.hpp, which includes it.
#pragma once

#include "core/wire_fields.hpp"

namespace cloudp2p::wire {

template <>
struct EnumLast<ScrubAction> : std::integral_constant<ScrubAction, ScrubAction::stop> {};

template <>
struct Shape<ScrubPass> {
  static constexpr std::tuple fields{
      Field{1, "number", &ScrubPass::number},           Field{2, "running", &ScrubPass::running},
      Field{3, "stopped", &ScrubPass::stopped},         Field{4, "images_total", &ScrubPass::images_total},
      Field{5, "images", &ScrubPass::images_checked},   Field{6, "bytes_total", &ScrubPass::bytes_total},
      Field{7, "bytes", &ScrubPass::bytes_checked},     Field{8, "damaged", &ScrubPass::damaged},
      Field{9, "gone", &ScrubPass::gone},               Field{10, "repaired", &ScrubPass::repaired},
      Field{11, "unchecked", &ScrubPass::unchecked},    Field{12, "missing", &ScrubPass::missing},
      Field{13, "begun", &ScrubPass::begun_ms},         Field{14, "oldest", &ScrubPass::oldest_verified_ms}};
};
template <>
struct Shape<Scrub> : MessageType<40> {
  static constexpr const char* name = "Scrub";
  static constexpr std::tuple fields{Field{1, "request", &Scrub::request}, Field{2, "action", &Scrub::action}};
};
template <>
struct Shape<ScrubResult> : MessageType<41> {
  static constexpr const char* name = "ScrubResult";
  static constexpr std::tuple fields{Field{1, "request", &ScrubResult::request}, Field{2, "from", &ScrubResult::from},
                                     Field{3, "pass", &ScrubResult::pass}};
};

}  // namespace cloudp2p::wire
