// Bodies of types.hpp that are too long to stand between its contracts.
#pragma once

#include <cloudp2p/limits.hpp>
#include <cloudp2p/types.hpp>

namespace cloudp2p {

namespace detail {

/// 0 to 15, or 16 for what is not a hex digit.
[[nodiscard]] constexpr unsigned hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return 16;
}

[[nodiscard]] inline bool has_text(ByteView bytes, std::size_t at, std::string_view text) noexcept {
  return bytes.size() >= at + text.size() && std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

/// The brands of an ISO media file ("ftyp" box): the major one, then, after a version, the compatible ones.
[[nodiscard]] inline ImageType sniff_ftyp(ByteView bytes) noexcept {
  constexpr std::array<std::string_view, 2> avif = {"avif", "avis"};
  constexpr std::array<std::string_view, 8> heic = {"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"};
  const auto is_any_of = [&](std::size_t at, const auto& brands) {
    return std::any_of(brands.begin(), brands.end(), [&](std::string_view b) { return has_text(bytes, at, b); });
  };
  if (is_any_of(8, avif)) return ImageType::avif;
  if (!is_any_of(8, heic)) return ImageType::unknown;
  // "mif1" and "msf1" are the generic brands: AVIF writers use them too, and then name avif among the compatible ones.
  if (has_text(bytes, 8, "mif1") || has_text(bytes, 8, "msf1")) {
    std::size_t box_bytes = 0;
    for (std::size_t i = 0; i < 4; ++i)
      box_bytes = (box_bytes << 8) | std::to_integer<std::size_t>(bytes[i]);
    const std::size_t end = std::min({box_bytes, bytes.size(), kSniffBytes});
    for (std::size_t at = 16; at + 4 <= end; at += 4) {
      if (is_any_of(at, avif)) return ImageType::avif;
    }
  }
  return ImageType::heic;
}

/// "BM" alone begins many a text; the size of the header that follows tells a bitmap.
[[nodiscard]] inline bool is_bmp(ByteView bytes) noexcept {
  if (!has_text(bytes, 0, "BM") || bytes.size() < 18) return false;
  constexpr std::array<std::uint32_t, 7> known = {12, 40, 52, 56, 64, 108, 124};
  std::uint32_t header_bytes = 0;
  for (std::size_t i = 18; i-- > 14;)
    header_bytes = (header_bytes << 8) | std::to_integer<std::uint32_t>(bytes[i]);
  return std::find(known.begin(), known.end(), header_bytes) != known.end();
}

/// The length of the well-formed UTF-8 sequence that `text` (not empty) begins with; 0 when it is malformed.
[[nodiscard]] inline std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
  const bool beyond_unicode = lead == 0xf4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond_unicode ? 0 : length;
}

/// C0, DEL and C1 control characters: they would act on the terminal that lists the directory.
[[nodiscard]] inline bool is_control(std::string_view sequence) noexcept {
  const auto first = static_cast<unsigned char>(sequence[0]);
  return first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0);
}

/// Control characters, and the marks that end a line (U+2028, U+2029) or turn the direction of what follows
/// (U+202A to U+202E, U+2066 to U+2069).
[[nodiscard]] inline bool acts_on_terminal(std::string_view sequence) noexcept {
  if (is_control(sequence)) return true;
  if (sequence.size() != 3 || sequence[0] != '\xe2') return false;
  const auto second = static_cast<unsigned char>(sequence[1]);
  const auto third = static_cast<unsigned char>(sequence[2]);
  return (second == 0x80 && third >= 0xa8 && third <= 0xae) || (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

}  // namespace detail

inline std::string to_hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    out.push_back(digits[std::to_integer<std::size_t>(b >> 4)]);
    out.push_back(digits[std::to_integer<std::size_t>(b & std::byte{15})]);
  }
  return out;
}

inline bool from_hex(std::string_view hex, std::span<std::byte> out) noexcept {
  if (hex.size() != out.size() * 2) return false;
  if (std::any_of(hex.begin(), hex.end(), [](char c) { return detail::hex_digit(c) > 15; })) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::byte>(detail::hex_digit(hex[2 * i]) * 16 + detail::hex_digit(hex[2 * i + 1]));
  }
  return true;
}

inline ImageType sniff(ByteView first_bytes) noexcept {
  using namespace std::string_view_literals;
  const auto begins = [&](std::string_view signature) { return detail::has_text(first_bytes, 0, signature); };
  if (begins("\xff\xd8\xff"sv)) return ImageType::jpeg;
  if (begins("\x89PNG\r\n\x1a\n"sv)) return ImageType::png;
  if (begins("GIF87a"sv) || begins("GIF89a"sv)) return ImageType::gif;
  if (begins("RIFF"sv) && detail::has_text(first_bytes, 8, "WEBP")) return ImageType::webp;
  if (detail::has_text(first_bytes, 4, "ftyp")) return detail::sniff_ftyp(first_bytes);
  if (begins("II*\0"sv) || begins("MM\0*"sv)) return ImageType::tiff;
  if (detail::is_bmp(first_bytes)) return ImageType::bmp;
  return ImageType::unknown;
}

inline std::string_view extension(ImageType type) noexcept {
  switch (type) {
    case ImageType::jpeg: return "jpg";
    case ImageType::png: return "png";
    case ImageType::gif: return "gif";
    case ImageType::webp: return "webp";
    case ImageType::avif: return "avif";
    case ImageType::heic: return "heic";
    case ImageType::tiff: return "tiff";
    case ImageType::bmp: return "bmp";
    case ImageType::unknown: break;
  }
  return "bin";
}

inline std::string_view media_type(ImageType type) noexcept {
  switch (type) {
    case ImageType::jpeg: return "image/jpeg";
    case ImageType::png: return "image/png";
    case ImageType::gif: return "image/gif";
    case ImageType::webp: return "image/webp";
    case ImageType::avif: return "image/avif";
    case ImageType::heic: return "image/heic";
    case ImageType::tiff: return "image/tiff";
    case ImageType::bmp: return "image/bmp";
    case ImageType::unknown: break;
  }
  return "application/octet-stream";
}

inline std::string sanitised_stem(std::string_view name) {
  // A backslash separates too: names come from Windows clients as well.
  if (const std::size_t slash = name.find_last_of("/\\"); slash != name.npos) name.remove_prefix(slash + 1);
  while (!name.empty() && (name.front() == '.' || name.front() == ' '))
    name.remove_prefix(1);
  if (const std::size_t dot = name.rfind('.'); dot != name.npos && dot != 0) name = name.substr(0, dot);

  std::string out;
  while (!name.empty()) {
    const std::size_t length = detail::utf8_length(name);
    const std::string_view sequence = name.substr(0, std::max<std::size_t>(length, 1));
    name.remove_prefix(sequence.size());
    if (out.size() + sequence.size() > limits::kNameBytesMax) break;
    if (length == 0) {
      out.push_back('_');
    } else if (!detail::is_control(sequence)) {
      out.append(sequence);
    }
  }
  // Control characters in front may have hidden dots; blanks at the end confuse people and shells.
  out.erase(0, std::min(out.find_first_not_of(". "), out.size()));
  out.erase(out.find_last_not_of(' ') + 1);
  return out.empty() ? "image" : out;
}

}  // namespace cloudp2p
