// What decides about a file by its first bytes, and what makes a file name of a name that a client chose.
#include "input.hpp"
#include "store/image_files.hpp"

using namespace cloudp2p;

namespace {

void check_type(ByteView bytes) {
  constexpr std::size_t kDecisive = 32;
  const ImageType type = sniff(bytes);
  fuzz::require(!extension(type).empty() && !media_type(type).empty(), "each type has an extension and a media type");
  fuzz::require(sniff(bytes.first(std::min(bytes.size(), kDecisive))) == type, "the first 32 bytes decide");
}

void check_name(const std::string& name) {
  const std::string stem = sanitised_stem(name);
  fuzz::require(!stem.empty() && stem.size() <= limits::kNameBytesMax, "a stem is never empty and never too long");
  fuzz::require(stem.front() != '.' && stem.find('/') == stem.npos && stem.find('\0') == stem.npos, "nor leads elsewhere");
  for (const char c : stem)
    fuzz::require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "nor controls a terminal");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  PutHeader header;
  header.digest.bytes[0] = input.number<std::byte>();
  const auto attempt = 1U + input.number() % 3;
  const std::string name = input.text();
  const ByteView image = input.rest();
  check_type(image);
  check_name(name);
  header.type = sniff(image);
  header.name = name;
  const std::string file = store::image_file_name(header, attempt);
  fuzz::require(file.size() <= 255, "a file system takes the name");
  fuzz::require(store::prefix_of(file) == store::prefix_of(header.digest), "and it is known as ours again");
  (void)store::prefix_of(name);
  return 0;
}
