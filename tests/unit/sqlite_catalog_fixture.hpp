// A SqliteCatalog in a folder of its own, with a node's thread that the test plays itself.
#pragma once

#include "catalog_conformance.hpp"
#include "store/sqlite_catalog.hpp"

#include <filesystem>

#include <stdlib.h>

namespace cloudp2p::testing {

/// The node's thread: posted from anywhere, run by the test.
class HandLoop final : public Executor {
 public:
  void post(Callback<void()> work) override {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(work));
    }
    wake_.notify_one();
  }
  void run_until(const std::function<bool()>& done) {
    while (!done()) {
      std::unique_lock lock(mutex_);
      REQUIRE_MESSAGE(wake_.wait_for(lock, std::chrono::seconds(30), [this] { return !queue_.empty(); }),
                      "nothing happens any more");
      const Callback<void()> work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
    }
  }
  void run_what_is_posted() {
    run_until([this] {
      const std::lock_guard lock(mutex_);
      return queue_.empty();
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Callback<void()>> queue_;
};

class LinesOf final : public LogSink {
 public:
  void log(LogLevel level, std::string_view line) override {
    const std::lock_guard lock(mutex_);
    if (level == LogLevel::error) errors_ += std::string(line) + "\n";
  }
  [[nodiscard]] std::string errors() {
    const std::lock_guard lock(mutex_);
    return errors_;
  }

 private:
  std::mutex mutex_;
  std::string errors_;
};

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "cloudp2p-catalog-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

class SqliteUnderTest final : public catalog_conformance::CatalogUnderTest {
 public:
  explicit SqliteUnderTest(store::SqliteCatalogOptions options = {}) : options_(std::move(options)) {
    REQUIRE(reopen().ok());
  }

  [[nodiscard]] Catalog& catalog() override { return *catalog_; }
  void run_until(const std::function<bool()>& done) override { loop_.run_until(done); }

  void close() { catalog_.reset(); }
  Status reopen() {
    close();
    catalog_ = std::make_unique<store::SqliteCatalog>(path(), loop_, log_, options_);
    return catalog_->open();
  }
  [[nodiscard]] std::string path() const { return folder_.file("catalog.sqlite"); }
  [[nodiscard]] HandLoop& loop() { return loop_; }
  [[nodiscard]] LinesOf& log() { return log_; }

 private:
  ScratchFolder folder_;
  HandLoop loop_;
  LinesOf log_;
  store::SqliteCatalogOptions options_;
  std::unique_ptr<store::SqliteCatalog> catalog_;
};

}  // namespace cloudp2p::testing
