#include "store_fixture.hpp"

#include <cloudp2p/limits.hpp>

#include <sys/stat.h>

#include <set>

using namespace cloudp2p;
using namespace cloudp2p::store_test;

namespace {

/// Once the gate is closed, a sync begins and ends only when it is opened again.
class GatedDisk final : public store::DiskCalls {
 public:
  int sync_data(int fd) override {
    pass();
    return DiskCalls::sync_data(fd);
  }
  int sync_filesystem(int fd) override {
    pass();
    return DiskCalls::sync_filesystem(fd);
  }
  void set_open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    wake_.notify_all();
  }
  [[nodiscard]] bool waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  void pass() {
    std::unique_lock lock(mutex_);
    waiting_ = !open_;
    wake_.wait_for(lock, 20s, [this] { return open_; });  // a failing test must not hang
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  bool open_ = true;
  bool waiting_ = false;
};

void start_put(StoreFixture& f, const Picture& image, Callback<void(Result<StoredImage>)> done) {
  const auto id = f.begin(image.header());
  REQUIRE(id.ok());
  f.store->append(*id, Buffer::copy_of(image.view()),
                  [](Status status) { CHECK((status.ok() || status.code() == Errc::cancelled)); });
  f.store->commit(*id, std::move(done));
}

}  // namespace

