"""Every decision follows from its record."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import orjson
import pytest

from engine.rulebook.compiler import load_rulebook, read_directory
from engine.rulebook.tools.reevaluation import ClauseVerdict, Reevaluation
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.sim.world import simulate_day
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS, random_events, swarm_events
from tests.system import RULEBOOKS

STARTER = Path(__file__).parents[4] / "rules"
OPEN = Settings(decision_sample=0.0)
HIDDEN = msgspec.structs.replace(OPEN, privacy=PrivacySettings(key="k" * 40))


def decisions(rules: Path, events: list[bytes], settings: Settings) -> list[dict[str, object]]:
    messages = OfflineEngine(load_rulebook(rules), settings).run(Arrival("event", 0, event) for event in events)
    return [orjson.loads(message.value) for message in messages if message.topic == settings.topics.decisions]


def parts_of_a_day() -> Iterator[bytes]:
    """The first 400 events of each kind, and all of whoever scrapes: they are met late."""
    seen: Counter[str | None] = Counter()
    for one in simulate_day(3, 60):
        kind = one.attack or one.lookalike
        seen[kind] += 1
        if seen[kind] <= 400 or (kind == "profile_scraping" and seen[kind] <= 3_000):
            yield orjson.dumps(one.event)


@pytest.mark.parametrize("settings", [OPEN, HIDDEN], ids=["open", "hidden"])
@pytest.mark.parametrize("rules", [RULEBOOKS / "flood", RULEBOOKS / "swarm", STARTER], ids=lambda path: path.name)
def test_values_and_rules_lead_to_what_was_decided(rules: Path, settings: Settings) -> None:
    events = list(parts_of_a_day()) if rules == STARTER else [*random_events(2_000), *swarm_events(3_000)]
    found, sources = decisions(rules, events, settings), read_directory(rules)
    pseudonyms = settings.pseudonyms()
    seen = {str(one["hits"]): one for one in found}
    again = Reevaluation(sources, pseudonyms.of if pseudonyms is not None else None)
    verdicts = [verdict for one in seen.values() for verdict in again.verdicts(one)]
    assert len(verdicts) > 20
    assert [one for one in verdicts if one.certain and one.now != one.recorded] == []
    assert sum(one.certain for one in verdicts) > 0.8 * len(verdicts)


RULES = """
version: 1
fields: {age: {type: duration, unit: d}}
lists: {bad: {live: true}}
counters: {posts_1h: {count: post, by: user_id, over: 1h}}
rules:
  r:
    event: post
    when: [posts_1h > 1, age < 3d]
    any: [event.word in lists.bad, event.n == 2]
    unless: [user_id == "chief"]
    then: {flag: word}
"""


def test_a_record_that_was_changed_does_not_follow() -> None:
    events = [
        orjson.dumps({"event_id": f"e{n}", "type": "post", "user_id": "u", "ts": START_MS + n, "age": 2, "n": n})
        for n in range(4)
    ]
    rulebook = load_rulebook({"rules.yaml": RULES})
    messages = OfflineEngine(rulebook, OPEN).run(Arrival("event", 0, event) for event in events)
    (decision,) = [orjson.loads(one.value) for one in messages if one.topic == "decisions"]
    told = list(Reevaluation({"rules.yaml": RULES}).verdicts(decision))
    assert [(one.clause, one.now) for one in told] == [
        ("posts_1h > 1", True),
        ("age < 3d", True),
        ("event.n == 2", True),
        ('not (user_id == "chief")', True),
    ]
    for clause, value in zip(decision["hits"][0]["clauses"], (1, "4d", None, 3, "chief"), strict=True):
        clause["value"] = value
    told = list(Reevaluation({"rules.yaml": RULES}).verdicts(decision))
    assert [one.now for one in told] == [False, False, False, False]
    assert {one.recorded for one in told} == {True}


COMPUTED = """
version: 1
lists: {tools: {values: [curl]}}
values: {links: 'count(text, "https?://")', loud: 'share(text, "[A-Z]") > 0.5'}
rules:
  r:
    event: post
    when: [links >= 2, not loud, hour(ts) < 24, 'contains_any(text, lists.tools)', weekday(ts) + links > 2]
    then: {flag: word}
