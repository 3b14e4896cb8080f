#include <cloudp2p/catalog.hpp>
#include <cloudp2p/error.hpp>
#include <cloudp2p/transport.hpp>
#include <cloudp2p/types.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace cloudp2p;
using namespace std::string_literals;

namespace {

ByteView bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

ImageType sniff_text(const std::string& text) {
  return sniff(bytes_of(text));
}

/// A bitmap's file header (14 bytes), then the size of its info header.
std::string bitmap(char header_bytes) {
  return "BM"s + std::string(12, '\x01') + header_bytes + "\0\0\0rest"s;
}

std::string iso_media(const std::string& major, const std::string& compatible = "") {
  return "\0\0\0"s + static_cast<char>(16 + compatible.size()) + "ftyp" + major + "\0\0\0\0"s + compatible;
}

ImageRecord record() {
  ImageRecord out;
  out.digest = *Digest::from("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
  out.stamp = {.term = 3, .leader = NodeId{2}, .sequence = 7};
  return out;
}

const std::string kTwoBytes = "\xc3\xa9";           // é
const std::string kFourBytes = "\xf0\x9f\x93\xb7";  // a camera

}  // namespace

TEST_SUITE("vocabulary") {
  TEST_CASE("a digest survives the way to hex and back") {
    const std::string hex = "00ff10a5" + std::string(56, 'c');
    const auto digest = Digest::from(hex);
    REQUIRE(digest);
    CHECK(digest->hex() == hex);
    CHECK(short_id(*digest) == "00ff10a5cccccccc");
    CHECK(Digest::from("00FF10A5" + std::string(56, 'C')) == digest);
  }

  TEST_CASE("hex of the wrong length, or with a stranger in it, is refused and leaves the output alone") {
    CHECK_FALSE(Digest::from(std::string(63, 'a')));
    CHECK_FALSE(Digest::from(std::string(65, 'a')));
    CHECK_FALSE(Digest::from(std::string(63, 'a') + "g"));
    CHECK_FALSE(Digest::from(std::string(63, 'a') + "\0"s));
    std::array<std::byte, 2> out{std::byte{1}, std::byte{2}};
    CHECK_FALSE(from_hex("ffx0", out));
    CHECK(out == std::array<std::byte, 2>{std::byte{1}, std::byte{2}});
    CHECK(from_hex("", {}));
  }

  TEST_CASE("an image's type is told by its bytes") {
    CHECK(sniff_text("\xff\xd8\xff\xe0") == ImageType::jpeg);
    CHECK(sniff_text("\x89PNG\r\n\x1a\n") == ImageType::png);
    CHECK(sniff_text("GIF87a..") == ImageType::gif);
    CHECK(sniff_text("GIF89a..") == ImageType::gif);
    CHECK(sniff_text("RIFF\x10\x20\x30\x40WEBPVP8 ") == ImageType::webp);
    CHECK(sniff_text("II*\0\x08\0\0\0"s) == ImageType::tiff);
    CHECK(sniff_text("MM\0*\0\0\0\x08"s) == ImageType::tiff);
    for (const char header_bytes : "\x0c\x28\x34\x38\x40\x6c\x7c"s)
      CHECK(sniff_text(bitmap(header_bytes)) == ImageType::bmp);
  }

  TEST_CASE("the brand of an ISO media file tells AVIF from HEIC, and from films") {
    for (const auto* brand : {"avif", "avis"})
      CHECK(sniff_text(iso_media(brand)) == ImageType::avif);
    for (const auto* brand : {"heic", "heix", "hevc", "mif1", "msf1", "heim", "heis"}) {
      CHECK(sniff_text(iso_media(brand)) == ImageType::heic);
    }
    CHECK(sniff_text(iso_media("mif1", "miafavif")) == ImageType::avif);
    CHECK(sniff_text(iso_media("mif1", "miaf") + "avif") == ImageType::heic);  // beyond the box
    CHECK(sniff_text(iso_media("mp42")) == ImageType::unknown);
  }

  TEST_CASE("what only resembles an image is none") {
    CHECK(sniff({}) == ImageType::unknown);
    CHECK(sniff_text("BMW drivers, a study") == ImageType::unknown);
    CHECK(sniff_text("BM") == ImageType::unknown);
    CHECK(sniff_text("GIF90a..") == ImageType::unknown);
    CHECK(sniff_text("RIFF\x10\x20\x30\x40WAVE") == ImageType::unknown);
    CHECK(sniff_text("\x89PNG\n\x1a\n") == ImageType::unknown);  // mangled by a text-mode transfer
    CHECK(sniff_text("#!/bin/sh") == ImageType::unknown);
  }

  TEST_CASE("no prefix of a signature is read beyond its end") {
    const std::string whole[] = {"\xff\xd8\xff",
                                 "\x89PNG\r\n\x1a\n",
                                 "GIF89a",
                                 "RIFF1234WEBP",
                                 "II*\0"s,
                                 "\0\0\0\x20"
                                 "ftypheic"s,
                                 bitmap(40).substr(0, 18)};
    for (const std::string& signature : whole) {
      CHECK(sniff_text(signature) != ImageType::unknown);
      for (std::size_t size = 0; size < signature.size(); ++size) {
        const std::vector<std::byte> exact(bytes_of(signature).begin(),
                                           bytes_of(signature).begin() + static_cast<long>(size));
        CHECK(sniff(exact) == ImageType::unknown);
      }
    }
  }

  TEST_CASE("every type has its extension and media type") {
    std::set<std::string_view> extensions;
    for (int i = 0; i <= static_cast<int>(ImageType::bmp); ++i)
      extensions.insert(extension(static_cast<ImageType>(i)));
    CHECK(extensions == std::set<std::string_view>{"bin", "jpg", "png", "gif", "webp", "avif", "heic", "tiff", "bmp"});
    CHECK(media_type(ImageType::jpeg) == "image/jpeg");
    CHECK(media_type(ImageType::unknown) == "application/octet-stream");
    CHECK(extension(static_cast<ImageType>(200)) == "bin");
  }

  TEST_CASE("a user's file name becomes one harmless path component") {
    CHECK(sanitised_stem("a/b/c.jpg") == "c");
    CHECK(sanitised_stem("../../etc/passwd") == "passwd");
    CHECK(sanitised_stem("C:\\Pictures\\cat.png") == "cat");
    CHECK(sanitised_stem("archive.tar.gz") == "archive.tar");
    CHECK(sanitised_stem("...hidden.jpg") == "hidden");
    CHECK(sanitised_stem("two\nlines\x1b[31m.jpg") == "twolines[31m");
    CHECK(sanitised_stem("\x01..x.jpg") == "x");
    CHECK(sanitised_stem("nul\0l.jpg"s) == "null");
    CHECK(sanitised_stem("\xc2\x9b"
                         "csi.jpg") == "csi");  // C1 controls act on terminals, too
    CHECK(sanitised_stem("caf" + kTwoBytes + " 1.jpg") == "caf" + kTwoBytes + " 1");
  }

  TEST_CASE("a name of which nothing is left becomes image") {
    for (const auto* name : {"", ".", "..", "...", "/", "a/", "../", "\n\t", "   ", ". .", ".\x01."}) {
      CAPTURE(name);
      CHECK(sanitised_stem(name) == "image");
    }
  }

  TEST_CASE("a name of 4 KiB is cut where a character ends") {
    for (const std::string& unit : {"x"s, kTwoBytes, kFourBytes}) {
      for (const std::string& shift : {""s, "1"s, "12"s, "123"s}) {
        std::string name = shift;
        while (name.size() < 4096)
          name += unit;
        const std::string stem = sanitised_stem(name + ".jpeg");
        CHECK(stem.size() <= limits::kNameBytesMax);
        CHECK(stem.size() > limits::kNameBytesMax - unit.size());
        CHECK((stem.size() - shift.size()) % unit.size() == 0);
        CHECK(name.starts_with(stem));
      }
    }
  }

  TEST_CASE("malformed UTF-8 in a name is replaced, byte by byte") {
    CHECK(sanitised_stem("a\xff"
                         "b.jpg") == "a_b");
    CHECK(sanitised_stem("a\xc3.jpg") == "a_");
    CHECK(sanitised_stem("\xc0\xaf.jpg") == "__");            // an overlong slash
    CHECK(sanitised_stem("\xed\xa0\x80.jpg") == "___");       // a surrogate
    CHECK(sanitised_stem("\xf4\x90\x80\x80.jpg") == "____");  // beyond Unicode
  }

  TEST_CASE("an error says what its author knew, or else what its code means") {
    CHECK(Error{Errc::full, "disk 7 is full"}.text() == "disk 7 is full");
    CHECK(Error{Errc::bad_key, {}}.text() == std::error_code(Errc::bad_key).message());
    CHECK(std::error_code(Errc::bad_key).category().name() == "cloudp2p"s);
    CHECK(std::error_code(static_cast<Errc>(999)).message() == "unknown error");
    CHECK_FALSE(std::error_code(Errc::ok));
  }

  TEST_CASE("every code has a name and a sentence of its own") {
    std::set<std::string> names;
    std::set<std::string> sentences;
    const int count = static_cast<int>(Errc::conflict) + 1;
    for (int i = 0; i < count; ++i) {
      names.insert(name(static_cast<Errc>(i)));
      sentences.insert(Error{static_cast<Errc>(i), {}}.text());
    }
    CHECK(names.size() == static_cast<std::size_t>(count));
    CHECK(sentences.size() == static_cast<std::size_t>(count));
    CHECK_FALSE(names.contains("unknown"));
    CHECK(names.contains("no_quorum"));
  }

  TEST_CASE("codes map to the exit codes that scripts rely on") {
    CHECK(exit_code(Errc::ok) == 0);
    CHECK(exit_code(Errc::protocol) == 1);
    CHECK(exit_code(Errc::invalid_argument) == 2);
    CHECK(exit_code(Errc::bad_key) == 4);
    CHECK(exit_code(Errc::permission) == 4);
    CHECK(exit_code(Errc::no_leader) == 5);
    CHECK(exit_code(Errc::no_quorum) == 5);
    CHECK(exit_code(Errc::unreachable) == 5);
    CHECK(exit_code(Errc::not_found) == 6);
    CHECK(exit_code(Errc::refused) == 7);
    CHECK(exit_code(Errc::integrity) == 8);
    CHECK(exit_code(Errc::cancelled) == 130);
  }

  TEST_CASE("a record's hash depends on digest, stamp and liveness, and on nothing else") {
    std::set<std::uint64_t> hashes = {record_hash(record())};
    const auto differs = [&](auto change) {
      ImageRecord other = record();
      change(other);
      return hashes.insert(record_hash(other)).second;
    };
    for (std::size_t i = 0; i < Digest::kSize; ++i)
      CHECK(differs([&](auto& r) { r.digest.bytes[i] ^= std::byte{1}; }));
    CHECK(differs([](auto& r) { r.stamp.term = 4; }));
    CHECK(differs([](auto& r) { r.stamp.leader = NodeId{3}; }));
    CHECK(differs([](auto& r) { r.stamp.sequence = 8; }));
    CHECK(differs([](auto& r) { r.stamp = {.term = 7, .leader = NodeId{2}, .sequence = 3}; }));
    CHECK(differs([](auto& r) { r.tombstone = true; }));
    CHECK_FALSE(differs([](auto& r) { r.name = "another", r.size_bytes = 9, r.time_ms = 5; }));
  }

  TEST_CASE("hashes are the same on every machine, for nodes compare them") {
    CHECK(record_hash(record()) == 0x412254c778756762);
    CHECK(root_of(BucketHashes{}) == 0x5283e5b98c9d7095);
  }

  TEST_CASE("the root tells buckets apart, and where they stand") {
    BucketHashes one{};
    BucketHashes other{};
    one[7] = 5;
    other[8] = 5;
    CHECK(root_of(one) != root_of(other));
    CHECK(root_of(one) != root_of({}));
    other = one;
    CHECK(root_of(one) == root_of(other));
  }

  TEST_CASE("an address is read and written the same") {
    for (const auto* text :
         {"127.0.0.1:7001", "[::1]:7001", "[fe80::1%eth0]:1", "node-1.example.org:65535", "my_host:80"}) {
      const auto address = parse_address(text);
      REQUIRE_MESSAGE(address, text);
      CHECK(to_string(*address) == text);
    }
    CHECK(parse_address("[::1]:7001") == Address{"::1", 7001});
  }

  TEST_CASE("a malformed address is refused") {
    for (const auto* text : {"",           ":",         "host",    "host:",          ":7001",       "host:0",
                             "host:65536", "host:-1",   "host:+1", "host:7001x",     "host: 7001",  "::1:7001",
                             "[::1]",      "[::1]7001", "[]:7001", "[::1:7001",      "[host]:7001", "a b:7001",
                             "host:70 01", "a=b:1",     "a,b:1",   "http://host:80", "h\n:1"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_address(text));
    }
    CHECK_FALSE(parse_address(std::string(254, 'a') + ":1"));
  }
}
