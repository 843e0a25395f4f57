"""Pseudonyms: always the same, nobody else's, and back again only with the key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.domain.events import Event
from engine.keys.pseudonyms import MARK, Pseudonyms

OLD, NEW = "o" * 40, "n" * 40
PATHS = ("user_id", "target_id", "ip", "author.id", "recipients")


def event(**fields: object) -> Event:
    return Event("e1", "post", "ann", 1_700_000_000_000, {"user_id": "ann", **fields})


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300))
def test_an_id_comes_back(text: str) -> None:
    pseudonyms = Pseudonyms([NEW], PATHS)
    assert pseudonyms.reveal(pseudonyms.of(text)) == text
    assert Pseudonyms([NEW], PATHS).of(text) == pseudonyms.of(text)
    assert Pseudonyms([OLD], PATHS).of(text) != pseudonyms.of(text)


def test_without_the_key_it_stays_what_it_is() -> None:
    made = Pseudonyms([OLD], PATHS).of("ann")
    assert Pseudonyms([NEW], PATHS).reveal(made) == made
    assert Pseudonyms([NEW, OLD], PATHS).reveal(made) == "ann"
    assert Pseudonyms([NEW, OLD], PATHS).every("ann") == [Pseudonyms([NEW], ()).of("ann"), made]


@pytest.mark.parametrize("text", ["ann", "~ann", "~", "~ä", "~" + "A" * 24, ""])
def test_what_is_no_pseudonym_stays_what_it_is(text: str) -> None:
    assert Pseudonyms([NEW], PATHS).reveal(text) == text


def test_someone_who_calls_himself_by_a_pseudonym_is_not_taken_for_its_owner() -> None:
    pseudonyms = Pseudonyms([NEW], PATHS)
    of_ann = pseudonyms.of("ann")
    assert pseudonyms.of(of_ann) != of_ann
    assert pseudonyms.reveal(pseudonyms.of(of_ann)) == of_ann


def test_an_event_names_nobody_any_more() -> None:
    pseudonyms = Pseudonyms([NEW], PATHS)
    one = event(
        target_id="ben", ip="203.0.113.7", author={"id": 12, "age": 3}, recipients=["cat", 4, {"id": "dan"}], text="hi"
    )
    pseudonyms.conceal(one)
    of = pseudonyms.of
    assert one.user_id == of("ann")
    assert one.fields == {
        "user_id": of("ann"),
        "target_id": of("ben"),
        "ip": of("203.0.113.7"),
        "ip_prefix": of("203.0.113.0/24"),
        "author": {"id": of("12"), "age": 3},
        "recipients": [of("cat"), of("4"), None],
        "text": "hi",
    }
    assert all(name.startswith(MARK) for name in (one.user_id, one.fields["ip_prefix"]))


def test_an_address_has_one_pseudonym_whatever_port_it_comes_from() -> None:
    pseudonyms = Pseudonyms([NEW], PATHS)
    events = [event(ip=ip) for ip in ("203.0.113.7", "203.0.113.7:50123", "::ffff:203.0.113.7")]
    for one in events:
        pseudonyms.conceal(one)
    assert len({one.fields["ip"] for one in events}) == 1


def test_what_an_event_does_not_have_stays_away() -> None:
    one = event(ip="not an address")
    Pseudonyms([NEW], PATHS).conceal(one)
    assert set(one.fields) == {"user_id", "ip"}
    assert one.event_id == "e1"


def test_a_network_that_an_event_tells_itself_is_hidden_too() -> None:
    pseudonyms = Pseudonyms([NEW], PATHS)
    one = event(ip_prefix="198.51.100.0/24")
    pseudonyms.conceal(one)
    assert one.fields["ip_prefix"] == pseudonyms.of("198.51.100.0/24")


def test_lists_in_lists_are_left_out() -> None:
    nested: object = "deep"
    for _ in range(1_000):
        nested = [nested]
    one = event(recipients=["ben", nested])
    pseudonyms = Pseudonyms([NEW], PATHS)
    pseudonyms.conceal(one)
    assert one.fields["recipients"] == [pseudonyms.of("ben"), None]


def test_paths_are_followed_as_rules_follow_them() -> None:
    pseudonyms = Pseudonyms([NEW], ["user_id", "actor.profile.id", "a.b"])
    one = event(actor={"profile.id": "x", "profile": {"id": "u"}}, **{"a.b": "v"})
    pseudonyms.conceal(one)
    assert one.fields["actor"] == {"profile.id": "x", "profile": {"id": pseudonyms.of("u")}}
    assert one.fields["a.b"] == pseudonyms.of("v")
