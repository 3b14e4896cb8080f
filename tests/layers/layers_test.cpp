// Keeps ARCHITECTURE's layer rules. The first case reads the tree; the others prove that each rule bites.
#include "rules.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

using layers::Finding;

namespace {

/// A tree of small files in a folder of its own, gone at the end.
class Fixture {
 public:
  Fixture() {
    std::string name = (std::filesystem::temp_directory_path() / "layers-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() { std::filesystem::remove_all(root_); }

  Fixture& file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
    return *this;
  }
  [[nodiscard]] std::vector<Finding> findings() const { return layers::check(layers::read_tree(root_)); }

 private:
  std::filesystem::path root_;
};

std::vector<Finding> findings_of(const std::string& path, const std::string& text) {
  return Fixture().file(path, text).findings();
}

/// The rule that the one finding breaks; "" when there is none, all of them when there are several.
std::string broken(const std::string& path, const std::string& text) {
  std::string out;
  for (const Finding& finding : findings_of(path, text))
    out += (out.empty() ? "" : " ") + finding.rule;
  return out;
}

struct Edge {
  const char* path;
  const char* include;
};

std::string including(const std::string& what) {
  return "#include " + what + "\n";
}

}  // namespace

TEST_SUITE("layers") {
  TEST_CASE("this tree keeps the rules") {
    const auto files = layers::read_tree(SOURCE_DIR);
    CHECK(files.size() > 20);
    for (const Finding& finding : layers::check(files))
      FAIL_CHECK(layers::to_string(finding));
  }

  TEST_CASE("an include that points the wrong way is reported") {
    const Edge wrong[] = {
        {"include/cloudp2p/types.hpp", "<cloudp2p/transport.hpp>"},
        {"include/cloudp2p/detail/types.hpp", "<cloudp2p/catalog.hpp>"},
        {"include/cloudp2p/types.hpp", "<unistd.h>"},
        {"include/cloudp2p/transport.hpp", "<cloudp2p/node.hpp>"},
        {"include/cloudp2p/transport.hpp", "<asio.hpp>"},
        {"include/cloudp2p/node.hpp", "<fmt/format.h>"},
        {"include/cloudp2p/node.hpp", "\"core/wire.hpp\""},
        {"include/cloudp2p/node.hpp", "<cloudp2p/asio.hpp>"},
        {"include/cloudp2p/node.hpp", "<cloudp2p/testing/sim.hpp>"},
        {"src/core/node.cpp", "\"store/fd.hpp\""},
        {"src/core/node.cpp", "\"host/host.hpp\""},
        {"src/core/node.cpp", "<cloudp2p/asio.hpp>"},
        {"src/core/node.cpp", "<sodium.h>"},
        {"src/core/node.cpp", "<sys/stat.h>"},
        {"src/core/node.hpp", "<fmt/format.h>"},
        {"src/store/a.cpp", "\"crypto/digest.hpp\""},
        {"src/asio/a.cpp", "\"host/host.hpp\""},
        {"src/asio/a.cpp", "\"sibling.hpp\""},
        {"src/asio/a.cpp", "\"../core/wire.hpp\""},
        {"src/store/a.cpp", "<spdlog/spdlog.h>"},
        {"src/host/a.cpp", "\"cloudp2p/node.hpp\""},
        {"apps/client/main.cpp", "\"core/wire.hpp\""},
        {"examples/embed.cpp", "\"host/host.hpp\""},
    };
    for (const Edge& edge : wrong) {
      CAPTURE(edge.path);
      CAPTURE(edge.include);
      CHECK(broken(edge.path, including(edge.include)) == "layer");
    }
  }

  TEST_CASE("an include that points the right way is not") {
    const Edge right[] = {
        {"include/cloudp2p/types.hpp", "<vector>"},
        {"include/cloudp2p/types.hpp", "<cloudp2p/limits.hpp>"},
        {"include/cloudp2p/catalog.hpp", "<cloudp2p/types.hpp>"},
        {"include/cloudp2p/node.hpp", "<cloudp2p/catalog.hpp>"},
        {"include/cloudp2p/asio.hpp", "<asio/io_context.hpp>"},
        {"src/core/node.cpp", "\"core/wire.hpp\""},
        {"src/core/node.cpp", "<cloudp2p/node.hpp>"},
        {"src/core/node.cpp", "<fmt/format.h>"},
        {"src/store/a.cpp", "<sqlite3.h>"},
        {"src/store/a.cpp", "\"core/merge.hpp\""},
        {"src/sim/a.cpp", "<cloudp2p/testing/sim.hpp>"},
        {"src/host/a.cpp", "\"store/fd.hpp\""},
        {"apps/client/main.cpp", "<CLI/CLI.hpp>"},
        {"tests/unit/a_test.cpp", "\"crypto/noise.hpp\""},
        {"src/core/node.cpp", "<vector>  // not \"store/fd.hpp\""},
    };
    for (const Edge& edge : right) {
      CAPTURE(edge.path);
      CAPTURE(edge.include);
      CHECK(broken(edge.path, including(edge.include)).empty());
    }
    CHECK(broken("src/core/node.cpp", "/*\n#include \"store/fd.hpp\"\n*/\n").empty());
  }

  TEST_CASE("a program may include the files beside it") {
    Fixture tree;
    tree.file("apps/client/main.cpp", including("\"repl.hpp\"")).file("apps/client/repl.hpp", "#pragma once\n");
    CHECK(tree.findings().empty());
  }

  TEST_CASE("a public header that names what we are made with is reported, a comment is not") {
    for (const auto* code : {"fmt::memory_buffer b;", "struct sqlite3;", "simdjson::dom::parser p;",
                             "int sodium_init();", "spdlog::logger* l;", "Botan::BLAKE2b b;"}) {
      CAPTURE(code);
      CHECK(broken("include/cloudp2p/node.hpp", code) == "vendor");
    }
    CHECK(broken("include/cloudp2p/node.hpp", "// made with fmt::format and sqlite3\n").empty());
  }

  TEST_CASE("time, randomness and threads in the core are reported") {
    for (const auto* code : {"auto t = Clock::now();", "std::random_device seed;", "std::thread worker;",
                             "std::jthread worker;", "std::this_thread::sleep_for(1s);"}) {
      CAPTURE(code);
      CHECK(broken("src/core/node.cpp", code) == "determinism");
      CHECK(broken("src/asio/a.cpp", code).empty());
    }
    CHECK(
        broken("src/core/node.cpp", "auto t = timers_.now();  // not Clock::now()\nauto s = \"std::thread\";").empty());
  }

  TEST_CASE("a walk over an unordered container in the core is reported") {
    const std::string member = "std::unordered_map<Key, std::vector<int>> peers_;\n";
    CHECK(broken("src/core/node.cpp", member + "for (const auto& [k, v] : peers_) use(v);") == "determinism");
    CHECK(broken("src/core/node.cpp", member + "for (auto& p : this->peers_) {\n}") == "determinism");
    CHECK(broken("src/core/node.cpp", member + "auto first = peers_.begin();") == "determinism");
    CHECK(broken("src/core/node.cpp", "using Set = std::unordered_set<int>;\nSet all;\nfor (int i : all) f(i);") ==
          "determinism");
    CHECK(broken("src/core/node.cpp", member + "auto at = peers_.find(key);\nfor (auto& p : others_) f(p);").empty());

    Fixture tree;
    tree.file("src/core/node.hpp", member).file("src/core/node.cpp", "for (auto& p : peers_) f(p);");
    CHECK(tree.findings().size() == 1);
  }

  TEST_CASE("an awaited temporary lambda is reported, a named one and a subscript are not") {
    CHECK(broken("src/asio/a.cpp", "co_await run([x = v]() { f(x); return 1; });") == "co_await");
    CHECK(broken("src/asio/a.cpp", "co_await run(a,\n  [&] { f(); });") == "co_await");
    CHECK(broken("src/asio/a.cpp", "auto g = [x] { f(x); };\nco_await run(std::move(g));").empty());
    CHECK(broken("src/asio/a.cpp", "co_await run(list[3]);\nauto g = [x] { f(x); };").empty());
  }

  TEST_CASE("markers, long files and names that hide Asio's are reported") {
    for (const auto* word : {"TO"
                             "DO",
                             "FIX"
                             "ME",
                             "X"
                             "XX"}) {
      CHECK(broken("src/store/a.cpp", std::string("// ") + word + ": later\n") == "marker");
    }
    CHECK(broken("src/store/a.cpp", "char name[] = \"dir-XXXXXX\";\n").empty());
    std::string text;
    for (std::size_t i = 0; i < layers::kLinesMax; ++i)
      text += "int x;\n";
    CHECK(broken("src/store/a.cpp", text).empty());
    CHECK(broken("src/store/a.cpp", text + "int y;\n") == "length");
    CHECK(broken("src/asio/executor.hpp", "#pragma once\n") == "shadow");
  }

  TEST_CASE("a finding says where") {
    const auto found = findings_of("src/core/node.cpp", "int a;\n\nauto t = Clock::now();\n");
    REQUIRE(found.size() == 1);
    CHECK(layers::to_string(found[0]).starts_with("src/core/node.cpp:3: [determinism] "));
  }
}
