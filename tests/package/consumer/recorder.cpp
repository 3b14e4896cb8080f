// The program of the README, on a cluster of one: stores an image, looks at what the folder holds.
#include <cloudp2p/cloudp2p.hpp>

#include <filesystem>
#include <iostream>

namespace {

struct Log : cloudp2p::LogSink {
  void log(cloudp2p::LogLevel level, std::string_view line) override {
    if (level == cloudp2p::LogLevel::error) std::clog << std::string(line) + '\n';
  }
};

int fail(const cloudp2p::Error& error) {
  std::clog << error.text() << '\n';
  return cloudp2p::exit_code(error.code);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail({cloudp2p::Errc::invalid_argument, "usage: recorder FOLDER"});
  Log log;
  cloudp2p::Config config;
  config.node_id = cloudp2p::NodeId{1};
  config.peers = *cloudp2p::parse_peers("1=127.0.0.1:7001");
  config.listen = cloudp2p::Address{"127.0.0.1", 0};
  config.shared_dir = argv[1];
  const auto host = cloudp2p::Host::open(config, log);
  if (!host) return fail(host.error());
  config.peers.front().address.port = (*host)->port();

  const auto client = cloudp2p::ClientHost::open(config, log);
  if (!client) return fail(client.error());
  const std::string jpeg = "\xff\xd8\xff\xe0 not much of a picture";
  const auto stored = (*client)->upload(
      cloudp2p::memory_source("frame.jpg", cloudp2p::Buffer::copy_of(std::as_bytes(std::span(jpeg)))));
  if (!stored) return fail(stored.error());

  if ((*client)->info("0000").code() != cloudp2p::Errc::not_found) return fail({cloudp2p::Errc::io, "who is 0000?"});
  const std::filesystem::path image = config.shared_dir + "/" + cloudp2p::short_id(stored->digest) + "-frame.jpg";
  if (std::filesystem::file_size(image) != jpeg.size()) return fail({cloudp2p::Errc::io, image.string() + " is no copy"});
  std::cout << cloudp2p::short_id(stored->digest) << ": " << stored->copies << " of " << stored->members << " copies\n";
}
