"""Statistics, gaps and `having` equal a naive recount over all that has arrived, by user, by entity and by pair, late
and repeated events among it; counters with `before` equal the recount without the event at hand."""

import statistics
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.domain.events import FieldMapping
from engine.core.domain.rules import Rulebook
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage

CASES = 150
START_MS, OVER_MS = 1_760_000_000_000, 60_000
MEASURES: dict[str, tuple[int, Callable[[Sequence[float]], float]]] = {
    "max": (1, max), "min": (1, min), "mean": (1, statistics.mean), "stdev": (2, statistics.stdev),
    "median": (1, statistics.median),
}  # fmt: skip
BY = {"user_id": ("user_id",), "ip": ("ip",), "[user_id, ip]": ("user_id", "ip")}

steps = st.lists(
    st.tuples(
        st.integers(-30_000, 40_000), st.sampled_from("uv"), st.sampled_from("ab"), st.integers(0, 5), st.booleans()
    ),
    min_size=1,
    max_size=40,
)


class Sent(NamedTuple):
    """An event, and what it says."""

    time: int
    user_id: str
    ip: str
    amount: int


@cache
def rulebook_of(by: str) -> Rulebook:
    """Each counter with and without `before`, in a clause that shows them all."""
    counters, derived, names = list[str](), list[str](), list[str]()
    for suffix, option in (("", ""), ("_before", ", before: true")):
        tail = f"of: pay, by: {by}, over: {OVER_MS}ms{option}"
        for kind in MEASURES:
            counters += [f"{kind}{suffix}: {{{kind}: amount, {tail}}}", f"{kind}_g{suffix}: {{{kind}: gap, {tail}}}"]
            derived.append(f"{kind}_gap{suffix}: {kind}_g{suffix} / 1ms")
            names += [f"{kind}{suffix}", f"{kind}_gap{suffix}"]
        item = f"distinct: event.amount, {tail}"
        counters += [
            f"often{suffix}: {{{item}, having: {{at_least: 2}}}}",
            f"twice{suffix}: {{{item}, having: {{at_least: 2, at_most: 2}}}}",
            f"number{suffix}: {{count: pay, by: {by}, over: {OVER_MS}ms{option}}}",
        ]
        names += [f"often{suffix}", f"twice{suffix}", f"number{suffix}"]
    shown = " or ".join(f"known({name})" for name in names)
    sections = {"fields": ["amount: number"], "counters": counters, "derived": derived}
    sections["rules"] = [f"r: {{event: pay, when: ['{shown} or amount > -1'], then: {{flag: x}}}}"]
    text = "\n".join(f"{name}:\n" + "\n".join(f"  {line}" for line in lines) for name, lines in sections.items())
    return load_rulebook({"r.yaml": f"version: 1\n{text}\n"})


def recounted(inside: list[Sent], suffix: str) -> dict[str, Any]:
    """What all counters say of these events."""
    inside = sorted(inside, key=lambda one: one.time)
    often = Tally(one.amount for one in inside)
    found: dict[str, Any] = {
        "often": sum(times >= 2 for times in often.values()),
        "twice": sum(times == 2 for times in often.values()),
        "number": len(inside),
    }
    samples = {"": [one.amount for one in inside], "_gap": [two.time - one.time for one, two in pairwise(inside)]}
    for name, values in samples.items():
        for kind, (least, measured) in MEASURES.items():
            found[kind + name] = measured(values) if len(values) >= least else None
    return {name + suffix: value for name, value in found.items()}


@pytest.mark.parametrize("by", BY)
@settings(max_examples=CASES, deadline=None)
@given(moves=steps)
def test_statistics_equal_the_recount(by: str, moves: list[tuple[int, str, str, int, bool]]) -> None:
    stage, mapping = ExampleStage(rulebook_of(by), {}), FieldMapping()
    newest, seen = START_MS, list[Sent]()
    for number, (step, user_id, ip, amount, again) in enumerate(moves):
        sent = Sent(newest + step, user_id, ip, amount)
        newest = max(newest, sent.time)
        document = {"event_id": f"e{number}", "type": "pay", "ts": sent.time, **sent._asdict()}
        (decision,) = stage.send(mapping.read(dict(document), content=number))
        before = [one for one in seen if alike(one, sent, by) and sent.time - OVER_MS < one.time <= sent.time]
        expected = recounted([*before, sent], "") | recounted(before, "_before")
        shown = dict(decision.hits[0].clauses[0].values)
        shown.pop("amount")
        assert shown == {name: pytest.approx(value) for name, value in expected.items()}
        seen.append(sent)
        if again:
            assert not stage.send(mapping.read(dict(document), content=number))


def alike(one: Sent, other: Sent, by: str) -> bool:
    """Whether two events are at the same entity."""
    return all(getattr(one, name) == getattr(other, name) for name in BY[by])
