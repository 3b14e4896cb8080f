// The contract of cloudp2p/catalog.hpp as cases that every Catalog must pass.
//
// A test file provides a CatalogUnderTest around a fresh, open, empty catalogue and runs each of `cases()` on a new
// one:
//
//   for (const auto& c : catalog_conformance::cases()) { INFO(c.name); auto fresh = make(); c.run(*fresh); }
#pragma once

#include "unit/catalog_under_test.hpp"

namespace cloudp2p::catalog_conformance {

inline void an_empty_catalog_holds_nothing(CatalogUnderTest& t) {
  CHECK_FALSE(get(t, digest_of("ab"))->has_value());
  CHECK(list(t, {})->entries.empty());
  CHECK(list(t, {})->next.empty());
  CHECK(missing(t)->empty());
  CHECK(t.catalog().summary().images == 0);
  CHECK(t.catalog().summary().newest == Stamp{});
  check_summary(t);
}

inline void a_new_catalog_is_nobodys_and_can_be_claimed(CatalogUnderTest& t) {
  CHECK(t.catalog().owner() == Incarnation{});
  Incarnation owner;
  owner.bytes[0] = std::byte{7};
  CHECK(claim(t, owner).ok());
  check_summary(t);
}

inline void the_larger_stamp_wins_in_whichever_order(CatalogUnderTest& t) {
  const Digest digest = digest_of("ab");
  CatalogChange newer = live(digest, stamp(2, 1));
  newer.record.name = "renamed.jpg";
  const CatalogChange older = live(digest, stamp(1, 9));
  CHECK(put(t, older)->record == older.record);
  CHECK(put(t, newer)->record == newer.record);
  CHECK(put(t, older)->record == newer.record);
  CatalogChange twin = newer;
  twin.record.name = "same stamp, other name";
  CHECK(put(t, twin)->record == newer.record);
  CHECK((*get(t, digest))->record == newer.record);
}

inline void presence_is_about_bytes_and_ignores_stamps(CatalogUnderTest& t) {
  const Digest digest = digest_of("ab");
  CHECK_FALSE(put(t, live(digest, stamp(2, 1)))->present);
  const CatalogEntry arrived = *put(t, here(live(digest, stamp(1, 1))));
  CHECK(arrived.present);
  CHECK(arrived.file_name == short_id(digest) + "-holiday.jpg");
  CHECK(arrived.verified_ms == 1234);
  CHECK(arrived.record.stamp == stamp(2, 1));
  CHECK(put(t, live(digest, stamp(3, 1)))->present);
  CatalogChange lost = here(live(digest, stamp(3, 1)));
  lost.presence->present = false;
  const CatalogEntry gone = *put(t, lost);
  CHECK_FALSE(gone.present);
  CHECK(gone.file_name.empty());
  CHECK(gone.verified_ms == 0);
  CHECK(**get(t, digest) == gone);
}

inline void a_deleted_image_has_its_bytes_until_they_are_buried(CatalogUnderTest& t) {
  const Digest digest = digest_of("ab");
  REQUIRE(put(t, here(live(digest, stamp(1, 1)))).ok());
  const CatalogEntry dead = *put(t, deleted(digest, stamp(1, 2)));
  CHECK(dead.record.tombstone);
  CHECK(dead.present);
  CHECK(*unburied(t) == Entries{dead});
  CHECK(list(t, {})->entries.empty());
  CHECK(missing(t)->empty());
  check_summary(t);
  CatalogChange burial = absent(deleted(digest, stamp(1, 2)));
  burial.presence->of_file = dead.file_name;
  burial.only_this = true;
  CHECK_FALSE(put(t, burial)->present);
  CHECK(unburied(t)->empty());
  const CatalogEntry again = *put(t, here(live(digest, stamp(1, 3))));
  CHECK_FALSE(again.record.tombstone);
  CHECK(again.present);
  CHECK(put(t, burial)->present);
  check_summary(t);
}

inline void a_record_is_forgotten_only_as_it_was_named(CatalogUnderTest& t) {
  const Digest digest = digest_of("ab");
  CatalogChange forget = deleted(digest, stamp(1, 2));
  forget.only_this = forget.forget = true;
  CHECK(put(t, forget)->record.stamp == Stamp{});
  CHECK_FALSE(get(t, digest)->has_value());
  REQUIRE(put(t, here(live(digest, stamp(1, 3)))).ok());
  CHECK(put(t, forget)->record.stamp == stamp(1, 3));
  REQUIRE(put(t, deleted(digest, stamp(1, 4))).ok());
  forget.record.stamp = stamp(1, 4);
  CHECK(put(t, forget)->record.stamp == Stamp{});
  CHECK_FALSE(get(t, digest)->has_value());
  CHECK(unburied(t)->empty());
  CHECK_FALSE(put(t, live(digest, stamp(1, 5)))->present);
  check_summary(t);
}

inline void news_of_a_file_count_while_it_is_the_one_held(CatalogUnderTest& t) {
  const Digest digest = digest_of("ab");
  CatalogChange lost = absent(live(digest, stamp(1, 1)));
  lost.presence->of_file = "ab00000000000000-holiday.jpg";
  CatalogChange verified = here(live(digest, stamp(1, 1)));
  verified.presence->of_file = verified.presence->file_name;
  CHECK(put(t, verified)->record.stamp == Stamp{});
  CHECK_FALSE(get(t, digest)->has_value());
  CatalogChange elsewhere = here(live(digest, stamp(1, 1)));
  elsewhere.presence->file_name = "ab00000000000000-holiday~2.jpg";
  REQUIRE(put(t, elsewhere)->present);
  CHECK(put(t, lost)->file_name == "ab00000000000000-holiday~2.jpg");
  lost.presence->of_file = "ab00000000000000-holiday~2.jpg";
  CHECK_FALSE(put(t, lost)->present);
  check_summary(t);
}

inline void extreme_values_survive(CatalogUnderTest& t) {
  CatalogChange change = live(digest_of("ff"), {Term{1} << 62, NodeId{0xffffffffu}, ~std::uint64_t{0}});
  change.record.size_bytes = ~std::uint64_t{0};
  change.record.time_ms = std::numeric_limits<std::int64_t>::min();
  change.record.name = std::string("a\0b\n\xff 'quoted' \xc3\xa9", 17);
  CHECK(put(t, change)->record == change.record);
  CHECK((*get(t, change.record.digest))->record == change.record);
  CHECK(put(t, live(digest_of("ff"), {Term{1} << 62, NodeId{0xffffffffu}, 1}))->record == change.record);
  CHECK(list(t, {10, "", std::numeric_limits<std::int64_t>::min()})->entries.size() == 1);
  CHECK(list(t, {})->entries.empty());
  check_summary(t);
}

inline void a_list_pages_newest_first_without_gap_or_repeat(CatalogUnderTest& t) {
  std::vector<CatalogEntry> expected;
  for (std::uint64_t i = 0; i < 25; ++i) {
    const std::int64_t time = i < 14 ? 5000 : 1000 * static_cast<std::int64_t>(i % 7);
    expected.push_back(*put(t, live(digest_number(i), stamp(1, i), time)));
  }
  REQUIRE(put(t, deleted(digest_of("dd"), stamp(1, 99))).ok());
  std::sort(expected.begin(), expected.end(), [](const CatalogEntry& a, const CatalogEntry& b) {
    if (a.record.time_ms != b.record.time_ms) return a.record.time_ms > b.record.time_ms;
    return a.record.digest < b.record.digest;
  });
  for (const std::size_t limit : {1u, 4u, 5u, 24u, 25u, 100u}) {
    Entries listed;
    ListQuery query{limit, "", 0};
    do {
      const ListPage page = *list(t, query);
      CHECK(page.entries.size() <= limit);
      listed.insert(listed.end(), page.entries.begin(), page.entries.end());
      query.after = page.next;
    } while (!query.after.empty() && listed.size() <= expected.size());
    CHECK(listed == expected);
  }
}

inline void a_list_begins_at_a_time_on_every_page(CatalogUnderTest& t) {
  for (std::uint64_t i = 0; i < 10; ++i) {
    REQUIRE(put(t, live(digest_number(i), stamp(1, i), static_cast<std::int64_t>(i) * 10)).ok());
  }
  const ListPage first = *list(t, {3, "", 50});
  const ListPage rest = *list(t, {3, first.next, 50});
  CHECK(first.entries.size() == 3);
  CHECK(rest.entries.size() == 2);
  CHECK(rest.entries.back().record.time_ms == 50);
  CHECK(rest.next.empty());
  CHECK(list(t, {3, first.next, 80})->entries.empty());
  CHECK(list(t, {3, "", 91})->entries.empty());
}

inline void pages_are_bounded_and_cursors_are_checked(CatalogUnderTest& t) {
  std::size_t answered = 0;
  for (std::uint64_t i = 0; i < limits::kListPageMax + 5; ++i) {
    t.catalog().put(live(digest_number(i), stamp(1, i)), [&](Result<CatalogEntry>) { ++answered; });
  }
  t.run_until([&] { return answered == limits::kListPageMax + 5; });
  CHECK(list(t, {1'000'000, "", 0})->entries.size() == limits::kListPageMax);
  CHECK(find(t, "", 1'000'000)->size() == limits::kListPageMax);
  CHECK(missing(t, {}, 1'000'000)->size() == limits::kListPageMax);
  CHECK(list(t, {10, "not a cursor", 0}).code() == Errc::invalid_argument);
  CHECK(list(t, {10, "abcd", 0}).code() == Errc::invalid_argument);
}

inline void prefixes_of_any_length_find_live_records(CatalogUnderTest& t) {
  for (const char* prefix : {"abcd", "abce", "abcdef", "b", "abc"}) {
    REQUIRE(put(t, live(digest_of(prefix), stamp(1, 1))).ok());
  }
  REQUIRE(put(t, deleted(digest_of("abcd9"), stamp(1, 1))).ok());
  CHECK(digests(*find(t, "abcd")) == std::vector{digest_of("abcd"), digest_of("abcdef")});
  CHECK(digests(*find(t, "abcde")) == std::vector{digest_of("abcdef")});
  CHECK(digests(*find(t, "abc")) ==
        std::vector{digest_of("abc"), digest_of("abcd"), digest_of("abcdef"), digest_of("abce")});
  CHECK(find(t, "abc", 2)->size() == 2);
  CHECK(find(t, digest_of("b").hex())->size() == 1);
  CHECK(find(t, "c")->empty());
  CHECK(find(t, "xyz").code() == Errc::invalid_argument);
  CHECK(find(t, digest_of("b").hex() + "0").code() == Errc::invalid_argument);
}

inline void a_bucket_pages_through_its_own_records_and_tombstones(CatalogUnderTest& t) {
  REQUIRE(put(t, live(digest_of("122f"), stamp(1, 1))).ok());
  REQUIRE(put(t, live(digest_of("1230"), stamp(1, 2))).ok());
  REQUIRE(put(t, deleted(digest_of("1235"), stamp(1, 3))).ok());
  REQUIRE(put(t, live(digest_of("123f"), stamp(1, 4))).ok());
  REQUIRE(put(t, live(digest_of("1240"), stamp(1, 5))).ok());
  const Entries first = *bucket(t, 0x123, {}, 2);
  CHECK(digests(first) == std::vector{digest_of("1230"), digest_of("1235")});
  CHECK(first.back().record.tombstone);
  CHECK(digests(*bucket(t, 0x123, digest_of("1235"), 2)) == std::vector{digest_of("123f")});
  CHECK(bucket(t, 0x123, digest_of("123f"))->empty());
  CHECK(bucket(t, 0x123, digest_of("1240"))->empty());
  CHECK(bucket(t, 0xfff, digest_of(std::string(64, 'f')))->empty());
  CHECK(bucket(t, limits::kBuckets).code() == Errc::invalid_argument);
}

inline void missing_lists_live_records_without_bytes(CatalogUnderTest& t) {
  REQUIRE(put(t, live(digest_of("a"), stamp(1, 1))).ok());
  REQUIRE(put(t, here(live(digest_of("b"), stamp(1, 2)))).ok());
  REQUIRE(put(t, live(digest_of("c"), stamp(1, 3))).ok());
  REQUIRE(put(t, deleted(digest_of("d"), stamp(1, 4))).ok());
  CHECK(digests(*missing(t)) == std::vector{digest_of("a"), digest_of("c")});
  CHECK(digests(*missing(t, {}, 1)) == std::vector{digest_of("a")});
  CHECK(digests(*missing(t, digest_of("a"))) == std::vector{digest_of("c")});
  REQUIRE(put(t, here(live(digest_of("a"), stamp(1, 1)))).ok());
  REQUIRE(put(t, absent(live(digest_of("b"), stamp(1, 2)))).ok());
  CHECK(digests(*missing(t)) == std::vector{digest_of("b"), digest_of("c")});
  CHECK(t.catalog().summary().missing == 2);
}

inline CatalogChange verified(CatalogChange change, std::int64_t when_ms) {
  change = here(std::move(change));
  change.presence->verified_ms = when_ms;
  return change;
}
inline void stalest_lists_copies_by_their_last_verification(CatalogUnderTest& t) {
  REQUIRE(put(t, verified(live(digest_of("a"), stamp(1, 1)), 300)).ok());
  REQUIRE(put(t, verified(live(digest_of("b"), stamp(1, 2)), 100)).ok());
  REQUIRE(put(t, verified(live(digest_of("c"), stamp(1, 3)), 900)).ok());
  REQUIRE(put(t, verified(live(digest_of("d"), stamp(1, 4)), 100)).ok());
  REQUIRE(put(t, live(digest_of("e"), stamp(1, 5))).ok());
  REQUIRE(put(t, deleted(digest_of("f"), stamp(1, 6))).ok());
  CHECK(digests(*stalest(t, 1000)) == std::vector{digest_of("b"), digest_of("d"), digest_of("a"), digest_of("c")});
  CHECK(digests(*stalest(t, 1000, 1)) == std::vector{digest_of("b")});
  // A date in the future is no reason never to look again.
  CHECK(digests(*stalest(t, 200)) == std::vector{digest_of("a"), digest_of("c"), digest_of("b"), digest_of("d")});
  CHECK(digests(*stalest(t, 200, 3)) == std::vector{digest_of("a"), digest_of("c"), digest_of("b")});
  CHECK(stalest(t, 1000, 0)->empty());
  REQUIRE(put(t, verified(live(digest_of("b"), stamp(1, 2)), 950)).ok());
  REQUIRE(put(t, absent(live(digest_of("d"), stamp(1, 4)))).ok());
  REQUIRE(put(t, deleted(digest_of("a"), stamp(2, 1))).ok());
  CHECK(digests(*stalest(t, std::numeric_limits<std::int64_t>::max())) == std::vector{digest_of("c"), digest_of("b")});
}

inline void the_summary_equals_a_recount_after_many_changes(CatalogUnderTest& t) {
  std::mt19937_64 random(7);
  std::size_t answered = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const Digest digest = digest_number(random() % 120);
    const Stamp at = stamp(1 + random() % 3, random() % 50);
    CatalogChange change = random() % 5 == 0 ? deleted(digest, at) : live(digest, at);
    change.record.size_bytes = random() % 10'000;
    if (random() % 2 == 0) change = random() % 3 == 0 ? absent(change) : here(change);
    t.catalog().put(std::move(change), [&](Result<CatalogEntry> held) { answered += held.ok() ? 1 : 1000; });
  }
  t.run_until([&] { return answered >= 500; });
  CHECK(answered == 500);
  check_summary(t);
  CHECK(t.catalog().summary().transactions >= 1);
  CHECK(t.catalog().summary().transactions <= t.catalog().summary().changes);
}

