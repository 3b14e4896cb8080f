// JSON in and out, down to bytes that nobody meant as JSON.
#include <cloudp2p/json_writer.hpp>

#include "config_samples.hpp"
#include "json/json_fault.hpp"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <limits>
#include <random>

using namespace cloudp2p;
using namespace cloudp2p::testing_config;

TEST_SUITE("JSON") {
  TEST_CASE("objects, arrays and values nest, on one line or indented") {
    const auto write = [](JsonWriter::Style style) {
      std::string out;
      JsonWriter json(out, style);
      json.begin_object().field("schema", 1).key("ids").begin_array().value(-7).value(std::uint64_t{1} << 63);
      json.value(true).value(nullptr).begin_object().end_object().end_array().field("rate", 0.1).end_object();
      return out;
    };
    CHECK(write(JsonWriter::Style::compact) ==
          R"({"schema":1,"ids":[-7,9223372036854775808,true,null,{}],"rate":0.1})");
    CHECK(write(JsonWriter::Style::indented) ==
          "{\n  \"schema\": 1,\n  \"ids\": [\n    -7,\n    9223372036854775808,\n    true,\n    null,\n    {}\n  ],\n"
          "  \"rate\": 0.1\n}");
  }

  TEST_CASE("no text can break out of its quotes or off the terminal") {
    const auto quoted = [](std::string_view text) {
      std::string out;
      append_json_string(out, text);
      return out;
    };
    CHECK(quoted("a\"b\\c\n\t\x01\x7f") == R"("a\"b\\c\n\t\u0001\u007f")");
    CHECK(quoted(std::string_view("\0", 1)) == R"("\u0000")");
    CHECK(quoted("\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x93\xb7") == "\"\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x93\xb7\"");
    for (const char* invalid : {"\xff", "\xc0", "\xc3", "\xed", "\xf5"}) {
      CHECK(quoted(std::string(invalid) + "x") == "\"\xef\xbf\xbdx\"");
    }
    CHECK(json_quoted(std::string(50, 'a') + std::string(50, 'b'), 50) == "\"" + std::string(50, 'a') + "...\"");
    CHECK(json_quoted("a\xc3\xa9z", 2) == "\"a...\"");
  }

  TEST_CASE("a number that JSON cannot write is null") {
    std::string out;
    JsonWriter(out).begin_array().value(std::numeric_limits<double>::infinity()).value(1e300).end_array();
    CHECK(out == "[null,1e+300]");
  }

  TEST_CASE("the fault finder and the parser agree on what is JSON") {
    std::mt19937 random(11);
    simdjson::dom::parser parser;
    const std::string_view alphabet = "{}[]:,\"\\ue0019-+. \ntrufalsn\xc3\xa9";
    for (int round = 0; round < 50'000; ++round) {
      std::string text;
      for (std::size_t length = random() % 8; length > 0; --length)
        text += alphabet[random() % alphabet.size()];
      CAPTURE(text);
      simdjson::dom::element root;
      const bool accepted = parser.parse(text).get(root) == simdjson::SUCCESS;
      REQUIRE(json::find_json_fault(text).has_value() == !accepted);
    }
  }

  TEST_CASE("whatever the bytes, a configuration is read or refused with a reason") {
    std::mt19937 random(7);
    for (int round = 0; round < 20'000; ++round) {
      std::string text = round % 4 == 0 ? std::string(random() % 200, ' ') : std::string(kEverything);
      for (std::size_t edits = round % 4 == 0 ? text.size() : 1 + random() % 3; edits > 0; --edits) {
        text[random() % text.size()] = static_cast<char>(random());
      }
      text.resize(round % 5 == 0 ? random() % (text.size() + 1) : text.size());
      const Result<Config> config = parse_config(text, "f");
      if (config) {
        REQUIRE(to_json(parsed(to_json(*config))) == to_json(*config));
      } else {
        REQUIRE(config.code() == Errc::bad_config);
        REQUIRE(config.error().message.substr(0, 3) == "f: ");
        REQUIRE(config.error().message.size() < 600);
      }
    }
  }
}
