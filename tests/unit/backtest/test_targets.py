"""Whom a rule is about is counted, not who brought it about."""

import orjson
import pytest

from engine.backtest import targets
from engine.backtest.comparison import Comparison
from engine.backtest.guard import FEWEST, exceeding
from engine.backtest.page import page
from engine.backtest.run import backtest
from engine.backtest.targets import Targets, TrialTarget
from engine.core.domain.events import Event
from engine.core.domain.rules import Rulebook
from engine.rulebook.compiler import load_rulebook
from engine.security import PrivacySettings
from engine.settings import Settings
from tests.events import START_MS

REPORTS = """
version: 1
counters: {{reports: {{distinct: user_id, of: report, by: target_id, over: 1h}}}}
rules:
  reported: {{event: report, when: [reports >= {limit}], then: {{review: content, target: target_id}}{more}}}
"""


def reports(posts: int, each: int) -> list[bytes]:
    """Each of so many posts is reported by so many users."""
    return [
        orjson.dumps(
            {"event_id": f"r{post}-{user}", "type": "report", "user_id": f"u{post}-{user}", "target_id": f"p{post}",
             "ts": START_MS + 1_000 * (post * each + user)}
        )
        for post in range(posts) for user in range(each)
    ]  # fmt: skip


def rulebook(limit: int, more: str = "") -> Rulebook:
    return load_rulebook({"rules.yaml": REPORTS.format(limit=limit, more=more)})


def tried(events: list[bytes], new: Rulebook, old: Rulebook | None = None) -> Comparison:
    return backtest(new, old, events, [], Settings())


def test_targets_are_counted_not_those_who_report_them() -> None:
    found = tried(reports(posts=20, each=30), rulebook(10), rulebook(900))
    assert (found.users.acted_on, found.users.active, found.users.newly_count) == (0, 600, 0)
    (posts,) = found.others
    assert (posts.kind, posts.acted_on, posts.active, posts.newly_count) == ("target_id", 20, 20, 20)
    assert set(posts.newly) == {f"p{n}" for n in range(20)}
    (one,) = found.rules
    assert (one.about, one.targets, one.users) == ("target_id", 20, 20 * 21)
    assert "20 values of target_id" in page(found, "Backtest")


def test_the_guard_looks_at_the_share_of_targets() -> None:
    """Of the users nobody is acted on, of the posts all of them are."""
    found = tried(reports(posts=FEWEST + 1, each=30), rulebook(10), rulebook(900))
    exceeded = exceeding(found, 0.01)
    assert exceeded is not None
    assert exceeded.kind == "target_id"


def test_many_reporters_of_few_targets_are_no_harm() -> None:
    found = tried(reports(posts=2, each=200), rulebook(10), rulebook(900))
    assert found.others[0].newly_count == 2
    assert exceeding(found, 0.01) is None


def test_what_a_budget_keeps_back_and_what_is_in_shadow_know_their_targets() -> None:
    budget = tried(reports(20, 30), rulebook(10, ", budget: {max: 0.1%, per: 1h, if_exceeded: shadow}"))
    assert budget.rules[0].met == 20 * 21
    assert budget.others[0].acted_on == 20
    shadow = tried(reports(20, 30), rulebook(10, ", mode: shadow"))
    assert (shadow.others[0].acted_on, shadow.rules[0].targets) == (0, 20)


def test_an_action_on_an_event_concerns_its_user() -> None:
    text = REPORTS.format(limit=10, more="").replace("target: target_id", "target: event")
    found = tried(reports(posts=2, each=30), load_rulebook({"rules.yaml": text}))
    assert found.others == []
    assert found.users.acted_on == 2 * 21


def test_people_have_their_pseudonyms() -> None:
    settings = Settings(privacy=PrivacySettings(key="k" * 40))
    found = backtest(rulebook(10), rulebook(900), reports(2, 30), [], settings)
    assert found.others[0].newly_count == 2
    assert not {"p0", "p1"} & found.others[0].newly.keys()


def test_so_many_events_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "MOST_REMEMBERED", 2)
    book = rulebook(10)
    known = Targets([book])
    for number in range(3):
        known.note(Event(f"e{number}", "report", "u", START_MS, {"target_id": f"p{number}"}))
    found = [known.of(book.rules[0], f"e{number}", "report", START_MS, "u") for number in range(3)]
    assert found == [TrialTarget("user", "u"), TrialTarget("target_id", "p1"), TrialTarget("target_id", "p2")]
    assert known.seen == {"target_id": {"p0", "p1", "p2"}}