inline void the_summary_holds_exactly_what_was_called_back(CatalogUnderTest& t) {
  std::vector<std::uint64_t> images, newest;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    t.catalog().put(live(digest_number(i), stamp(1, i)), [&](Result<CatalogEntry>) {
      images.push_back(t.catalog().summary().images);
      newest.push_back(t.catalog().summary().newest.sequence);
    });
  }
  CHECK(t.catalog().summary().images == 0);
  t.run_until([&] { return images.size() == 20; });
  for (std::uint64_t i = 0; i < 20; ++i) {
    CHECK(images[i] == i + 1);
    CHECK(newest[i] == i + 1);
  }
}

inline void answers_come_in_the_order_of_the_calls(CatalogUnderTest& t) {
  const Digest digest = digest_of("ab");
  std::vector<std::uint64_t> seen;
  for (std::uint64_t i = 1; i <= 30; ++i) {
    t.catalog().put(live(digest, stamp(1, i)),
                    [&](Result<CatalogEntry> held) { seen.push_back(held->record.stamp.sequence); });
    t.catalog().get(digest,
                    [&](Result<std::optional<CatalogEntry>> held) { seen.push_back((*held)->record.stamp.sequence); });
  }
  t.run_until([&] { return seen.size() == 60; });
  for (std::uint64_t i = 0; i < 60; ++i)
    CHECK(seen[i] == i / 2 + 1);
}