TEST_SUITE("directory store") {
  TEST_CASE("an accepted image is an ordinary file that anybody can read") {
    StoreFixture f;
    f.open();
    const Picture image = picture(300'000);
    const auto stored = f.put(image);
    REQUIRE(stored.ok());
    CHECK(stored->file_name == short_id(image.digest()) + "-holiday.jpg");
    CHECK(stored->digest == image.digest());
    CHECK(stored->size_bytes == 300'000);
    CHECK(content_of(f.root() / stored->file_name) == image.bytes);
    CHECK((fs::status(f.root() / stored->file_name).permissions() & fs::perms::all) == fs::perms(0644));
    CHECK(files_in(f.meta() / "incoming").empty());
  }

  TEST_CASE("the umask of the service does not hide images from others") {
    const mode_t before = ::umask(0077);
    StoreFixture f;
    f.open();
    const auto stored = f.put(picture(10));
    ::umask(before);
    REQUIRE(stored.ok());
    CHECK((fs::status(f.root() / stored->file_name).permissions() & fs::perms::all) == fs::perms(0644));
  }

  TEST_CASE("thirty-two uploads at once share their syncs") {
    StoreFixture f;
    const auto gated = std::make_shared<GatedDisk>();
    f.directory_options.disk = gated;
    f.open();
    gated->set_open(false);
    int committed = 0;
    for (unsigned i = 0; i < 32; ++i) {
      start_put(f, picture(20'000, i), [&](Result<StoredImage> stored) { committed += stored.ok() ? 1 : 0; });
      if (i == 0) REQUIRE(f.executor.run_until([&] { return gated->waiting(); }));
    }
    REQUIRE(f.executor.run_until([&] { return f.store->counters().commits_waiting == 31; }));
    gated->set_open(true);
    REQUIRE(f.executor.run_until([&] { return committed == 32; }));
    CHECK(f.store->counters().syncs == 2);
    CHECK(f.store->counters().directory_syncs == 2);
    CHECK(files_in(f.root()).size() == 32);
  }

  TEST_CASE("a put that stays open does not hold up the commits of others") {
    StoreFixture f;
    f.open();
    const auto slow = f.begin(picture(1000, 1).header());
    REQUIRE(f.append(*slow, picture(1000, 1).view().first(10)).ok());
    CHECK(f.put(picture(1000, 2)).ok());
    f.store->abort(*slow);
    CHECK(f.put(picture(1000, 3)).ok());
  }

  TEST_CASE("bytes that are not the announced ones leave no file behind") {
    StoreFixture f;
    f.open();
    const Picture image = picture(1000, 1);
    PutHeader lie = image.header();
    lie.digest = picture(1000, 2).digest();
    const auto id = f.begin(lie);
    REQUIRE(f.append(*id, image.view()).ok());
    CHECK(f.commit(*id).code() == Errc::integrity);
    CHECK(files_in(f.root()).empty());
    CHECK(files_in(f.meta() / "incoming").empty());
    CHECK(f.commit(*id).code() == Errc::closed);
  }

  TEST_CASE("an image shorter than declared is refused at commit") {
    StoreFixture f;
    f.open();
    const Picture image = picture(1000);
    const auto id = f.begin(image.header());
    REQUIRE(f.append(*id, image.view().first(999)).ok());
    CHECK(f.commit(*id).code() == Errc::integrity);
    CHECK(files_in(f.meta() / "incoming").empty());
  }

  TEST_CASE("an image larger than declared is refused at the first byte too many") {
    StoreFixture f;
    f.open();
    const Picture image = picture(1000);
    PutHeader header = image.header();
    header.size_bytes = 900;
    const auto id = f.begin(header);
    CHECK(f.append(*id, image.view()).code() == Errc::integrity);
    CHECK(f.append(*id, image.view()).code() == Errc::integrity);
    CHECK(files_in(f.meta() / "incoming").empty());
  }

  TEST_CASE("an aborted put leaves nothing and answers what was under way") {
    StoreFixture f;
    f.open();
    const Picture image = picture(200'000);
    const auto id = f.begin(image.header());
    Answer<Status> pending;
    f.store->append(*id, Buffer::copy_of(image.view()), pending.sink());
    f.store->abort(*id);
    REQUIRE(f.executor.run_until([&] { return pending.times == 1 && files_in(f.meta() / "incoming").empty(); }));
    CHECK(f.append(*id, image.view()).code() == Errc::closed);
    CHECK(f.put(image).ok());
    CHECK(pending.times == 1);
  }

  TEST_CASE("another content under the same name and prefix gets a name of its own") {
    StoreFixture f;
    f.open();
    const Picture image = picture(500);
    const std::string taken = short_id(image.digest()) + "-holiday.jpg";
    write_file(f.root() / taken, std::string(500, 'x'));
    const auto stored = f.put(image);
    REQUIRE(stored.ok());
    CHECK(stored->file_name == short_id(image.digest()) + "-holiday~2.jpg");
    CHECK(content_of(f.root() / taken) == std::string(500, 'x'));
  }

  TEST_CASE("content that is already here is kept under its first name, also after a restart") {
    StoreFixture f;
    f.open();
    Picture image = picture(5000);
    const auto first = f.put(image);
    image.name = "the same.jpg";
    CHECK(f.put(image)->file_name == first->file_name);
    f.close();
    f.open();
    CHECK(f.put(image)->file_name == first->file_name);
    CHECK(f.store->counters().duplicates_kept == 1);
    CHECK(files_in(f.root()).size() == 1);
  }

  TEST_CASE("a damaged copy under the name does not pass for the image") {
    StoreFixture f;
    f.open();
    const Picture image = picture(5000);
    const auto first = f.put(image);
    f.close();
    std::string damaged = image.bytes;
    damaged[2500] = static_cast<char>(damaged[2500] ^ 1);
    write_file(f.root() / first->file_name, damaged);
    f.open();
    const auto again = f.put(image);
    REQUIRE(again.ok());
    CHECK(content_of(f.root() / again->file_name) == image.bytes);
  }

  TEST_CASE("names are data: they never lead out of the directory") {
    StoreFixture f;
    f.open();
    unsigned seed = 1;
    for (const std::string name : {"../../etc/passwd", "/tmp/x.jpg", "..", ".hidden", "a\nb.jpg", ""}) {
      Picture image = picture(100, ++seed);
      image.name = name;
      const auto stored = f.put(image);
      REQUIRE(stored.ok());
      CHECK(stored->file_name.find('/') == std::string::npos);
      CHECK(stored->file_name.find('\n') == std::string::npos);
      CHECK(content_of(f.root() / stored->file_name) == image.bytes);
    }
    CHECK(files_in(f.root()).size() == 6);
    CHECK(files_in(f.folder.path()) == std::vector<std::string>{"images"});
  }

  TEST_CASE("a start empties incoming and forgets old trash, but no image") {
    StoreFixture f;
    f.open();
    const auto stored = f.put(picture(100));
    f.close();
    write_file(f.meta() / "incoming" / "00000000.7", "half an im");
    f.open();
    CHECK(files_in(f.meta() / "incoming").empty());
    CHECK(f.list()->front().file_name == stored->file_name);
  }

  TEST_CASE("a range that reaches past the end is cut there") {
    StoreFixture f;
    f.open();
    const Picture image = picture(1000);
    const auto stored = f.put(image);
    CHECK(text_of(*f.read(stored->file_name, {900, 500})) == image.bytes.substr(900));
    CHECK(text_of(*f.read(stored->file_name, {10, 20})) == image.bytes.substr(10, 20));
    CHECK(f.read(stored->file_name, {1000, 10})->empty());
    CHECK(f.read(stored->file_name, {5000, 10})->empty());
    CHECK(f.read(stored->file_name, {0, limits::kPayloadBytesMax + 1}).code() == Errc::invalid_argument);
  }

  TEST_CASE("only regular files directly below the directory can be read") {
    StoreFixture f;
    f.open();
    write_file(f.folder.path() / "secret", "secret");
    fs::create_symlink("../secret", f.root() / "0123456789abcdef-link.jpg");
    for (const std::string name : {"../secret", ".cloudp2p/state", "", ".", "0123456789abcdef-link.jpg", "absent"}) {
      CHECK(f.read(name, {0, 10}).code() == Errc::not_found);
      CHECK(f.erase(name).code() == Errc::not_found);
    }
    CHECK(f.store->status().health == StoreHealth::ok);
  }

  TEST_CASE("verification finds the flipped bit, and only that one") {
    StoreFixture f;
    f.open();
    const Picture good = picture(700'000, 1);
    const Picture bad = picture(700'000, 2);
    const auto good_file = f.put(good);
    const auto bad_file = f.put(bad);
    std::string flipped = bad.bytes;
    flipped[699'999] = static_cast<char>(flipped[699'999] ^ 0x10);
    write_file(f.root() / bad_file->file_name, flipped);
    CHECK(f.verify(good.digest(), good_file->file_name).ok());
    CHECK(f.verify(bad.digest(), bad_file->file_name).code() == Errc::integrity);
    CHECK(f.verify(bad.digest(), "absent").code() == Errc::not_found);
  }

  TEST_CASE("erased images go to the trash, damaged ones to the quarantine; neither is listed") {
    StoreFixture f;
    f.open();
    const auto erased = f.put(picture(100, 1));
    const auto damaged = f.put(picture(100, 2));
    CHECK(f.erase(erased->file_name).ok());
    CHECK(f.quarantine(damaged->file_name).ok());
    CHECK(f.list()->empty());
    CHECK(files_in(f.meta() / "trash") == std::vector<std::string>{erased->file_name});
    CHECK(files_in(f.meta() / "quarantine") == std::vector<std::string>{damaged->file_name});
    CHECK(f.put(picture(100, 1)).ok());
  }

  TEST_CASE("an erase does not touch what is committed after it, even if both share a sync") {
    StoreFixture f;
    f.open();
    const Picture image = picture(100, 1);
    const auto first = f.put(image);
    REQUIRE(first.ok());
    for (int round = 0; round < 20; ++round) {
      const auto id = f.begin(image.header());
      REQUIRE(f.append(*id, image.view()).ok());
      Answer<Status> erased;
      f.store->erase(first->file_name, erased.sink());
      const auto again = f.commit(*id);
      CHECK(erased.times == 1);
      REQUIRE(again.ok());
      CHECK(again->file_name == first->file_name);
      CHECK(f.list()->size() == 1);
    }
  }

  TEST_CASE("the trash is emptied when its time has come") {
    StoreFixture f;
    f.store_options.sync = {10ms, 0s};
    f.open();
    const auto stored = f.put(picture(100));
    REQUIRE(f.erase(stored->file_name).ok());
    CHECK(f.executor.run_until([&] { return files_in(f.meta() / "trash").empty(); }));
  }

  TEST_CASE("the list is sorted and overlooks what is not ours") {
    StoreFixture f;
    f.open();
    for (unsigned i = 0; i < 5; ++i)
      REQUIRE(f.put(picture(100 + i, i)).ok());
    write_file(f.root() / "notes.txt", "mine");
    write_file(f.root() / ".0123456789abcdef-hidden.jpg", "hidden");
    fs::create_directory(f.root() / "0123456789abcdef-folder.jpg");
    fs::create_symlink("notes.txt", f.root() / "0123456789abcdef-link.jpg");
    const auto images = f.list();
    REQUIRE(images.ok());
    CHECK(images->size() == 5);
    CHECK(std::is_sorted(images->begin(), images->end(),
                         [](const auto& a, const auto& b) { return a.file_name < b.file_name; }));
    CHECK(images->front().size_bytes == fs::file_size(f.root() / images->front().file_name));
  }

  TEST_CASE("compared with what should be there, only the difference is told") {
    StoreFixture f;
    f.open();
    std::vector<StoredImage> images;
    for (unsigned i = 0; i < 5; ++i)
      images.push_back(*f.put(picture(100 + i, i)));
    std::vector<std::uint64_t> expected{file_mark("0123456789abcdef-gone.jpg", 7)};
    for (unsigned i = 0; i < 3; ++i)
      expected.push_back(file_mark(images[i].file_name, images[i].size_bytes));
    expected.push_back(file_mark(images[3].file_name, images[3].size_bytes + 1));
    std::vector<std::uint64_t> absent{expected.front(), expected.back()};
    std::sort(absent.begin(), absent.end());
    std::sort(expected.begin(), expected.end());
    const auto difference =
        f.wait<Result<StoredDifference>>([&](auto done) { f.store->compare(expected, std::move(done)); });
    REQUIRE(difference.ok());
    CHECK(difference->absent == absent);
    REQUIRE(difference->unexpected.size() == 2);
    CHECK(difference->unexpected[0].file_name == std::min(images[3].file_name, images[4].file_name));
    CHECK(difference->unexpected[1].file_name == std::max(images[3].file_name, images[4].file_name));
  }

  TEST_CASE("chunks of many uploads at once keep their order") {
    StoreFixture f;
    f.open();
    std::vector<Picture> images;
    std::vector<PutId> ids;
    for (unsigned i = 0; i < 8; ++i) {
      images.push_back(picture(50'000, i));
      ids.push_back(*f.begin(images.back().header()));
    }
    int committed = 0;
    for (std::size_t at = 0; at < 50'000; at += 1000) {
      for (std::size_t i = 0; i < ids.size(); ++i) {
        f.store->append(ids[i], Buffer::copy_of(images[i].view().subspan(at, 1000)), [](Status) {});
      }
    }
    for (const PutId id : ids)
      f.store->commit(id, [&](Result<StoredImage> stored) { committed += stored.ok(); });
    REQUIRE(f.executor.run_until([&] { return committed == 8; }));
  }

  TEST_CASE("a closing store answers everything once, with cancelled where it did not happen") {
    StoreFixture f;
    f.open();
    std::vector<Answer<Result<StoredImage>>> commits(20);
    Answer<Status> verified;
    Answer<Result<Buffer>> read;
    for (unsigned i = 0; i < commits.size(); ++i)
      start_put(f, picture(30'000, i), commits[i].sink());
    f.store->verify(Digest{}, "absent", verified.sink());
    f.store->read("absent", {0, 1}, read.sink());
    const auto open_put = f.begin(picture(9).header());
    f.close();
    f.executor.run_all();
    for (const auto& commit : commits) {
      REQUIRE(commit.times == 1);
      CHECK((commit.value->ok() || commit.value->code() == Errc::cancelled));
    }
    CHECK(verified.times == 1);
    CHECK(read.times == 1);
    CHECK(files_in(f.meta() / "incoming").empty());
  }

  TEST_CASE("more puts at once than the limit are told to come back") {
    StoreFixture f;
    f.open();
    std::vector<PutId> ids;
    for (std::size_t i = 0; i < limits::kUploadsMax + limits::kParkedPutsMax; ++i) {
      ids.push_back(*f.begin(picture(1).header()));
    }
    CHECK(f.begin(picture(1).header()).code() == Errc::busy);
    f.store->abort(ids.front());
    REQUIRE(f.executor.run_until([&] { return f.begin(picture(1).header()).ok(); }));
  }
}
