#include "nemesis/clocks.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace nemesis {

Clocks::Clocks(std::string path) : path_(std::move(path)) {
  const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const bool sized = file >= 0 && ::ftruncate(file, sizeof(ClockOffsets)) == 0;
  void* const memory =
      sized ? ::mmap(nullptr, sizeof(ClockOffsets), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (memory == MAP_FAILED) throw std::system_error(error, std::generic_category(), path_);
  offsets_ = static_cast<ClockOffsets*>(memory);
}

Clocks::~Clocks() {
  if (offsets_ != nullptr) ::munmap(offsets_, sizeof *offsets_);
}

Clocks::Clocks(Clocks&& other) noexcept
    : path_(std::move(other.path_)), offsets_(std::exchange(other.offsets_, nullptr)) {}

}  // namespace nemesis