"""


def test_values_times_and_functions_are_evaluated_again() -> None:
    text = "http://a and https://b by curl"
    event = {"event_id": "e", "type": "post", "user_id": "u", "ts": START_MS, "text": text}
    rulebook = load_rulebook({"rules.yaml": COMPUTED})
    messages = OfflineEngine(rulebook, OPEN).run([Arrival("event", 0, orjson.dumps(event))])
    (decision,) = [orjson.loads(one.value) for one in messages if one.topic == "decisions"]
    told = list(Reevaluation({"rules.yaml": COMPUTED}).verdicts(decision))
    assert len(told) == 5
    assert all(one.certain and one.now for one in told)
    decision["hits"][0]["clauses"][0]["value"] = 1
    assert not next(Reevaluation({"rules.yaml": COMPUTED}).verdicts(decision)).now


LOSSY = """
version: 1
fields: {age: {type: duration, unit: s}, tags: list, name: text}
rules:
  r:
    event: post
    when: [age > 100000s, text matches "needle", len(text) > 120, '"cat" not in tags', event.n == 1]
    any: [age > 2d, age > 1d]
    then: {flag: word}
"""


def test_what_is_cut_or_rounded_in_the_record_is_no_reason_to_doubt_it() -> None:
    event = {"event_id": "e", "type": "post", "user_id": "u", "ts": START_MS, "n": 1}
    event |= {"age": 100_001, "text": "x" * 130 + "needle", "tags": ["concat", "b"]}
    messages = OfflineEngine(load_rulebook({"rules.yaml": LOSSY}), OPEN).run([Arrival("event", 0, orjson.dumps(event))])
    (decision,) = [orjson.loads(one.value) for one in messages if one.topic == "decisions"]
    verdicts = list(Reevaluation({"rules.yaml": LOSSY}).verdicts(decision))
    assert [one.certain for one in verdicts] == [False, False, False, False, True, True, True]
    assert all(one.now == one.recorded for one in verdicts if one.certain)


AT_LEAST = """
version: 1
fields: {age: {type: duration, unit: s}, size: {type: size, unit: KB}}
rules:
  r: {event: post, when: [CLAUSE], then: {flag: x}}
"""


def verdict(clause: str, value: object, conceal: Callable[[str], str] | None = None) -> ClauseVerdict:
    """What becomes of a clause that has held, by the value in its record."""
    [found] = Reevaluation({"rules.yaml": AT_LEAST.replace("CLAUSE", clause)}, conceal).verdicts(
        {"hits": [{"rule": "r", "clauses": [{"text": clause, "value": value, "result": True}]}]}
    )
    return found


@pytest.mark.parametrize(
    ("clause", "value", "certain"),
    [
        ("age >= 2d", "2d", False),  # it may have been a little less
        ("age <= 2d", "2d", False),  # or a little more
        ("age >= 2d", "2.01d", True),
        ("age <= 2d", "1.99d", True),
        ("age > 1d and size > 0.5MB", {"age": "2d", "size": "1MB"}, True),
        ("size >= 1MB and age > 1d", {"age": "2d", "size": "1MB"}, False),
        ('text == "a"', "a", True),
        ("len(text) > 1", "x" * 99, True),
        ("len(text) > 1", "x" * 100, False),  # the record has no more of it
    ],
)
def test_what_a_record_has_rounded_or_cut_is_certain_where_it_decides(
    clause: str, value: object, certain: bool
) -> None:
    assert verdict(clause, value).certain is certain


def test_people_wrote_ids_where_records_have_pseudonyms() -> None:
    clause = 'user_id == "ann"'
    assert verdict(clause, "hidden ann", lambda name: f"hidden {name}").now is True
    assert verdict(clause, "hidden ann").now is False
    assert verdict(clause, "ann").now is True


def test_what_was_remembered_leads_to_what_was_decided(tmp_path: Path) -> None:
    rules = """
version: 1
fields: {country: text}
values:
  last_country: {last: country, of: any, by: user_id, keep: 90d}
  known_for:    {age: first, of: any, by: user_id, keep: 90d}
rules:
  moved: {event: any, when: [country != last_country, known_for > 15m], then: {flag: x}}
"""
    (tmp_path / "rules.yaml").write_text(rules)
    events = [
        orjson.dumps(
            {"event_id": f"e{at}", "type": "login", "user_id": "u", "ts": START_MS + at * 600_000, "country": c}
        )
        for at, c in enumerate(("DE", "FR", "IT", "ES"))
    ]
    found = decisions(tmp_path, events, OPEN)
    assert [one["event_id"] for one in found] == ["e2", "e3"]
    assert "at least 20m" in str(found[0])
    verdicts = [verdict for one in found for verdict in Reevaluation(read_directory(tmp_path)).verdicts(one)]
    assert [(one.certain, one.now, one.recorded) for one in verdicts] == [(True, True, True)] * 4
