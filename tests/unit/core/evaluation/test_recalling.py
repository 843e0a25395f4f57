"""For how long a partition has watched for what is new, and what the evaluator makes of it."""

import pytest

from engine.core.domain.events import FieldMapping
from engine.core.domain.programs import Warming
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.recalling import watched
from engine.core.series.remembered import Registers
from engine.core.state.entities import EntityRecord
from engine.rulebook.compiler import load_rulebook

START_MS = 1_760_000_000_000
HOUR_MS = 3_600_000
WARMING = Warming("v watched", 5, 10, True)
RULES = """
version: 1
values:
  is_new: {new: login, by: user_id, keep: 90d, warm: 2h}
  age:    {age: first, of: login, by: user_id, keep: 90d, warm: 2h}
rules:
  new:   {event: login, when: [is_new], then: {flag: x}}
  again: {event: any, when: [not is_new], then: {flag: x}}
  young: {event: any, when: [age < 5h], then: {flag: x}}
  old:   {event: any, when: [age >= 1h], then: {flag: x}}
"""


def test_time_is_watched_from_the_first_event_on() -> None:
    registers: Registers = {}
    found = [watched([WARMING], registers, now)["v watched"] for now in (100, 105, 115, 125)]
    assert found == [0, 5, 15, 25]


def test_a_pause_begins_it_anew() -> None:
    registers: Registers = {}
    assert [watched([WARMING], registers, now)["v watched"] for now in (100, 105, 116, 117)] == [0, 5, 0, 1]


def test_events_of_other_types_only_ask() -> None:
    registers: Registers = {}
    other = WARMING._replace(enters=False)
    assert watched([other], registers, 100) == {"v watched": 0}
    assert registers == {}
    watched([WARMING], registers, 101)
    assert watched([other], registers, 104) == {"v watched": 3}


class Partition:
    """Events of several users in one partition, with its ledger or without."""

    def __init__(self, with_ledger: bool = True) -> None:
        self._rulebook = load_rulebook({"rules.yaml": RULES})
        self._evaluator = Evaluator(self._rulebook, {})
        self._ledger = EntityRecord() if with_ledger else None
        self._users: dict[str, EntityRecord] = {}
        self._sent = 0

    def hits(self, at_h: float, user_id: str, kind: str = "login") -> list[str]:
        self._sent += 1
        document = {
            "event_id": f"e{self._sent}",
            "type": kind,
            "user_id": user_id,
            "ts": START_MS + round(at_h * HOUR_MS),
        }
        event, program = FieldMapping().read(document), self._rulebook.program(kind)
        assert program is not None
        user = self._users.setdefault(user_id, EntityRecord())
        decision = self._evaluator.evaluate(event, program, user, ledger=self._ledger).decision
        return [hit.rule for hit in decision.hits] if decision is not None else []


def test_nobody_is_new_before_others_have_been_watched() -> None:
    partition = Partition()
    assert partition.hits(0, "ann") == []
    assert partition.hits(1, "ben") == []
    assert partition.hits(1.5, "ann") == ["again", "old"]  # that is certain, and her age is at least that
    assert partition.hits(2, "cid") == ["new"]
    assert partition.hits(3.5, "cid") == ["again", "young", "old"]
    assert partition.hits(3.6, "cid", "pay") == ["again", "young", "old"]
    assert partition.hits(5, "ben") == ["again", "old"]


def test_without_a_ledger_everything_has_been_watched() -> None:
    assert Partition(with_ledger=False).hits(0, "ann") == ["new"]


@pytest.mark.parametrize(("rules", "keeps"), [(RULES, True), ("version: 1\n", False)])
def test_a_ledger_is_kept_where_something_has_to_be_watched(rules: str, keeps: bool) -> None:
    assert load_rulebook({"rules.yaml": rules}).keeps_ledger is keeps
