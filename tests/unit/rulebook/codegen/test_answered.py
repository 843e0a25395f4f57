"""Lists stay at the user: what rules ask of them elsewhere is answered there."""

from typing import Any

import msgspec
import pytest

from engine.core.domain.events import FieldMapping
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.routing import RoutedEvent
from engine.core.state.entities import EntityRecord
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage

START_MS = 1_772_449_200_000
RULES = """
version: 1
fields: {tags: list, level: number, first: text}
lists: {bad: {values: [casino, pills]}}
values:
  country: {last: first, of: post, by: device_id, keep: 1d}
  many: len(tags)
derived:
  odd: len(tags) > 2 and at_device >= 1
scores:
  points: {level > 1: 1, tags in lists.bad: 2}
counters:
  at_device: {count: post, by: device_id, over: 1h}
  mine: {count: post, by: user_id, over: 1h}
  tagged: {count: post, where: tags in lists.bad, by: device_id, over: 1h}
  tagged_mine: {count: post, where: tags in lists.bad, by: user_id, over: 1h}
  kinds: {distinct: tags, of: post, by: device_id, over: 1h}
  kinds_mine: {distinct: tags, of: post, by: user_id, over: 1h}
rules:
  away: {event: post, when: [at_device >= 1, CLAUSE], then: {flag: x}}
  near: {event: post, when: [mine >= 1, CLAUSE_NEAR], then: {flag: x}}
"""
EVENTS: list[dict[str, Any]] = [
    {"tags": ["casino", "x"], "level": 5},
    {"tags": [], "level": 1},
    {"tags": "casino"},
    {},
    {"tags": [f"t{n}" for n in range(3_000)] + ["pills"], "level": 0, "urls": ["https://casino.example/"]},
    {"tags": ["a", "b", "c"], "countries": ["fr", "de"]},
    {"tags": [["casino"], {"a": 1}, 4]},
]


def rulebook(clause: str, near: str | None = None) -> Any:
    """The rules, with one clause asked at two places."""
    return load_rulebook({"r.yaml": RULES.replace("CLAUSE_NEAR", near or clause).replace("CLAUSE", clause)})


def sent(number: int, more: dict[str, Any]) -> dict[str, Any]:
    """An event of one user at one device."""
    named = {"event_id": f"e{number}", "type": "post", "user_id": "u", "device_id": "d"}
    return {**named, "ts": START_MS + number, **more}


@pytest.mark.parametrize(
    ("away", "near"),
    [
        ("tags in lists.bad", None),
        ("not (tags in lists.bad)", None),
        ("'\"x\" in tags'", None),
        ("'\"x\" in event.tags'", None),
        ("len(tags) > 2", None),
        ("len(tags) > level", None),
        ("many > 2 or level > 4", None),
        ("many + level > 3", None),
        ("tags in lists.bad and level > 1", None),
        ("known(tags)", None),
        ("'url_domain in [\"casino.example\"]'", None),
        ("len(url_domain) == 0", None),
        ("'tags matches \"^c\"'", None),
        ("points > 1", None),
        ("len(tags) > at_device", "len(tags) > mine"),
        ("odd", "len(tags) > 2 and mine >= 1"),
        ("tagged >= 2", "tagged_mine >= 2"),
        ("kinds >= 64", "kinds_mine >= 64"),
    ],
)
def test_a_clause_about_a_list_holds_elsewhere_where_it_holds_at_the_user(away: str, near: str | None) -> None:
    stage, seen = ExampleStage(rulebook(away, near), {}), set()
    for number, more in enumerate(EVENTS):
        found = stage.send(FieldMapping().read(sent(number, more), content=number))
        hits = {hit.rule: hit for decision in found for hit in decision.hits}
        assert ("away" in hits) == ("near" in hits), (number, more)
        seen.add("away" in hits)
        if "away" in hits and near is None:  # they are told alike, too
            assert hits["away"].clauses[1] == hits["near"].clauses[1]
    assert seen == {True, False}


def test_a_list_of_any_length_makes_no_message_long() -> None:
    """Neither what rules ask, nor what counters count, nor what nothing reads makes it so."""
    tags = [f"tag number {n}" for n in range(20_000)]
    for clause in ("tags in lists.bad", "len(tags) > at_device", "kinds >= 2", "tagged >= 2"):
        made = rulebook(clause, "mine >= 1")
        event = FieldMapping().read(sent(0, {"tags": tags}), content=1)
        routed = Evaluator(made, {}).evaluate(event, made.program("post"), EntityRecord()).routed
        assert isinstance(routed, RoutedEvent)
        assert len(msgspec.msgpack.encode(routed, enc_hook=str)) < 3_000, clause


def test_a_list_goes_along_where_an_entity_knows_what_to_look_for() -> None:
    """The device remembers the country, so nobody can tell at the user whether it is in the list."""
    stage = ExampleStage(rulebook("country in event.countries", "mine >= 9"), {})
    told = []
    events: list[dict[str, Any]] = [{"first": "fr"}, {"countries": ["de", "fr"]}, {"countries": ["de"]}]
    for number, more in enumerate(events):
        found = stage.send(FieldMapping().read(sent(number, more), content=number))
        told.append(bool(found and found[-1].hits))
    assert told == [False, True, False]
