"""A counter whose window has become longer acts from what it has found on, as if it had always been so long."""

from itertools import count

import orjson
import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.engine import Arrival, OfflineEngine

START_MS = 1_772_449_200_000
RULES = """
version: 1
counters:
  c: {{count: post, by: user_id, over: {over}}}
  d: {{distinct: target_id, of: post, by: user_id, over: {over}}}
rules:
  flood: {{event: post, when: [{name} > 10], then: {{limit: posting, for: 1h}}}}
"""


def acted(windows: tuple[str, str], name: str, before: int = 8) -> list[str]:
    """The events that are acted on: so many posts, half a minute each, before the window changes, then one a
    minute."""
    first, second = (load_rulebook({"r.yaml": RULES.format(over=over, name=name)}) for over in windows)
    engine, numbers, found = OfflineEngine(first, Settings()), count(), list[str]()
    for rulebook, posts in ((first, before), (second, 60)):
        engine._rulebook = rulebook
        engine._use_models()
        arrivals = []
        for number in (next(numbers) for _ in range(posts)):
            ts = START_MS + (number * 30_000 if number < before else before * 30_000 + (number - before) * 60_000)
            event = {"event_id": f"p{number}", "type": "post", "user_id": "u", "ts": ts, "target_id": f"t{number}"}
            arrivals.append(Arrival("event", ts, orjson.dumps(event)))
        found += [orjson.loads(one.value)["event_id"] for one in engine.run(arrivals) if one.topic == "actions"]
    return found


@pytest.mark.parametrize("name", ["c", "d"])
def test_a_longer_window_acts_from_the_11th_on(name: str) -> None:
    always = acted(("1h", "1h"), name)
    assert always[0] == "p10"
    assert acted(("10m", "1h"), name) == always


@pytest.mark.parametrize("name", ["c", "d"])
def test_a_window_that_is_shorter_again_acts_as_it_did(name: str) -> None:
    assert acted(("1h", "10m"), name) == acted(("10m", "10m"), name)


def test_what_the_short_window_had_given_up_is_not_made_up() -> None:
    assert acted(("1s", "1h"), "c", before=60)[0] <= "p60"
