// The vocabulary needs no linking and no dependency.
#include <cloudp2p/catalog.hpp>
#include <cloudp2p/image_store.hpp>
#include <cloudp2p/transport.hpp>

#include <iostream>

int main() {
  const auto digest = cloudp2p::Digest::from("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
  const std::string jpeg = "\xff\xd8\xff\xe0";
  if (!digest || cloudp2p::sniff(std::as_bytes(std::span(jpeg))) != cloudp2p::ImageType::jpeg) return 1;
  if (!cloudp2p::parse_address("[::1]:7001")) return 1;
  std::cout << digest->hex().substr(0, 12) << " jpeg " << cloudp2p::sanitised_stem("trips/holiday.jpg") << '\n';
}
