// The checker of histories: what it must accept, and what it must not.
#include "sim/history.hpp"

#include <doctest/doctest.h>

using namespace cloudp2p;
using cloudp2p::sim::History;

namespace {

constexpr TimePoint kNow{};

}  // namespace

TEST_CASE("history: an image is there after its put and before its delete") {
  History history;
  const auto put = history.begins(History::Act::put, kNow);
  CHECK(history.put_succeeded(put, kNow));
  const auto read = history.begins(History::Act::read, kNow);
  CHECK(history.found(read, true, kNow));
  const auto remove = history.begins(History::Act::remove, kNow);
  CHECK(history.removed(remove, kNow));
  const auto absent = history.begins(History::Act::read, kNow);
  CHECK(history.found(absent, false, kNow));
  const auto wrong = history.begins(History::Act::read, kNow);
  CHECK_FALSE(history.found(wrong, true, kNow));
}

TEST_CASE("history: a read beside a put may see either, but not the old state after the new one") {
  History history;
  const auto put = history.begins(History::Act::put, kNow);
  const auto early = history.begins(History::Act::read, kNow);
  const auto first = history.begins(History::Act::read, kNow);
  CHECK(history.found(first, true, kNow));
  const auto second = history.begins(History::Act::read, kNow);
  CHECK(history.found(early, false, kNow));  // it began before anybody saw the image
  CHECK_FALSE(history.found(second, false, kNow));
  CHECK(history.put_succeeded(put, kNow));
}

TEST_CASE("history: a read that is answered late may have looked before the put was done") {
  History history;
  const auto put = history.begins(History::Act::put, kNow);
  const auto read = history.begins(History::Act::read, kNow);
  CHECK(history.put_succeeded(put, kNow));
  CHECK(history.found(read, false, kNow));
}

TEST_CASE("history: a lost delete happens once, at any time, or never") {
  History history;
  CHECK(history.put_succeeded(history.begins(History::Act::put, kNow), kNow));
  history.lost(history.begins(History::Act::remove, kNow), kNow);
  CHECK(history.found(history.begins(History::Act::read, kNow), true, kNow));
  CHECK(history.found(history.begins(History::Act::read, kNow), false, kNow));
  CHECK(history.put_succeeded(history.begins(History::Act::put, kNow), kNow));
  CHECK(history.found(history.begins(History::Act::read, kNow), true, kNow));
  CHECK_FALSE(history.found(history.begins(History::Act::read, kNow), false, kNow));
}

TEST_CASE("history: a delete that is under way happens once at most") {
  History history;
  CHECK(history.put_succeeded(history.begins(History::Act::put, kNow), kNow));
  const auto remove = history.begins(History::Act::remove, kNow);
  CHECK(history.found(history.begins(History::Act::read, kNow), false, kNow));
  CHECK(history.put_succeeded(history.begins(History::Act::put, kNow), kNow));
  CHECK_FALSE(history.found(history.begins(History::Act::read, kNow), false, kNow));
  CHECK(history.removed(remove, kNow));
}

TEST_CASE("history: what nobody put is not there, and nothing to delete needs an absent image") {
  History history;
  CHECK_FALSE(history.found(history.begins(History::Act::read, kNow), true, kNow));
  CHECK(history.put_succeeded(history.begins(History::Act::put, kNow), kNow));
  CHECK_FALSE(history.found(history.begins(History::Act::remove, kNow), false, kNow));
}

TEST_CASE("history: an upload may bring the image back until it is answered") {
  History history;
  const auto put = history.begins(History::Act::put, kNow);
  CHECK(history.found(history.begins(History::Act::read, kNow), true, kNow));
  CHECK(history.removed(history.begins(History::Act::remove, kNow), kNow));
  CHECK(history.found(history.begins(History::Act::read, kNow), false, kNow));
  CHECK(history.found(history.begins(History::Act::read, kNow), true, kNow));
  CHECK(history.put_succeeded(put, kNow));
}
