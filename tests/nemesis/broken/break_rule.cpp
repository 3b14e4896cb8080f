// Linked into a second server, which so breaks the rule that BREAK_RULE names: what the nemesis is tried on.
#include "support/rule_names.hpp"

#include <cstdlib>

namespace {

[[gnu::constructor]] void break_rule() {
  const char* const name = std::getenv("BREAK_RULE");
  if (name == nullptr) return;
  if (const auto rule = support::rule_named(name)) cloudp2p::detail::broken_rule = *rule;
}

}  // namespace
