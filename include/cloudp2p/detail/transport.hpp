// Bodies of transport.hpp: addresses as text.
#pragma once

#include <cloudp2p/transport.hpp>

#include <charconv>

namespace cloudp2p {

namespace detail {

/// A decimal port from 1 to 65535, nothing around it.
[[nodiscard]] inline std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, port);
  if (failure != std::errc{} || stop != end || port == 0) return std::nullopt;
  return port;
}

/// Length of a DNS name, and characters that no host has but that would confuse a list or a log line.
[[nodiscard]] inline bool is_plausible_host(std::string_view host) noexcept {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("[],=/\\\"'@#?").find(c) == std::string_view::npos;
  });
}

}  // namespace detail

inline std::optional<Address> parse_address(std::string_view text) {
  std::string_view host;
  std::string_view rest;
  const bool bracketed = !text.empty() && text.front() == '[';
  if (bracketed) {
    const std::size_t close = text.find(']');
    if (close == text.npos) return std::nullopt;
    host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    if (host.find(':') == host.npos) return std::nullopt;
  } else {
    // The first colon: a bare IPv6 address then has colons in its port and is refused, for it would be ambiguous.
    const std::size_t colon = std::min(text.find(':'), text.size());
    host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (!detail::is_plausible_host(host) || rest.empty() || rest.front() != ':') return std::nullopt;
  const std::optional<std::uint16_t> port = detail::parse_port(rest.substr(1));
  if (!port) return std::nullopt;
  return Address{std::string(host), *port};
}

inline std::string to_string(const Address& address) {
  const bool ipv6 = address.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace cloudp2p