inline void what_is_being_put_may_be_held(CatalogUnderTest& t) {
  const Digest digest = digest_of("ab");
  bool done = false;
  t.catalog().put(live(digest, stamp(1, 1)), [&](const Result<CatalogEntry>&) { done = true; });
  CHECK(t.catalog().may_hold(digest));
  t.run_until([&] { return done; });
  CHECK(t.catalog().may_hold(digest));
}

struct Case {
  const char* name;
  void (*run)(CatalogUnderTest&);
};
inline std::vector<Case> cases() {
  return {
      {"an empty catalog holds nothing", an_empty_catalog_holds_nothing},
      {"a new catalog is nobody's and can be claimed", a_new_catalog_is_nobodys_and_can_be_claimed},
      {"the larger stamp wins in whichever order", the_larger_stamp_wins_in_whichever_order},
      {"presence is about bytes and ignores stamps", presence_is_about_bytes_and_ignores_stamps},
      {"a deleted image has its bytes until they are buried", a_deleted_image_has_its_bytes_until_they_are_buried},
      {"a record is forgotten only as it was named", a_record_is_forgotten_only_as_it_was_named},
      {"news of a file count while it is the one held", news_of_a_file_count_while_it_is_the_one_held},
      {"extreme values survive", extreme_values_survive},
      {"a list pages newest first without gap or repeat", a_list_pages_newest_first_without_gap_or_repeat},
      {"a list begins at a time on every page", a_list_begins_at_a_time_on_every_page},
      {"pages are bounded and cursors are checked", pages_are_bounded_and_cursors_are_checked},
      {"prefixes of any length find live records", prefixes_of_any_length_find_live_records},
      {"a bucket pages through its own records and tombstones", a_bucket_pages_through_its_own_records_and_tombstones},
      {"missing lists live records without bytes", missing_lists_live_records_without_bytes},
      {"stalest lists copies by their last verification", stalest_lists_copies_by_their_last_verification},
      {"the summary equals a recount after many changes", the_summary_equals_a_recount_after_many_changes},
      {"the summary holds exactly what was called back", the_summary_holds_exactly_what_was_called_back},
      {"answers come in the order of the calls", answers_come_in_the_order_of_the_calls},
      {"what is being put may be held", what_is_being_put_may_be_held}};
}

}  // namespace cloudp2p::catalog_conformance
