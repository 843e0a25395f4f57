"""What generated conditions do with lists, with what is unknown, and with live lists."""

import pytest

from engine.core.domain.events import Event
from engine.core.domain.rules import Rulebook
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import Stage

RULES = """
version: 1
fields: {tags: list, flag: bool, age: {type: duration, unit: s}}
lists:
  bad: {values: [x]}
  links: {values: ["https://evil.com/a"]}
  networks: {values: [198.51.100.7]}
  alive: {live: true}
counters:
  posts: {count: post, by: user_id, over: 1h}
derived:
  half: posts / 2
rules:
  r: {event: post, when: ['CLAUSE'], then: {flag: x}}
"""


def compiled(clause: str) -> Rulebook:
    return load_rulebook({"rules.yaml": RULES.replace("CLAUSE", clause)})


def fires(book: Rulebook, **fields: object) -> bool:
    event = Event("e", "post", "u", 1_760_000_000_000, {"user_id": "u", **fields})
    return bool(Stage(book, {}).send(event))


@pytest.mark.parametrize(
    ("clause", "fields", "expected"),
    [
        ("tags in lists.bad", {"tags": ["a", "x"]}, True),
        ("tags in lists.bad", {"tags": ["a"]}, False),
        ("tags in lists.bad", {"tags": []}, False),
        ("tags not in lists.bad", {"tags": ["a"]}, True),
        ("tags not in lists.bad", {}, False),
        ("url_domain in lists.links", {"text": "look at https://www.evil.com/b"}, True),
        ("url_domain in lists.links", {"text": "look at https://good.com/b"}, False),
        ("ip_prefix in lists.networks", {"ip": "198.51.100.9"}, True),
        ("ip_prefix in lists.networks", {"ip": "198.51.101.9"}, False),
        ("tags in lists.links", {"tags": ["evil.com"]}, False),
        ("flag and event.n > 1", {"flag": True, "n": 2}, True),
        ("flag and event.n > 1", {"flag": True, "n": 1}, False),
        ("flag and event.n > 1", {"flag": True}, False),
        ("flag or event.n > 1", {"n": 2}, True),
        ("flag or event.n > 1", {"flag": False}, False),
        ("not (flag and event.n > 1)", {"flag": False}, True),
        ("not (flag and event.n > 1)", {"flag": True}, False),
        ("not (flag or event.n > 1)", {"flag": False, "n": 1}, True),
        ("not (flag or event.n > 1)", {"flag": False}, False),
        ("not known(flag)", {}, True),
        ("not known(flag)", {"flag": False}, False),
        ("known(flag)", {"flag": False}, True),
        ("not (known(flag) and flag)", {}, True),
        ("not (event.n != 1)", {"n": 1}, True),
        ("not (event.n > 1)", {"n": 1}, True),
        ("not (event.n >= 1)", {"n": 1}, False),
        ("not (event.n < 1)", {"n": 1}, True),
        ("not (event.n <= 1)", {"n": 1}, False),
        ('not (text == "a")', {"text": "b"}, True),
        ('not (text == "a")', {}, False),
        ("event.n / event.m > 1 or flag", {"n": 1, "m": 0, "flag": True}, True),
        ("1 / (1 / event.n) > 1", {"n": 0}, False),
        ("1 / (1 / event.n) > 1", {"n": 2}, True),
        ("half in [0.5, 1]", {}, True),
        ("half not in [0.5]", {}, False),
        ("not (half in [1])", {}, True),
        ("posts == 1 and not (posts != 1)", {}, True),
        ('text == "60.5"', {"text": "60.5"}, True),
    ],
)
def test_a_condition_holds_where_it_is_certain(clause: str, fields: dict[str, object], expected: bool) -> None:
    assert fires(compiled(clause), **fields) is expected


@pytest.mark.parametrize(
    ("clause", "fields"),
    [
        ("tags in lists.alive", {"tags": ["later.com"]}),
        ("text in lists.alive", {"text": "later.com"}),
        ("url_domain in lists.alive", {"text": "look at https://later.com/b"}),
    ],
)
def test_what_is_put_on_a_live_list_is_found_from_then_on(clause: str, fields: dict[str, object]) -> None:
    book = compiled(clause)
    assert not fires(book, **fields)
    book.live["alive"].put("later.com")
    assert fires(book, **fields)
    book.live["alive"].drop("later.com")
    assert not fires(book, **fields)
