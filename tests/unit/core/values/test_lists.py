"""Live lists hold what they are told to, what the rulebook says, and pseudonyms of both."""

import pytest

from engine.core.values.lists import Entries, LiveList, entries_of, is_wide


def test_fixed_entries_stay() -> None:
    words = LiveList(["a"])
    words.put("b")
    words.drop("a")
    assert words == {"a", "b"}
    words.drop("b")
    assert words == {"a"}
    words.replace(["c"])
    assert words == {"a", "c"}


def test_each_change_is_counted() -> None:
    words = LiveList(["a"])
    seen = {words.changes}
    words.put("b")
    seen.add(words.changes)
    words.drop("b")
    seen.add(words.changes)
    words.replace(["c"])
    seen.add(words.changes)
    assert len(seen) == 4
    words.put("c")
    words.drop("d")
    assert words.changes == max(seen)


def test_what_was_never_there_takes_no_others_place() -> None:
    hosts = Entries(["Example.com"])
    hosts.discard("example.COM")
    hosts.discard("other.com")
    assert "EXAMPLE.com" in hosts
    hosts.add("other.com")
    assert "OTHER.com" in hosts
    hosts.discard(5)
    assert hosts == {"Example.com", "other.com"}


def test_events_have_pseudonyms_where_people_write_ids() -> None:
    users = LiveList(["ann"], str.upper)
    users.put("ben")
    assert {"ann", "ANN", "ben", "BEN"} == users
    users.drop("ben")
    assert users == {"ann", "ANN"}
    users.put("ANN")  # as decisions have her
    users.drop("ANN")
    assert users == {"ann", "ANN"}


MEANT = {
    "198.51.0.0/16": (["198.51.100.7", "198.51.100.0/24", "::ffff:198.51.9.9"], ["198.52.0.1", "198.0.0.0/8"]),
    "203.0.113.*": (["203.0.113.9"], ["203.0.114.9"]),
    "2001:DB8:5::/56": (["2001:0db8:0005::1", "2001:db8:5::/56"], ["2001:db8:6::1"]),
    "10.0.0.7": (["10.0.0.7", "::ffff:10.0.0.7"], ["10.0.0.8", "10.0.0.0/24"]),
    "*.google.com": (["google.com", "mail.google.com", "MAIL.Google.com"], ["xgoogle.com", "com"]),
    "Example.COM": (["example.com", "EXAMPLE.com"], ["a.example.com"]),
    "Ann@Example.com": (["ann@example.COM"], ["bob@example.com"]),
    "anna": (["anna"], ["Anna"]),
}


@pytest.mark.parametrize("entry", MEANT)
def test_entries_are_found_as_they_are_meant_in_fixed_and_live_lists(entry: str) -> None:
    inside, outside = MEANT[entry]
    fixed, live = entries_of([entry, "something else"]), LiveList([])
    live.put(entry)
    for entries in (fixed, live):
        assert [value in entries for value in (*inside, *outside)] == [True] * len(inside) + [False] * len(outside)
    live.drop(entry)
    assert not [value for value in inside if value in live]


def test_two_entries_of_one_meaning_are_dropped_one_by_one() -> None:
    live = LiveList([])
    live.put("a@b.com")
    live.put("A@b.com")
    live.drop("A@b.com")
    assert "A@B.COM" in live
    live.drop("a@b.com")
    assert "a@b.com" not in live


def test_a_list_of_plain_words_stays_plain() -> None:
    assert type(entries_of(["anna", "ben"])) is frozenset


def test_what_is_no_text_and_what_is_long_is_not_in_a_list_of_networks() -> None:
    entries = entries_of(["198.51.0.0/16"])
    assert 5 not in entries
    assert "198.51.1.1" + " " * 100_000 not in entries


def test_a_value_with_many_labels_is_looked_up_by_as_many_as_entries_have() -> None:
    entries = Entries(["*.evil.com", "*.a.b.org"])
    assert ["x." * 100 + "evil.com" in entries, "a.b.org" in entries, "b.org" in entries] == [True, True, False]
    entries.discard("*.evil.com")
    assert ["x.evil.com" in entries, "x.a.b.org" in entries] == [False, True]


@pytest.mark.parametrize("entry", ["*.co.uk", "0.0.0.0/0", "::/0", "10.*", "1.2.3.4/31", "::ffff:1.2.3.0/120"])
def test_what_stands_for_many_is_wide(entry: str) -> None:
    assert is_wide(entry)


@pytest.mark.parametrize(
    "entry", ["evil.com", "ann@b.com", "1.2.3.4", "1.2.3.4/32", "::1", "*", "*.", "any words", "a/b"]
)
def test_what_stands_for_itself_is_not(entry: str) -> None:
    assert not is_wide(entry)


def test_networks_are_as_wide_as_they_may_be() -> None:
    bits = {4: 24, 6: 56}
    assert [is_wide(entry, bits) for entry in ("1.2.3.0/24", "1.2.0.0/23", "2001:db8::/56", "2001:db8::/55")] == [
        False, True, False, True
    ]  # fmt: skip
