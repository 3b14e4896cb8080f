// The words that stand for enumerators in a configuration: one table for reading, printing and the messages.
#pragma once

#include <cloudp2p/config.hpp>

#include <array>

namespace cloudp2p::json {

template <class T>
struct Named {
  const char* name;
  T value;
};

inline constexpr std::array<Named<Quorum>, 2> kQuorumNames{{{"majority", Quorum::majority}, {"none", Quorum::none}}};
inline constexpr std::array<Named<Takeover>, 3> kTakeoverNames{
    {{"never", Takeover::never}, {"polite", Takeover::polite}, {"immediate", Takeover::immediate}}};
inline constexpr std::array<Named<bool>, 2> kAcceptNames{{{"images", false}, {"any", true}}};
inline constexpr std::array<Named<bool>, 2> kLogFormatNames{{{"text", false}, {"json", true}}};
inline constexpr std::array<Named<LogLevel>, 5> kLogLevelNames{{{"debug", LogLevel::debug},
                                                                {"info", LogLevel::info},
                                                                {"contract", LogLevel::contract},
                                                                {"warning", LogLevel::warning},
                                                                {"error", LogLevel::error}}};

template <class T, std::size_t N>
[[nodiscard]] const char* name_of(const std::array<Named<T>, N>& names, T value) {
  for (const Named<T>& each : names) {
    if (each.value == value) return each.name;
  }
  return "";
}

template <class T, std::size_t N>
[[nodiscard]] std::optional<T> value_of(const std::array<Named<T>, N>& names, std::string_view name) {
  for (const Named<T>& each : names) {
    if (name == each.name) return each.value;
  }
  return std::nullopt;
}

/// `"never", "polite" or "immediate"`
template <class T, std::size_t N>
[[nodiscard]] std::string choices(const std::array<Named<T>, N>& names) {
  std::string out;
  for (std::size_t i = 0; i < N; ++i) {
    if (i > 0) out += i + 1 == N ? " or " : ", ";
    out += std::string("\"") + names[i].name + "\"";
  }
  return out;
}

}  // namespace cloudp2p::json
