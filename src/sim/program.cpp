#include "sim/program.hpp"

#include "sim/content_hash.hpp"
#include "sim/image_in_memory.hpp"

namespace cloudp2p::sim {

Program::Program(const World& world, Invariants& invariants, HostOf host_of, Config config, HostId host, Random random,
                 testing::StartProgram start)
    : world_(world),
      invariants_(invariants),
      host_of_(std::move(host_of)),
      config_(std::move(config)),
      host_(host),
      random_(random),
      start_(std::move(start)) {
  restart();
}

void Program::restart() {
  if (running()) return;
  world_.log.note("--- the program starts");
  process_ = std::make_unique<Process>(world_.scheduler, random_.fork());
  entropy_ = std::make_unique<SeededEntropy>(random_.fork());
  transport_ = std::make_unique<SimTransport>(world_.network, host_, *process_, Role::client);
  world_.network.on_host_back(host_);
  testing::ProgramPorts ports;
  ports.config = config_;
  ports.client = ClientPorts{process_.get(), transport_.get(), process_.get(), entropy_.get(), &world_.log};
  ports.memory_source = [this](std::string name, const Buffer& bytes) { return source(std::move(name), bytes); };
  object_ = start_(ports);
}

void Program::crash() {
  if (!running()) return;
  world_.log.note("--- the program is killed");
  world_.network.on_process_gone(host_, true);
  object_.reset();
  process_->drop();
  transport_.reset();
  entropy_.reset();
  process_.reset();
}

void Program::pause() {
  if (!running() || process_->paused()) return;
  world_.log.note("--- the program is paused");
  process_->pause();
}

void Program::resume() {
  if (!running() || !process_->paused()) return;
  world_.log.note("--- the program goes on");
  process_->resume();
  world_.network.on_host_back(host_);
}

void Program::cut(NodeId node, testing::Direction direction) {
  world_.log.note("--- cut: the program from node " + to_string(node));
  const HostId there = host_of_(node);
  if (direction != testing::Direction::kIncoming) world_.network.cut(host_, there);
  if (direction != testing::Direction::kOutgoing) world_.network.cut(there, host_);
}

std::shared_ptr<ImageSource> Program::source(std::string name, const Buffer& bytes) {
  ContentHash hash;
  hash.update(bytes.view());
  testing::SimImage image{hash.finish(), bytes.size(), std::move(name), bytes, Buffer()};
  invariants_.offered_by_program(image.digest, image.size_bytes);
  return std::make_shared<ImageInMemory>(*process_, std::move(image));
}

}  // namespace cloudp2p::sim
