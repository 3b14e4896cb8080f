// The file sources and sinks: what a client reads from and writes to.
#include "host/files.hpp"
#include "crypto/digest.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

namespace cloudp2p {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string path = (fs::temp_directory_path() / "cloudp2p-files-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

 private:
  fs::path path_;
};

std::string write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

ByteView bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

Result<ImageSource::Content> identify(ImageSource& source) {
  std::promise<Result<ImageSource::Content>> answer;
  source.identify([&](Result<ImageSource::Content> content) { answer.set_value(std::move(content)); });
  return answer.get_future().get();
}

std::string read(ImageSource& source, ReadRange range) {
  std::promise<std::string> answer;
  source.read(range, [&](Result<Buffer> bytes) {
    answer.set_value(bytes ? std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) : "failed");
  });
  return answer.get_future().get();
}

Status write(ImageSink& sink, const std::string& text) {
  std::promise<Status> answer;
  sink.write(Buffer::copy_of(bytes_of(text)), [&](Status status) { answer.set_value(std::move(status)); });
  return answer.get_future().get();
}

Status finish(ImageSink& sink, const std::string& expected) {
  ImageRecord record;
  record.digest = crypto::digest_of(bytes_of(expected));
  record.size_bytes = expected.size();
  std::promise<Status> answer;
  sink.finish(record, [&](Status status) { answer.set_value(std::move(status)); });
  return answer.get_future().get();
}

std::string patterned(std::size_t size_bytes) {
  std::string out(size_bytes, '\0');
  for (std::size_t i = 0; i < size_bytes; ++i)
    out[i] = static_cast<char>(i * 31 + i / 257);
  return out;
}

}  // namespace

