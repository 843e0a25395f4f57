"""Lies: told by attackers alone, alike for the same seed, and without a word about when an event came."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest

from engine.cli.lies import tell_lies
from engine.cli.output import Console
from engine.core.domain.events import CLOCK_TOLERANCE_MS
from engine.keys.text import text_keys
from engine.keys.urls import url_domains
from engine.sim.attacks import Event
from engine.sim.lies import IDS, LIES, LONG_FIELD, MADE_UP, PADDING, Lie, LyingDay, outcome, tell_lie
from engine.sim.people import HOUR_MS
from engine.sim.world import ALL_ATTACKS, SimulatedEvent, simulate_day

BY_NAME = {lie.name: lie for lie in LIES}
DAY_MS = 24 * HOUR_MS


ACCOUNTS, EVENTS = 6, 70


@pytest.fixture(scope="module")
def day() -> list[SimulatedEvent]:
    """Few accounts of each attack, with few events each: a lie is told about each of them in the same way."""
    accounts: dict[str, Counter[object]] = defaultdict(Counter)
    kept = []
    for one in simulate_day(people=50):
        user_id = one.event["user_id"]
        if one.attack is not None:
            mine = accounts[one.attack]
            if mine[user_id] == EVENTS or (user_id not in mine and len(mine) == ACCOUNTS):
                continue
            mine[user_id] += 1
        kept.append(one)
    return kept


def pairs(day: list[SimulatedEvent], lie: Lie) -> list[tuple[SimulatedEvent, Event]]:
    """Each event of the day and what is sent instead."""
    sent = [one for one in tell_lie(day, lie) if "made-up" not in str(one.event["event_id"])]
    return [(honest, one.event) for honest, one in zip(day, sent, strict=True)]


def lied_about(day: list[SimulatedEvent], name: str) -> list[tuple[Event, Event]]:
    lie = BY_NAME[name]
    return [(one.event, event) for one, event in pairs(day, lie) if one.attack is not None and lie.concerns(one.event)]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_only_attackers_lie_and_all_say_when_it_came(day: list[SimulatedEvent], lie: Lie) -> None:
    for one, event in pairs(day, lie):
        if one.attack is None or not lie.concerns(one.event):
            assert event is one.event
        else:
            assert event["arrived"] == one.event["ts"]
            assert event["user_id"] == one.event["user_id"]
            assert "arrived" not in one.event


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_the_same_seed_tells_the_same_and_twice_is_the_same_twice(day: list[SimulatedEvent], lie: Lie) -> None:
    few = [one for one in day if one.attack is not None][::23]
    few = sorted([*few, *few[::5]], key=lambda one: int(str(one.event["ts"])))
    sent = [one.event for one in tell_lie(few, lie)]
    assert sent == [one.event for one in tell_lie(few, lie)]
    by_honest = defaultdict(list)
    for one, event in pairs(few, lie):
        by_honest[one.event["event_id"]].append(event)
    assert max(map(len, by_honest.values())) == 2
    assert all(event == events[0] for events in by_honest.values() for event in events)


def test_each_lie_can_be_told_in_some_attack(day: list[SimulatedEvent]) -> None:
    for lie in LIES:
        assert {one.attack for one in day if one.attack is not None and lie.concerns(one.event)}


def test_one_event_of_each_account_is_ahead(day: list[SimulatedEvent]) -> None:
    ahead: dict[object, set[object]] = defaultdict(set)
    for honest, event in lied_about(day, "time_ahead"):
        if event["ts"] != honest["ts"]:
            assert 2 * HOUR_MS <= _ahead(honest, event) < 23 * HOUR_MS
            ahead[event["user_id"]].add(event["event_id"])
    accounts = {one.event["user_id"] for one in day if one.attack is not None}
    assert ahead.keys() == accounts
    assert all(len(ids) == 1 for ids in ahead.values())


def test_all_events_are_back(day: list[SimulatedEvent]) -> None:
    assert all(HOUR_MS <= -_ahead(honest, event) < 9 * DAY_MS for honest, event in lied_about(day, "time_back"))


def test_clocks_are_a_little_off(day: list[SimulatedEvent]) -> None:
    off = [_ahead(honest, event) for honest, event in lied_about(day, "time_near")]
    assert -CLOCK_TOLERANCE_MS <= min(off) < -0.9 * CLOCK_TOLERANCE_MS
    assert 0.9 * CLOCK_TOLERANCE_MS < max(off) < CLOCK_TOLERANCE_MS


def test_times_fall_as_long_as_they_are_believed(day: list[SimulatedEvent]) -> None:
    told = sorted(lied_about(day, "time_falls"), key=lambda pair: int(str(pair[0]["ts"])))
    assert all(abs(_ahead(honest, event)) <= CLOCK_TOLERANCE_MS for honest, event in told)
    steps = [int(str(event["ts"])) - int(str(before["ts"])) for (_, before), (_, event) in pairwise(told)]
    assert sum(step > 0 for step in steps) < len(steps) / 20


def test_a_minute_is_told_as_five(day: list[SimulatedEvent]) -> None:
    off = [_ahead(honest, event) for honest, event in lied_about(day, "time_fast")]
    assert -CLOCK_TOLERANCE_MS <= min(off) < -0.9 * CLOCK_TOLERANCE_MS
    assert 0.9 * CLOCK_TOLERANCE_MS < max(off) <= CLOCK_TOLERANCE_MS


def test_ids_are_few(day: list[SimulatedEvent]) -> None:
    ids = defaultdict(set)
    for _, event in lied_about(day, "one_id"):
        ids[event["user_id"]].add(event["event_id"])
    assert all(len(some) == 1 for some in ids.values())
    assert len({event["event_id"] for _, event in lied_about(day, "ids_in_turn")}) == IDS


def test_a_field_is_bad(day: list[SimulatedEvent]) -> None:
    assert all(event["device_id"] == [5] for _, event in lied_about(day, "bad_field"))
    assert all(event["note"] == LONG_FIELD for _, event in lied_about(day, "long_field"))


def test_padding_stands_before_text_and_links(day: list[SimulatedEvent]) -> None:
    used = set()
    for honest, event in lied_about(day, "padding"):
        text, was = str(event["text"]), str(honest["text"])
        assert text.endswith(was)
        assert set(text.removesuffix(was)) == {text[0]}
        assert len(text) == PADDING + len(was)
        used.add(text[0])
        assert [url[PADDING:] for url in _links(event)] == _links(honest)
    assert len(used) == 8


def test_the_real_link_comes_last(day: list[SimulatedEvent]) -> None:
    for honest, event in lied_about(day, "decoys"):
        real, domains = url_domains(honest), url_domains(event)
        assert domains[-len(real) :] == real
        assert 4 <= len(domains) - len(real) <= 6
        assert bool(_links(event)) == bool(_links(honest))


def test_a_crafted_copy_shares_no_key_with_another(day: list[SimulatedEvent]) -> None:
    crafted, copied = {}, {}
    for honest, event in lied_about(day, "crafted_copies"):
        assert len(str(event["text"]).split()) == len(str(honest["text"]).split()) + 2
        if honest["type"] == "comment":
            crafted[honest["event_id"]], copied[honest["event_id"]] = event["text"], honest["text"]
    assert _most(copied.values()) > 1
    assert _most(crafted.values()) == 1


@pytest.mark.parametrize("form", [str.isupper, lambda text: "[.]" in text, lambda text: "\u200b" in text])
def test_domains_are_written_in_three_ways(day: list[SimulatedEvent], form: Callable[[str], bool]) -> None:
    told_apart = [_links(event)[0] for honest, event in lied_about(day, "split_domains") if _links(honest)]
    domains = [url.removeprefix("https://").partition("/")[0] for url in told_apart]
    assert 0.2 < sum(map(form, domains)) / len(domains) < 0.5


def test_made_up_keys_come_before_the_day_and_never_again(day: list[SimulatedEvent]) -> None:
    start = min(int(str(one.event["ts"])) for one in day)
    sent = list(tell_lie(day, BY_NAME["made_up_keys"]))
    accounts = {one.event["user_id"] for one in day if one.attack is not None}
    made = [one.event for one in sent[: MADE_UP * len(accounts)]]
    assert len(sent) == len(made) + len(day)
    assert {event["user_id"] for event in made} == accounts
    assert len({event["device_id"] for event in made}) == len(made)
    arrivals = [int(str(event["arrived"])) for event in made]
    assert arrivals == sorted(arrivals)
    assert start - HOUR_MS <= arrivals[0] <= arrivals[-1] < start
    assert sum(event["ts"] == event["arrived"] for event in made) == len(made) // 2
    assert all(int(str(event["ts"])) <= int(str(event["arrived"])) for event in made)


def done(action_id: str, user: str) -> dict[str, Any]:
    """An action on a user."""
    return {"action_id": action_id, "rule": "r", "user_id": user, "target": {"type": "user", "id": user}, "ts": 9}


def test_recall_is_told_by_accounts_and_an_action_id_counts_once(day: list[SimulatedEvent]) -> None:
    users = sorted({str(one.event["user_id"]) for one in day if one.attack == "post_flood"})
    actions = [done("one", user) for user in users[:3]]
    found = outcome(day, [*actions, done("two", "u00001")], BY_NAME["decoys"])
    assert found.recalls["post_flood"] is None  # without a link no decoy
    assert found.recalls["link_swarm"] == 0.0
    assert found.innocent == 1
    assert outcome(day, actions).recalls["post_flood"] == 1 / ACCOUNTS
    distinct = [action | {"action_id": str(at)} for at, action in enumerate(actions)]
    assert outcome(day, distinct).recalls["post_flood"] == 0.5


@pytest.mark.parametrize(
    ("recall", "innocent", "well"), [(0.96, 0, True), (0.9, 0, False), (1.0, 1, True), (1.0, 2, False), (None, 0, True)]
)
def test_the_table_tells_what_a_lie_is_worth(recall: float | None, innocent: int, well: bool) -> None:
    honest = LyingDay(dict.fromkeys(ALL_ATTACKS, 1.0), 0, 1_000)
    lying = {"one_id": LyingDay({**honest.recalls, "chat_raid": recall}, innocent, 1_000)}
    file = StringIO()
    assert tell_lies(Console(file=file, width=60), honest, lying) is well
    told_of = file.getvalue()
    assert ("one id helps chat_raid" in told_of) is (recall == 0.9)
    assert "report_brigade" in told_of
    assert "all events of an account have the same id" in told_of


def _ahead(honest: Event, event: Event) -> int:
    return int(str(event["ts"])) - int(str(honest["ts"]))


def _links(event: Event) -> list[str]:
    urls = event["urls"]
    assert isinstance(urls, list)
    return urls


def _most(texts: Iterable[object]) -> int:
    """In how many texts a key is at most."""
    return max(Counter(key for text in texts for key in text_keys(str(text))).values())
