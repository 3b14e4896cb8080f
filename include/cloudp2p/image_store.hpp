// ImageStore: the bytes of images on one node.
//
// Purpose:   streamed put (begin, append, commit or abort), ranged read, erase, list, verify, identify.
// Thread:    every call from the node's thread; every callback on the node's thread, never inline, exactly once (with
//            Errc::cancelled at shutdown). Work runs elsewhere: no call blocks.
// Ownership: buffers given to `append` are held until its callback. The store outlives its callbacks.
// Durability: `commit` succeeds only when the whole image, its digest verified, and its directory entry survive power
//            loss. Otherwise nothing of it is visible under its final name. Commits that are waiting share their syncs.
// Errors:    integrity (digest or length wrong; the put is gone), full, read_only, io (the store goes read-only by
//            itself and says so in `status`), not_found, cancelled. After an error of append or commit the put is gone.
// Unknown:   after a crash a committed-but-unanswered image may or may not be there; `list` tells after the restart.
// Limits:    limits::kUploadsMax + kParkedPutsMax puts at once; appends at most limits::kPayloadBytesMax bytes.
#pragma once

#include <cloudp2p/buffer.hpp>
#include <cloudp2p/callback.hpp>
#include <cloudp2p/error.hpp>
#include <cloudp2p/types.hpp>

namespace cloudp2p {

/// One put in progress; good until its commit, its abort or an error.
enum class PutId : std::uint64_t {};

/// What a put promises to be; checked at commit.
struct PutHeader {
  UploadId upload;                      ///< Names the partial file; unique among the puts in progress of one node.
  Digest digest;                        ///< What all bytes together must hash to.
  std::uint64_t size_bytes = 0;         ///< What they must be in all.
  ImageType type = ImageType::unknown;  ///< Chooses the extension of the stored file.
  std::string name;                     ///< The user's; the store sanitises it.
};

/// Where an image's bytes are: a name below the store's directory, opaque to everyone else.
struct StoredImage {
  Digest digest;          ///< As much of it as is known.
  std::string file_name;  ///< The name under which it is read, verified and erased; stays the same as long as the file is there.
  std::uint64_t size_bytes = 0;  ///< Of the file.
  std::int64_t modified_ms = 0;  ///< Of the file, wall time.
  /// How many leading bytes of `digest` are known: `list` may tell only what the name says. The others are zero.
  std::size_t digest_bytes = Digest::kSize;
};

/// A file's name and size as one number. Two files with one number in one directory can be made on purpose; whoever does
/// so hides an unclaimed file.
[[nodiscard]] inline std::uint64_t file_mark(std::string_view file_name, std::uint64_t size_bytes) noexcept;

/// Between a store and a list of what ought to be there.
struct StoredDifference {
  std::vector<StoredImage> unexpected;  ///< Sorted by file name.
  std::vector<std::uint64_t> absent;    ///< Marks, sorted.
};

/// A part of an image.
struct ReadRange {
  std::uint64_t offset = 0;    ///< From the first byte.
  std::size_t size_bytes = 0;  ///< At most limits::kPayloadBytesMax.
};

/// full: heals by itself when there is room. read_only, failed (EIO, or the disk is gone): until a restart.
enum class StoreHealth : std::uint8_t { ok, full, read_only, failed };
/// "ok", "full", "read-only", "failed"
[[nodiscard]] const char* name(StoreHealth health) noexcept;

/// How a store is, for its node and for people.
struct StoreStatus {
  StoreHealth health = StoreHealth::ok;  ///< Only `ok` takes images; `full` still erases, and reads go on in all of them.
  std::uint64_t free_bytes = 0;          ///< Above the watermark, i.e. what may still be written.
  std::string problem;                   ///< For people; empty when healthy.
};

/// The bytes of images on one node; the header begins with its contract.
class ImageStore {
 public:
  virtual ~ImageStore() = default;

  /// Opens a put. The id is valid until commit, abort or an error.
  virtual void begin_put(PutHeader header, Callback<void(Result<PutId>)> done) = 0;
  /// Appends in call order; `done` when the bytes were handed to the file system and the buffer was released.
  virtual void append(PutId put, Buffer bytes, Callback<void(Status)> done) = 0;
  /// Verifies length and digest and makes the image durable under its final name. A file that already holds this
  /// digest is kept and reported as success.
  virtual void commit(PutId put, Callback<void(Result<StoredImage>)> done) = 0;
  /// Forgets the put and removes its partial file; appends under way are called back with cancelled.
  virtual void abort(PutId put) = 0;

  /// Reads a range; shorter than asked only at the end of the image.
  virtual void read(const std::string& file_name, ReadRange range, Callback<void(Result<Buffer>)> done) = 0;
  /// Moves the image to the trash; durable when called back. not_found is success for a caller that wanted it gone.
  /// Takes effect before any `commit` that is called later; not to be called while one of the same content is under way.
  virtual void erase(const std::string& file_name, Callback<void(Status)> done) = 0;
  /// Re-reads and re-hashes: ok, integrity, not_found or io. Yields to uploads.
  virtual void verify(const Digest& digest, const std::string& file_name, Callback<void(Status)> done) = 0;
  /// Moves a copy that failed its digest out of reach of readers, into the quarantine. Durable when called back.
  virtual void quarantine(const std::string& file_name, Callback<void(Status)> done) = 0;
  /// For a file whose record was lost: what a record of it would say, from its bytes, its name and its time, without a
  /// stamp. integrity: its bytes are not those that its name promises. Reads all of it.
  virtual void identify(const std::string& file_name, Callback<void(Result<ImageRecord>)> done) = 0;
  /// Every image under its final name, sorted by file name. Used at start, to reconcile with the catalog.
  virtual void list(Callback<void(Result<std::vector<StoredImage>>)> done) = 0;
  /// What `list` and the caller's own list of files do not have in common. `expected`: sorted, by `file_mark`. This asks
  /// `list`; a store that may hold millions answers without a name of each in memory.
  virtual void compare(std::vector<std::uint64_t> expected, Callback<void(Result<StoredDifference>)> done);

  /// As last observed; never blocks.
  [[nodiscard]] virtual StoreStatus status() const = 0;
};

}  // namespace cloudp2p

#include <cloudp2p/detail/image_store.hpp>