TEST_CASE("a file is identified and read in pieces, again and again") {
  const Folder folder;
  const std::string text = patterned(700'001);
  const auto source = file_source(write_file(folder / "photo.jpg", text));
  REQUIRE(source.ok());
  CHECK((*source)->name() == "photo.jpg");
  for (int round = 0; round < 2; ++round) {
    const auto content = identify(**source);
    REQUIRE(content.ok());
    CHECK(content->size_bytes == text.size());
    CHECK(content->digest == crypto::digest_of(bytes_of(text)));
    CHECK(read(**source, {300'000, 1000}) == text.substr(300'000, 1000));
    CHECK(read(**source, {700'000, 1000}) == text.substr(700'000));
  }
}

TEST_CASE("a file that was written to since it was identified is not sent to its end") {
  const Folder folder;
  const std::string text = patterned(300'000);
  for (const bool grows : {true, false}) {
    const std::string path = write_file(folder / "growing.jpg", text);
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
    const auto source = file_source(path);
    REQUIRE(source.ok());
    REQUIRE(identify(**source).ok());
    std::ofstream file(path, grows ? std::ios::app : std::ios::in | std::ios::out);
    file << "more";
    file.close();
    CHECK(read(**source, {0, 200'000}).size() == 200'000);
    std::promise<Result<Buffer>> last;
    (*source)->read({200'000, 100'000}, [&](Result<Buffer> bytes) { last.set_value(std::move(bytes)); });
    const Result<Buffer> bytes = last.get_future().get();
    CHECK(bytes.code() == Errc::integrity);
    CHECK(bytes.error().message == path + " changed while it was being sent: send it again");
  }
}

TEST_CASE("what cannot be sent is refused at once, naming the file and the way out") {
  const Folder folder;
  const auto missing = file_source(folder / "none.jpg");
  CHECK(missing.code() == Errc::not_found);
  CHECK(missing.error().message.find("none.jpg") != std::string::npos);
  fs::create_directory(folder / "album");
  const auto album = file_source(folder / "album");
  CHECK(album.code() == Errc::invalid_argument);
  CHECK(album.error().message.find("-r") != std::string::npos);
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(file_source(folder / "fifo").code() == Errc::invalid_argument);
  const std::string secret = write_file(folder / "secret.jpg", "x");
  REQUIRE(::chmod(secret.c_str(), 0) == 0);
  if (::geteuid() != 0) CHECK(file_source(secret).code() == Errc::permission);
}

TEST_CASE("an empty file is identified: the cluster says what it thinks of it") {
  const Folder folder;
  const auto source = file_source(write_file(folder / "empty.png", ""));
  REQUIRE(source.ok());
  CHECK(identify(**source)->size_bytes == 0);
}

TEST_CASE("a file that loses its end while it is read gives fewer bytes than asked for") {
  const Folder folder;
  const std::string path = write_file(folder / "photo.jpg", patterned(1000));
  const auto source = file_source(path);
  REQUIRE(source.ok());
  fs::resize_file(path, 400);
  CHECK(read(**source, {0, 1000}).size() == 400);
}

TEST_CASE("a stream is spooled whole, and refused when it is longer than allowed") {
  int ends[2] = {};
  REQUIRE(::pipe(ends) == 0);
  const std::string text = patterned(300'000);
  std::thread writer([&] {
    CHECK(host::write_fully(ends[1], bytes_of(text), "pipe").ok());
    ::close(ends[1]);
  });
  const auto source = stream_source(ends[0], "stdin", 1'000'000);
  writer.join();
  ::close(ends[0]);
  REQUIRE(source.ok());
  CHECK(identify(**source)->digest == crypto::digest_of(bytes_of(text)));
  CHECK(read(**source, {1000, 10}) == text.substr(1000, 10));

  const Folder folder;
  std::FILE* const long_file = std::fopen(write_file(folder / "long", text).c_str(), "rb");
  CHECK(stream_source(::fileno(long_file), "stdin", 1000).code() == Errc::refused);
  std::fclose(long_file);
}

TEST_CASE("memory is a source like any other") {
  for (const std::size_t size_bytes : {10UL, 200'000UL}) {
    const std::string text = patterned(size_bytes);
    const auto source = memory_source("dir/cam\xff.png", Buffer::copy_of(bytes_of(text)));
    CHECK(source->name() == "cam\xef\xbf\xbd.png");
    CHECK(identify(*source)->digest == crypto::digest_of(bytes_of(text)));
    CHECK(read(*source, {4, 3}) == text.substr(4, 3));
    CHECK(read(*source, {size_bytes + 5, 3}).empty());
  }
}

TEST_CASE("the last reference may go inside a callback on the worker") {
  const Folder folder;
  std::shared_ptr<ImageSource> source = *file_source(write_file(folder / "photo.jpg", patterned(1000)));
  std::promise<void> only_one_left;
  std::promise<void> dropped;
  source->identify([&, kept = source](const Result<ImageSource::Content>&) mutable {
    only_one_left.get_future().wait();
    kept.reset();
    dropped.set_value();
  });
  source.reset();
  only_one_left.set_value();
  dropped.get_future().wait();
}

TEST_CASE("names keep to the limit at a character's edge, and to UTF-8") {
  CHECK(host::upload_name("/home/me/../photo.jpg") == "photo.jpg");
  CHECK(host::upload_name("album/") == "album");
  CHECK(host::upload_name("a\x80"
                          "b.png") ==
        "a\xef\xbf\xbd"
        "b.png");
  std::string umlauts = "x";
  for (int i = 0; i < 2000; ++i)
    umlauts += "\xc3\xa4";
  const std::string cut = host::upload_name(umlauts);
  CHECK(cut.size() == limits::kNameBytesMax - 1);
  CHECK(umlauts.compare(0, cut.size(), cut) == 0);
}

TEST_CASE("a download appears only when it is complete") {
  const Folder folder;
  const auto sink = file_sink(folder / "photo.jpg");
  REQUIRE(sink.ok());
  CHECK(write(**sink, "hello ").ok());
  CHECK_FALSE(fs::exists(folder / "photo.jpg"));
  CHECK(write(**sink, "world").ok());
  CHECK(finish(**sink, "hello world").ok());
  CHECK(read_file(folder / "photo.jpg") == "hello world");
  CHECK(folder.count() == 1);
}

TEST_CASE("a damaged download leaves the old file and nothing else; after a restart it may succeed") {
  const Folder folder;
  write_file(folder / "photo.jpg", "old");
  auto sink = file_sink(folder / "photo.jpg");
  REQUIRE(sink.ok());
  CHECK(write(**sink, "damaged").ok());
  CHECK(finish(**sink, "correct").code() == Errc::integrity);
  CHECK(read_file(folder / "photo.jpg") == "old");
  (*sink)->restart();
  CHECK(write(**sink, "correct").ok());
  CHECK(finish(**sink, "correct").ok());
  CHECK(read_file(folder / "photo.jpg") == "correct");
}

TEST_CASE("an abandoned download leaves no file behind, and two of one name do not mix") {
  const Folder folder;
  {
    const auto sink = file_sink(folder / "photo.jpg");
    REQUIRE(sink.ok());
    CHECK(write(**sink, "half").ok());
    CHECK(file_sink(folder / "photo.jpg").code() == Errc::locked);
  }
  CHECK(folder.count() == 0);
  CHECK(file_sink(folder / "no/such/photo.jpg").code() == Errc::io);
  fs::create_directory(folder / "album");
  CHECK(file_sink(folder / "album").code() == Errc::invalid_argument);
}

TEST_CASE("a stream gets the bytes only after their digest was checked") {
  const Folder folder;
  std::FILE* const out = std::fopen((folder / "out").c_str(), "wb");
  const auto sink = stream_sink(::fileno(out));
  REQUIRE(sink.ok());
  const std::string text = patterned(600'000);
  CHECK(write(**sink, "wrong").ok());
  CHECK(finish(**sink, text).code() == Errc::integrity);
  (*sink)->restart();
  CHECK(write(**sink, text).ok());
  CHECK(finish(**sink, text).ok());
  std::fclose(out);
  CHECK(read_file(folder / "out") == text);
}

TEST_CASE("a new key file is private, well-formed, and never replaces another") {
  const Folder folder;
  REQUIRE(generate_key_file(folder / "key").ok());
  struct stat info {};
  REQUIRE(::stat((folder / "key").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
  const std::string key = read_file(folder / "key");
  CHECK(key.size() == 65);
  CHECK(generate_key_file(folder / "key").code() == Errc::exists);
  CHECK(read_file(folder / "key") == key);
}

}  // namespace cloudp2p
