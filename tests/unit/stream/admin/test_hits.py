"""Which hits decisions tell of, what they name, and which have that in common."""

from typing import Any

import orjson
import pytest

from engine.settings import Settings
from engine.stream.admin import hits
from engine.stream.admin.hits import HitQuery, acted_in, find_hits, keys_of, names_of


def clause(text: str, value: Any = 1, result: bool | None = True) -> dict[str, Any]:
    return {"text": text, "value": value, "result": result}


def hit(rule: str = "flood", *clauses: dict[str, Any], mode: str = "enforce", effect: str = "acted") -> dict[str, Any]:
    return {"rule": rule, "mode": mode, "effect": effect, "clauses": list(clauses)}


def decision(event_id: str = "e", *found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "event_id": event_id, "user_id": "u", "ts": 100, "type": "post", "outcome": "act", "hits": list(found),
        "scores": {}, "rulebook": "abc", "models": {}, **changes,
    }  # fmt: skip


TEXT = 'text matches "buy"'
CHEAP = "Buy cheap watches here today my friends"
ONE = decision("e", hit("flood", clause(TEXT, CHEAP)), hit("quiet", mode="shadow", effect="shadow"))


@pytest.mark.parametrize(
    ("wanted", "rules"),
    [
        (HitQuery(), ["flood", "quiet"]),
        (HitQuery(rule="flood"), ["flood"]),
        (HitQuery(rule="other"), []),
        (HitQuery(mode="shadow"), ["quiet"]),
        (HitQuery(users=frozenset("uv")), ["flood", "quiet"]),
        (HitQuery(users=frozenset("v")), []),
        (HitQuery(since_ms=100, until_ms=101), ["flood", "quiet"]),
        (HitQuery(since_ms=101), []),
        (HitQuery(until_ms=100), []),
        (HitQuery(entities=frozenset({CHEAP})), ["flood", "quiet"]),
        (HitQuery(entities=frozenset({CHEAP.upper()})), ["flood", "quiet"]),
        (HitQuery(entities=frozenset({"buy", "u"})), []),
        (HitQuery(near=keys_of(ONE)), ["flood", "quiet"]),
        (HitQuery(near=frozenset({("text", "x")})), []),
        (HitQuery(near=frozenset()), []),
    ],
)
def test_a_hit_fits_all_that_is_given(wanted: HitQuery, rules: list[str]) -> None:
    assert [one.hit["rule"] for one in wanted.of(ONE)] == rules


def test_the_newest_come_first_and_each_counts_once() -> None:
    made = [decision(f"e{at}", hit(), ts=at, user_id=f"u{at % 2}") for at in (3, 1, 2, 3)]
    found = find_hits(made, HitQuery(), 2)
    assert [one.decision["ts"] for one in found.newest] == [3, 2]
    assert (found.count, found.users) == (3, 2)


def test_an_event_id_of_two_users_is_two_events() -> None:
    assert find_hits([decision(user_id="u"), decision(user_id="v")], HitQuery(), 5).count == 0
    assert find_hits([decision("e", hit(), user_id=user) for user in "uv"], HitQuery(), 5).count == 2


@pytest.mark.parametrize(
    ("read", "names"),
    [
        (clause(TEXT, "Buy now"), [("text", "Buy now")]),
        (clause("url_domain in lists.x", "a.com, b.com"), [("url_domain", "a.com"), ("url_domain", "b.com")]),
        (clause("ip == target_id", {"ip": "1.2.3.4", "target_id": "t"}), [("ip", "1.2.3.4"), ("target_id", "t")]),
        (clause("not text", None), []),
        (clause("text", ""), []),
        (clause("posts_1m > 2", 3), []),
        (clause('event.text == "x"', "x"), []),
        (clause('kind == "text"', "text"), []),
        (clause("context > 2", "5"), []),
        (clause("posts_1m > 2 or ip", {"posts_1m": {"at_least": 3}, "ip": "1.2.3.4"}), [("ip", "1.2.3.4")]),
    ],
)  # fmt: skip
def test_what_clauses_have_read_is_named(read: Any, names: list[tuple[str, str]]) -> None:
    assert names_of(decision("e", hit("flood", read))) == names


def test_members_of_a_cluster_have_it_in_common() -> None:
    first = decision("e1", hit(), user_id="a", clusters={"ring": ["b", "c"]})
    second = decision("e2", hit(), user_id="c", clusters={"ring": []})
    other = decision("e3", hit(), user_id="c", clusters={"club": ["a"]})
    near = HitQuery(near=keys_of(first))
    assert [len(list(near.of(one))) for one in (second, other)] == [1, 0]


def test_texts_that_differ_in_little_are_near() -> None:
    texts = [CHEAP, "buy  CHEAP watches here today, my friends!", "how are you"]
    first, *others = (decision("e", hit("flood", clause(TEXT, one))) for one in texts)
    near = HitQuery(near=keys_of(first))
    assert [len(list(near.of(one))) for one in others] == [1, 0]


def test_in_which_mode_rules_acted(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        decision("e1", hit("a", mode="canary"), hit("b")),
        decision("e2", hit("a", mode="canary", effect="cooldown"), hit("c", mode="canary")),
    ]
    monkeypatch.setattr(hits, "read_documents", lambda *_: ((orjson.dumps(one), one) for one in made))
    assert acted_in(Settings(), "canary") == {("e1", "a"), ("e2", "c")}
