// What happens when the disk is full, read-only, gone, broken or somebody else's.
#include "store_fixture.hpp"

#include "store/faulty_image_store.hpp"

#include <sys/mount.h>

using namespace cloudp2p;
using namespace cloudp2p::store_test;

namespace {

/// A disk that answers with the errors it is told to.
struct FailingDisk final : store::DiskCalls {
  int write_all(int fd, ByteView bytes, std::uint64_t offset) override {
    return write_error != 0 ? write_error.load() : DiskCalls::write_all(fd, bytes, offset);
  }
  int sync_data(int fd) override { return sync_error != 0 ? sync_error.load() : DiskCalls::sync_data(fd); }
  int sync_filesystem(int fd) override { return sync_error != 0 ? sync_error.load() : DiskCalls::sync_filesystem(fd); }
  int sync_directory(int fd) override {
    return directory_error != 0 ? directory_error.load() : DiskCalls::sync_directory(fd);
  }
  std::atomic<int> write_error{0}, sync_error{0}, directory_error{0};
};

struct FailingFixture : StoreFixture {
  std::shared_ptr<FailingDisk> disk = std::make_shared<FailingDisk>();
  FailingFixture() {
    directory_options.disk = disk;
    open();
  }
};

/// A small disk of its own; needs the right to mount.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& where) : where_(where.string()) {
    fs::create_directories(where);
    mounted_ = ::mount("tmpfs", where_.c_str(), "tmpfs", 0, "size=8m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(where_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const {
    if (!mounted_) MESSAGE("skipped: this test needs the right to mount a tmpfs");
    return mounted_;
  }
  void make_read_only() { REQUIRE(::mount("tmpfs", where_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=8m") == 0); }
  void unmount_lazily() {
    REQUIRE(::umount2(where_.c_str(), MNT_DETACH) == 0);
    mounted_ = false;
  }

 private:
  std::string where_;
  bool mounted_ = false;
};

Result<std::unique_ptr<store::StoreDirectory>> try_open(StoreFixture& f) {
  return store::StoreDirectory::open(f.root().string(), f.directory_options, f.entropy);
}

bool says(const Error& error, const std::string& words) {
  return error.message.find(words) != std::string::npos;
}

/// Virtual time for the wrapper's delays.
class ManualTimers final : public Timers {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] std::int64_t wall_ms() const override { return 0; }
  TimerId at(TimePoint when, Callback<void()> callback) override {
    const TimerId id{++last_};
    waiting_.emplace(std::pair(when, id), std::move(callback));
    return id;
  }
  void cancel(TimerId id) override {
    std::erase_if(waiting_, [id](const auto& entry) { return entry.first.second == id; });
  }
  void pass(Duration time) {
    now_ += time;
    while (!waiting_.empty() && waiting_.begin()->first.first <= now_) {
      const Callback<void()> ready = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      ready();
    }
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  TimePoint now_{};
  std::uint64_t last_ = 0;
  std::map<std::pair<TimePoint, TimerId>, Callback<void()>> waiting_;
};

}  // namespace

TEST_SUITE("disk") {
  TEST_CASE("a missing directory is created, parents included") {
    TemporaryDirectory folder;
    CountingEntropy entropy;
    const fs::path path = folder.path() / "a" / "b";
    auto opened = store::StoreDirectory::open(path.string(), {{0, 0, 0}, nullptr}, entropy);
    REQUIRE(opened.ok());
    CHECK(content_of(path / ".cloudp2p" / "format") == "cloudp2p store 1\n");
    for (const char* name : {"incoming", "quarantine", "trash"})
      CHECK(fs::is_directory(path / ".cloudp2p" / name));
  }

  TEST_CASE("a directory that can not be created is named together with the cause") {
    StoreFixture f;
    write_file(f.root(), "a file in the way");
    const auto opened = try_open(f);
    REQUIRE_FALSE(opened.ok());
    CHECK(says(opened.error(), f.root().string()));
    CHECK(says(opened.error(), "Not a directory"));
  }

  TEST_CASE("a second node on the same directory is refused and told who holds it") {
    StoreFixture f;
    f.open();
    const auto second = try_open(f);
    CHECK(second.code() == Errc::locked);
    CHECK(says(second.error(), f.root().string()));
    CHECK(says(second.error(), "process " + std::to_string(::getpid())));
    f.close();
    CHECK(try_open(f).ok());
  }

  TEST_CASE("a directory of a newer format is left alone") {
    StoreFixture f;
    f.open();
    f.close();
    write_file(f.meta() / "format", "cloudp2p store 2\n");
    CHECK(try_open(f).code() == Errc::format);
    CHECK(says(try_open(f).error(), "install a newer one"));
    write_file(f.meta() / "format", "something else");
    CHECK(try_open(f).code() == Errc::format);
    CHECK(content_of(f.meta() / "format") == "something else");
  }

  TEST_CASE("a link in place of the private folder is refused") {
    StoreFixture f;
    fs::create_directories(f.root());
    fs::create_directories(f.folder.path() / "elsewhere");
    fs::create_symlink(f.folder.path() / "elsewhere", f.meta());
    CHECK_FALSE(try_open(f).ok());
    CHECK(fs::is_empty(f.folder.path() / "elsewhere"));
  }

  TEST_CASE("a disk that went away is noticed and not recreated as an empty folder") {
    StoreFixture f;
    f.open();
    const auto id = f.begin(picture(100).header());
    REQUIRE(f.append(*id, picture(100).view()).ok());
    fs::rename(f.root(), f.folder.path() / "unplugged");
    fs::create_directory(f.root());
    const auto stored = f.commit(*id);
    CHECK(stored.code() == Errc::io);
    CHECK(says(stored.error(), "no longer the disk"));
    CHECK(fs::is_empty(f.root()));
    CHECK(files_in(f.folder.path() / "unplugged").empty());
    CHECK(f.store->status().health == StoreHealth::failed);
  }

  TEST_CASE("an idle store notices by itself that its disk is gone") {
    StoreFixture f;
    f.store_options.sync.check_interval = 10ms;
    f.open();
    fs::rename(f.root(), f.folder.path() / "unplugged");
    CHECK(f.executor.run_until([&] { return f.store->status().health == StoreHealth::failed; }));
    CHECK_FALSE(fs::exists(f.root()));
  }

  TEST_CASE("an I/O error of a sync ends the put and all writing, and a restart begins anew") {
    FailingFixture f;
    const auto before = f.put(picture(100, 1));
    const auto pending = f.begin(picture(100, 2).header());
    f.disk->sync_error = EIO;
    CHECK(f.put(picture(100, 3)).code() == Errc::io);
    f.disk->sync_error = 0;
    CHECK(f.append(*pending, picture(100, 2).view()).code() == Errc::io);
    CHECK(f.begin(picture(100, 4).header()).code() == Errc::io);
    CHECK(f.store->status().health == StoreHealth::failed);
    CHECK(f.read(before->file_name, {0, 100}).ok());
    CHECK(files_in(f.root()).size() == 1);
    f.close();
    f.open();
    CHECK(f.put(picture(100, 3)).ok());
  }

  TEST_CASE("an error of a shared sync counts for everyone in it") {
    FailingFixture f;
    std::vector<Answer<Result<StoredImage>>> answers(8);
    std::vector<PutId> ids;
    for (unsigned i = 0; i < answers.size(); ++i) {
      ids.push_back(*f.begin(picture(100, i).header()));
      REQUIRE(f.append(ids.back(), picture(100, i).view()).ok());
    }
    f.disk->sync_error = EIO;
    for (std::size_t i = 0; i < ids.size(); ++i)
      f.store->commit(ids[i], answers[i].sink());
    REQUIRE(f.executor.run_until([&] {
      return std::all_of(answers.begin(), answers.end(), [](const auto& answer) { return answer.times == 1; });
    }));
    for (const auto& answer : answers)
      CHECK(answer.value->code() == Errc::io);
    CHECK(files_in(f.root()).empty());
  }

  TEST_CASE("an I/O error of the directory leaves no name behind") {
    FailingFixture f;
    f.disk->directory_error = EIO;
    CHECK(f.put(picture(100)).code() == Errc::io);
    CHECK(files_in(f.root()).empty());
    CHECK(f.store->status().health == StoreHealth::failed);
  }

  TEST_CASE("an I/O error of a write is not tried again") {
    FailingFixture f;
    f.disk->write_error = EIO;
    CHECK(f.put(picture(100)).code() == Errc::io);
    f.disk->write_error = 0;
    CHECK(f.put(picture(100)).code() == Errc::io);
    CHECK(files_in(f.meta() / "incoming").empty());
  }

  TEST_CASE("a write without room fails as full and heals") {
    FailingFixture f;
    f.disk->write_error = ENOSPC;
    CHECK(f.put(picture(100)).code() == Errc::full);
    CHECK(f.store->status().health == StoreHealth::full);
    f.disk->write_error = 0;
    CHECK(f.put(picture(100)).ok());
    CHECK(f.store->status().health == StoreHealth::ok);
  }

  TEST_CASE("a disk that turned read-only refuses writes and serves reads") {
    FailingFixture f;
    const auto stored = f.put(picture(100, 1));
    f.disk->write_error = EROFS;
    CHECK(f.put(picture(100, 2)).code() == Errc::read_only);
    f.disk->write_error = 0;
    CHECK(f.begin(picture(100, 2).header()).code() == Errc::read_only);
    CHECK(f.store->status().health == StoreHealth::read_only);
    CHECK(f.read(stored->file_name, {0, 100}).ok());
  }

  TEST_CASE("nothing is admitted below the free-space floor") {
    StoreFixture f;
    f.directory_options.space.floor_bytes = ~std::uint64_t{0};
    f.directory_options.space.floor_percent = 100;
    f.open();
    const auto refused = f.begin(picture(100).header());
    CHECK(refused.code() == Errc::full);
    CHECK(says(refused.error(), "free-space floor"));
    CHECK(f.store->status().health == StoreHealth::full);
    CHECK(f.store->status().free_bytes == 0);
  }

  TEST_CASE("a real small disk: promises count, full is said before the first byte, erasing makes room") {
    StoreFixture f;
    const SmallDisk disk(f.root());
    if (!disk.mounted()) return;
    f.directory_options.space = {std::uint64_t{1} << 20, 50, 512 * 1024};
    f.store_options.sync = {10ms, 0s};
    f.open();
    const Picture large = picture(4 << 20, 1);
    const auto promised = f.begin(large.header());
    REQUIRE(promised.ok());
    CHECK(f.begin(large.header()).code() == Errc::full);
    f.store->abort(*promised);
    const auto stored = f.put(large);
    REQUIRE(stored.ok());
    CHECK(f.put(picture(4 << 20, 2)).code() == Errc::full);
    CHECK(files_in(f.meta() / "incoming").empty());
    REQUIRE(f.erase(stored->file_name).ok());
    REQUIRE(f.executor.run_until([&] { return f.store->status().free_bytes > 4 << 20; }));
    CHECK(f.put(picture(4 << 20, 2)).ok());
  }

  TEST_CASE("a real full disk: the upload fails as full, votes are still saved") {
    StoreFixture f;
    const SmallDisk disk(f.root());
    if (!disk.mounted()) return;
    f.directory_options.space = {0, 0, 1 << 20};
    f.open();
    store::StateFile state(f.executor, *f.directory);
    REQUIRE(state.load().ok());
    const auto id = f.begin(picture(4 << 20).header());
    REQUIRE(id.ok());
    write_file(f.root() / "somebody else's", std::string(16 << 20, 'x'));
    Status last;
    for (int i = 0; i < 64 && last.ok(); ++i)
      last = f.append(*id, picture(65536).view());
    CHECK(last.code() == Errc::full);
    DurableState vote;
    vote.term = 7;
    CHECK(f.wait<Status>([&](auto done) { state.save(vote, std::move(done)); }).ok());
    write_file(f.meta() / "catalog.sqlite-wal", std::string(256 * 1024, 'w'));
    CHECK(fs::file_size(f.meta() / "catalog.sqlite-wal") == 256 * 1024);
  }

  TEST_CASE("a real read-only disk opens for reading") {
    StoreFixture f;
    SmallDisk disk(f.root());
    if (!disk.mounted()) return;
    f.open();
    const auto stored = f.put(picture(100));
    f.close();
    disk.make_read_only();
    f.open();
    CHECK(f.store->status().health == StoreHealth::read_only);
    CHECK(f.read(stored->file_name, {0, 100}).ok());
    CHECK(f.put(picture(100, 2)).code() == Errc::read_only);
    CHECK(f.erase(stored->file_name).code() == Errc::read_only);
    CHECK(f.list()->size() == 1);
  }

  TEST_CASE("a real disk that is unmounted under the store is noticed") {
    StoreFixture f;
    SmallDisk disk(f.root());
    if (!disk.mounted()) return;
    f.open();
    const auto id = f.begin(picture(100).header());
    REQUIRE(f.append(*id, picture(100).view()).ok());
    disk.unmount_lazily();
    CHECK(f.commit(*id).code() == Errc::io);
    CHECK(fs::is_empty(f.root()));
  }

  TEST_CASE("scripted faults hit the call they name and no other") {
    StoreFixture f;
    f.open();
    store::ScriptedFaults faults;
    faults.script[{store::StoreOperation::commit, 1}].error = Errc::io;
    faults.script[{store::StoreOperation::read, 2}].flip_bit = true;
    ManualTimers timers;
    store::FaultyImageStore faulty(*f.store, faults, {f.executor, timers});
    const Picture image = picture(1000);
    const auto put = [&] {
      const auto id = f.wait<Result<PutId>>([&](auto done) { faulty.begin_put(image.header(), std::move(done)); });
      faulty.append(*id, Buffer::copy_of(image.view()), [](Status) {});
      return f.wait<Result<StoredImage>>([&](auto done) { faulty.commit(*id, std::move(done)); });
    };
    CHECK(put().code() == Errc::io);
    const auto stored = put();
    REQUIRE(stored.ok());
    const auto read = [&] {
      return text_of(*f.wait<Result<Buffer>>([&](auto done) {
        faulty.read(stored->file_name, {0, 1000}, std::move(done));
      }));
    };
    CHECK(read() == image.bytes);
    CHECK(read() != image.bytes);
    CHECK(read() == image.bytes);
  }

  TEST_CASE("a slow disk answers late; a shutdown does not wait for it") {
    StoreFixture f;
    f.open();
    store::ScriptedFaults faults;
    faults.script[{store::StoreOperation::list, 1}].delay = 3s;
    faults.script[{store::StoreOperation::list, 2}].delay = 3s;
    ManualTimers timers;
    auto faulty =
        std::make_unique<store::FaultyImageStore>(*f.store, faults, store::FaultyImageStore::World{f.executor, timers});
    Answer<Result<std::vector<StoredImage>>> first, second;
    faulty->list(first.sink());
    REQUIRE(f.executor.run_until([&] { return timers.waiting() == 1; }));
    CHECK(first.times == 0);
    timers.pass(3s);
    CHECK(first.times == 1);
    faulty->list(second.sink());
    REQUIRE(f.executor.run_until([&] { return timers.waiting() == 1; }));
    faulty.reset();
    REQUIRE(f.executor.run_until([&] { return second.times == 1; }));
    CHECK(second.value->code() == Errc::cancelled);
  }

  TEST_CASE("seeded faults are the same for the same seed") {
    const store::SeededFaults::Rates rates{100'000, 100'000, 100'000, 5ms};
    store::SeededFaults first(7, rates), second(7, rates), other(8, rates);
    int faults = 0;
    int differences = 0;
    for (std::uint64_t call = 1; call <= 1000; ++call) {
      const auto a = first.decide(store::StoreOperation::append, call);
      const auto b = second.decide(store::StoreOperation::append, call);
      REQUIRE((a.error == b.error && a.delay == b.delay));
      faults += a.error != Errc::ok;
      differences += a.delay != other.decide(store::StoreOperation::append, call).delay;
    }
    CHECK(faults > 100);
    CHECK(faults < 300);
    CHECK(differences > 900);
  }
}
