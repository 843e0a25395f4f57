"""Signals as rows: as of their times, and with nothing of what came later."""

from functools import cache
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.features import AT_LEAST, Asked, Row, column_types, rows
from engine.keys.pseudonyms import Pseudonyms
from engine.rulebook.tools.observation import Observed, observe
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from tests.events import START_MS, random_events, swarm_events

RULES = """
version: 1
fields: {urls: list, label: text}
values:
  seen: {age: first, of: any, by: user_id, keep: 30d}
counters:
  posts_1h: {count: post, by: user_id, over: 1h}
  few_1h: {count: post, by: user_id, over: 1h, cap: 2}
  network_1h: {distinct: user_id, of: any, by: ip_prefix, over: 1h}
  spam_1d: {count: label.spam, by: user_id, over: 1d}
  target_spam_1d: {count: label.spam, by: target_id, over: 1d}
  ham_1d: {count: label.ham, by: user_id, over: 1d}
  met_1d: {count: hit.flood, by: user_id, over: 1d}
derived: {record: {ratio: [spam_1d, posts_1h], bound: wilson_lower_95}}
rules:
  flood: {event: post, when: [posts_1h > 3], then: {flag: x}, mode: enforce}
"""


def event(at: int, **more: Any) -> Arrival:
    document = {"event_id": f"e{at}", "type": "post", "user_id": "u", "ts": START_MS + at * 1_000, **more}
    return Arrival("event", document["ts"], orjson.dumps(document))


def label(at: int, verdict: str, late: int = 0, **more: Any) -> Arrival:
    """A verdict on an event, so many seconds after it."""
    ts_ms = START_MS + (at + late) * 1_000
    return Arrival("label", ts_ms, orjson.dumps({"event_id": f"e{at}", "label": verdict, "ts": ts_ms, **more}))


@cache
def observed(event_type: str | None, model: str | None) -> Observed:
    """The rulebook above, compiled once."""
    return observe({"rules.yaml": RULES}, None, event_type, model)


def made(
    events: list[Arrival], labels: list[Arrival] | None = None, settings: Settings | None = None,
    asked: Asked | None = None,
) -> list[Row]:  # fmt: skip
    asked = asked or Asked()
    return list(rows(observed(asked.event_type, asked.model), asked, events, labels, settings or Settings()))


def test_each_event_has_a_row_as_of_its_time() -> None:
    table = made([event(0, urls=["a"]), event(1), event(2, user_id="v")])
    assert [(row["event_id"], row["user_id"], row["type"]) for row in table] == [
        ("e0", "u", "post"), ("e1", "u", "post"), ("e2", "v", "post")
    ]  # fmt: skip
    assert [(row["posts_1h"], row["urls"]) for row in table] == [(1, ["a"]), (2, None), (1, None)]
    assert [row["ts"] for row in table] == [START_MS, START_MS + 1_000, START_MS + 2_000]


def test_a_bound_is_a_number_with_a_column_that_says_so() -> None:
    table = made([event(at) for at in range(1_200)])
    last = table[-1]
    assert last["few_1h"] >= 2
    assert last["few_1h" + AT_LEAST] is True
    assert "posts_1h" + AT_LEAST not in table[0]


def test_a_label_counts_at_its_own_time_and_stands_in_its_own_column() -> None:
    table = made([event(at) for at in range(6)], [label(0, "spam", late=3, policy="scam"), label(1, "ham", late=1)])
    assert [row["spam_1d"] for row in table] == [0, 0, 0, 0, 1, 1]
    assert [row["ham_1d"] for row in table] == [0, 0, 0, 1, 1, 1]
    assert [(row["label"], row["policy"]) for row in table[:3]] == [("spam", "scam"), ("ham", None), (None, None)]
    assert table[0]["label_ts"] == START_MS + 3_000


def test_the_label_is_the_last_verdict_by_time() -> None:
    changed = made([event(0)], [label(0, "ham", late=9), label(0, "spam", late=2)])
    taken_back = made([event(0)], [label(0, "spam"), label(0, "retracted", late=5)])
    assert [changed[0]["label"], taken_back[0]["label"]] == ["ham", None]


def test_hits_count_for_the_very_next_event() -> None:
    assert [row["met_1d"] for row in made([event(at) for at in range(6)])] == [0, 0, 0, 0, 1, 2]


def test_a_field_that_is_called_like_a_column_has_another_name() -> None:
    (row,) = made([event(0, label="x")], [label(0, "spam")])
    assert (row["label"], row["label__signal"]) == ("spam", "x")
    assert {"label", "label__signal", "policy"} <= column_types(observe({"r.yaml": RULES}).signals, True).keys()


def test_what_is_no_event_or_comes_again_has_no_row() -> None:
    table = made([event(0), Arrival("event", 0, b"{"), event(0), event(1)])
    assert [row["event_id"] for row in table] == ["e0", "e1"]


def test_one_type_alone_has_rows_and_all_are_counted() -> None:
    table = made([event(0, type="comment"), event(1)], asked=Asked(event_type="post"))
    assert [(row["event_id"], row["seen"]) for row in table] == [("e1", 1_000)]


def test_people_have_pseudonyms_as_in_decisions(tmp_path: Path) -> None:
    key = "0123456789abcdef" * 4
    (tmp_path / "key").write_text(key)
    settings = Settings(privacy=PrivacySettings(key_file=str(tmp_path / "key")))
    table = made([event(0), event(1)], settings=settings)
    assert [row["user_id"] for row in table] == [Pseudonyms([key], ()).of("u")] * 2
    assert [row["posts_1h"] for row in table] == [1, 2]


STREAM = [Arrival("event", orjson.loads(line)["ts"], line) for line in (*random_events(60, users=6), *swarm_events(90))]
VERDICTS = st.lists(st.tuples(st.integers(0, 59), st.sampled_from(["spam", "ham"]), st.integers(0, 40)), max_size=25)


@settings(max_examples=60)
@given(VERDICTS, st.integers(1, 149))
def test_no_signal_changes_when_more_comes_later(verdicts: list[tuple[int, str, int]], cut: int) -> None:
    """All that is known up to an event, and then all that ever became known: the rows are the same but for labels."""
    labels = [
        Arrival("label", ts_ms, orjson.dumps({"event_id": f"e{at}", "label": verdict, "ts": ts_ms}))
        for at, verdict, late in verdicts
        for ts_ms in [START_MS + at * 250 + late * 1_000]
    ]
    newest_ms = max(arrival.ts_ms for arrival in STREAM[:cut])
    earlier = made(STREAM[:cut], [one for one in labels if one.ts_ms < newest_ms])
    later = made(STREAM, labels)
    assert [_signals(row) for row in earlier] == [_signals(row) for row in later[: len(earlier)]]


def _signals(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("label", "label_ts", "policy")}
