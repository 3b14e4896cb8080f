// A program without an event loop stores pictures that it has in memory, and reads one back:
//   ENCRYPTION_KEY=… PEERS=1=host:7001,2=host:7002,3=host:7003 ./embed_client picture.jpg
#include <cloudp2p/host.hpp>

#include <cstdlib>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>

namespace {

class Silent final : public cloudp2p::LogSink {
 public:
  void log(cloudp2p::LogLevel, std::string_view) override {}
};

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// The exit codes of the command line client say whether trying again can help.
int fail(const cloudp2p::Error& error) {
  std::cerr << error.text() << '\n';
  return cloudp2p::exit_code(error.code);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail({cloudp2p::Errc::invalid_argument, "usage: embed_client PICTURE"});
  const auto config = cloudp2p::load_config({}, environment);
  if (!config) return fail(config.error());
  Silent log;  // Outlives the client.
  const auto client = cloudp2p::ClientHost::open(*config, log);
  if (!client) return fail(client.error());

  // Stands for a frame from a camera. A file would go without a copy in memory: cloudp2p::file_source(path).
  std::ifstream file(argv[1], std::ios::binary);
  const std::string picture{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = cloudp2p::Buffer::copy_of(std::as_bytes(std::span(picture)));

  // Blocks through changes of leader; when it returns, a majority of the nodes has the image on disk.
  const auto stored = (*client)->upload(cloudp2p::memory_source("frame-0001.jpg", bytes));
  if (!stored) return fail(stored.error());
  std::cout << cloudp2p::short_id(stored->digest) << " has " << stored->copies << " of " << stored->members
            << " copies\n";

  // Several at once, over the same connections: a call blocks its own thread only.
  std::future<cloudp2p::Result<cloudp2p::UploadOutcome>> again = std::async(std::launch::async, [&] {
    return (*client)->upload(cloudp2p::memory_source("frame-0002.jpg", bytes));
  });

  const auto sink = cloudp2p::file_sink("frame-0001.copy.jpg");
  if (!sink) return fail(sink.error());
  const auto read = (*client)->get(stored->digest.hex(), *sink);
  if (!read) return fail(read.error());
  std::cout << read->record.size_bytes << " bytes read back and verified\n";

  const auto second = again.get();
  if (!second) return fail(second.error());
  std::cout << (second->already_stored ? "the same bytes again: already stored\n" : "stored anew\n");
}
