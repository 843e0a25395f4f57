"""Inputs that were decided wrongly once: each gives what was expected of it. Skipped where they are not at hand."""

from collections import Counter
from pathlib import Path

import orjson
import pytest

from engine.cli.recordings import read_events
from engine.core.domain.events import FieldMapping
from engine.rulebook.compiler import check_rulebook, load_rulebook, read_directory
from engine.settings import Settings
from engine.stream.offline.engine import OfflineEngine

CASES = Path(__file__).parents[3] / "shared" / "cases" / "faults"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="THE CASES ARE NOT AT HAND: ../shared/cases/faults")

ACTIONS = {
    "01": {"swarm": 5}, "02": {"swarm": 5}, "03": {"swarm": 5}, "04": {"swarm": 5}, "06": {"swarm": 5},
    "07": {"swarm": 5}, "09": {"swarm": 5}, "11": {}, "13": {}, "15": {"flood": 34}, "16": {"flood": 3}, "17": {},
    "18": {"tag": 1}, "27": {"copy": 9}, "28": {},
}  # fmt: skip
"""How often each rule acts."""

FINDINGS = {
    "10": ['`distinct` knows no field "taget_id"', '`sum` knows no field "amonut"'],
    "18": ["`#freecrypto` is a comment here, not an entry"],
    "19": [r"`\b` knows the letters of ASCII alone: beside another letter it does not hold"] * 2,
}
"""What the check says, besides that rules lack an owner."""


def case(number: str) -> Path:
    return next(path for path in CASES.iterdir() if path.name.startswith(number))


@pytest.mark.parametrize("number", ACTIONS)
def test_the_rules_act_as_they_should(number: str) -> None:
    engine = OfflineEngine(load_rulebook(case(number) / "rules"), Settings())
    arrivals = read_events(case(number) / "events.jsonl", FieldMapping())
    acted = [orjson.loads(one.value)["rule"] for one in engine.run(arrivals) if one.topic == "actions"]
    assert Counter(acted) == ACTIONS[number]


@pytest.mark.parametrize("number", FINDINGS)
def test_the_check_tells_what_is_wrong(number: str) -> None:
    _, diagnostics = check_rulebook(read_directory(case(number) / "rules"))
    assert [one.message for one in diagnostics.findings if "has no" not in one.message] == FINDINGS[number]


def test_of_a_directory_only_the_files_that_lists_name_are_read() -> None:
    assert list(read_directory(case("25") / "rules" / "rules.yaml")) == ["rules.yaml"]
