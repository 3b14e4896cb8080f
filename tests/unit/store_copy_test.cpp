// A directory that was copied is not the one that promises were made in.
#include "store_fixture.hpp"

#include "store/image_files.hpp"

using namespace cloudp2p;
using namespace cloudp2p::store_test;
using store::DirectoryMark;
using store::same_directory;

namespace {

struct CopyFixture : StoreFixture {
  /// As a node leaves it.
  void use() {
    open();
    write_file(meta() / "state", "promises");
    write_file(meta() / "catalog.sqlite", "records");
    write_file(meta() / "catalog.sqlite-wal", "more records");
    write_file(meta() / "journal", "names");
    close();
  }
  /// The copy takes the place of the original.
  void copy() {
    fs::copy(root(), folder.path() / "copy", fs::copy_options::recursive);
    fs::remove_all(root());
    fs::rename(folder.path() / "copy", root());
  }
  [[nodiscard]] bool there(const std::string& name) const { return fs::exists(meta() / name); }
};

}  // namespace

TEST_SUITE("copies") {
  TEST_CASE("a birth tells a copy, whatever its number; without a birth the number does") {
    CHECK(same_directory({12, 1'000}, {12, 1'000}));
    CHECK(same_directory({12, 1'000}, {13, 1'000}));  // numbered anew by a shrunk file system
    CHECK_FALSE(same_directory({12, 1'000}, {12, 2'000}));  // another disk, where it got the same number
    CHECK(same_directory({12, 0}, {12, 0}));
    CHECK_FALSE(same_directory({12, 0}, {13, 0}));
    CHECK(same_directory({12, 0}, {12, 2'000}));  // the system has learnt to tell
  }

  TEST_CASE_FIXTURE(CopyFixture, "a directory that is opened again, or was renamed, is no copy") {
    use();
    open();
    CHECK_FALSE(directory->is_copy());
    close();
    fs::rename(root(), folder.path() / "elsewhere");
    fs::rename(folder.path() / "elsewhere", root());
    open();
    CHECK_FALSE(directory->is_copy());
    CHECK(there("state"));
    CHECK(there("catalog.sqlite"));
  }

  TEST_CASE_FIXTURE(CopyFixture, "the state and the catalog of a copy are set aside, the journal stays") {
    use();
    copy();
    open();
    CHECK(directory->is_copy());
    CHECK(directory->check_sentinel().ok());
    CHECK_FALSE(there("state"));
    CHECK_FALSE(there("catalog.sqlite"));
    CHECK_FALSE(there("catalog.sqlite-wal"));
    CHECK(content_of(meta() / "quarantine" / "state") == "promises");
    CHECK(content_of(meta() / "quarantine" / "catalog.sqlite") == "records");
    CHECK(content_of(meta() / "journal") == "names");
  }

  TEST_CASE_FIXTURE(CopyFixture, "a copy is one until it was made somebody's own, and sets nothing aside twice") {
    use();
    copy();
    open();
    write_file(meta() / "state", "new promises");
    close();
    open();
    CHECK(directory->is_copy());
    CHECK(content_of(meta() / "state") == "new promises");
    REQUIRE(directory->settle_copy().ok());
    close();
    open();
    CHECK_FALSE(directory->is_copy());
    CHECK(content_of(meta() / "state") == "new promises");
  }

  TEST_CASE_FIXTURE(CopyFixture, "a copy of a copy is one too; what was set aside before stays") {
    use();
    copy();
    open();
    write_file(meta() / "state", "new promises");
    REQUIRE(directory->settle_copy().ok());
    close();
    copy();
    open();
    CHECK(directory->is_copy());
    CHECK(content_of(meta() / "quarantine" / "state") == "promises");
    CHECK(content_of(meta() / "quarantine" / "state~2") == "new promises");
  }

  TEST_CASE_FIXTURE(CopyFixture, "a store of an earlier build keeps what it has and gets its mark") {
    use();
    const std::string id = content_of(meta() / "store-id").substr(0, 32);
    write_file(meta() / "store-id", id + "\n");
    open();
    CHECK_FALSE(directory->is_copy());
    CHECK(there("state"));
    close();
    CHECK(content_of(meta() / "store-id").substr(0, 32) == id);
    copy();
    open();
    CHECK(directory->is_copy());
  }

  TEST_CASE_FIXTURE(StoreFixture, "a file without a record is identified by its bytes, and only as what its name says") {
    open();
    const Picture image = picture(200'000, 7);
    const auto stored = put(image);
    REQUIRE(stored.ok());
    const auto identify = [&](const std::string& name) {
      return wait<Result<ImageRecord>>([&](auto done) { store->identify(name, std::move(done)); });
    };
    const auto found = identify(stored->file_name);
    REQUIRE(found.ok());
    CHECK(found->digest == stored->digest);
    CHECK(found->size_bytes == stored->size_bytes);
    CHECK(found->name == stored->file_name.substr(kShortIdDigits + 1));
    CHECK(found->time_ms == stored->modified_ms);
    CHECK(found->stamp == Stamp{});
    const auto listed = list();
    REQUIRE(listed.ok());
    CHECK(listed->front().digest.hex().substr(0, 2 * listed->front().digest_bytes) == short_id(stored->digest));
    const std::string other = "0123456789abcdef-other.jpg";
    fs::copy(root() / stored->file_name, root() / other);
    CHECK(identify(other).code() == Errc::integrity);
    CHECK(identify("0123456789abcdef-absent.jpg").code() == Errc::not_found);
  }
}
