// The bare replication probe: the physical limit of the job.
//
// A leader process sends images to two follower processes over loopback TCP, in 64 KiB units sealed with
// ChaCha20-Poly1305 for each of them; all three write each image to a file of its own and make it durable; an image is
// done when two of the three have it. Sixteen images are under way at a time. There is no hash, no catalog, no client,
// no handshake, no election.
#pragma once

#include "options.hpp"

#include <cstddef>
#include <filesystem>

namespace bench {

struct ProbeResult {
  double rate = 0;  ///< Images a second.
  double leader_cpu_ms = 0;
  double follower_cpu_ms = 0;  ///< For one image, the mean of both.
};

/// How the probe's nodes make files durable; which is faster depends on the size and on the disk.
enum class ProbeSync { each_file, whole_filesystem };
[[nodiscard]] ProbeResult run_probe(const Options& options, ProbeSync sync, std::size_t image_bytes, double seconds);

/// The bare repair probe: one process reads the files of `from`, seals them in the same units and sends them to one other,
/// which opens them, writes each to a file of its own and makes it durable. 32 are under way at a time. Returns images a
/// second.
[[nodiscard]] double run_copy_probe(const Options& options, ProbeSync sync, const std::filesystem::path& from);

// The processes of the probes: what `main` does when it finds their flag. Return exit statuses.
int probe_leader(int argc, char** argv);
int probe_follower(int argc, char** argv);
int probe_source(int argc, char** argv);

}  // namespace bench
