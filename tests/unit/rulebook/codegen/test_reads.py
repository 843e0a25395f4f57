"""Generated conditions read each name once, and only when it is its turn."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rulebook.codegen.reads import Reads

Condition = str | tuple[str, list["Condition"]]
"""A name, or several conditions joined by a word."""

NAMES = "abcd"
conditions: st.SearchStrategy[Condition] = st.recursive(
    st.sampled_from(NAMES),
    lambda inner: st.tuples(st.sampled_from(("and", "or")), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=6,
)


def written(reads: Reads, condition: Condition) -> str:
    """Source of a condition."""
    if isinstance(condition, str):
        return condition if condition in reads else reads.read(condition, f"get({condition!r})")
    word, parts = condition
    return reads.joined(word, [partial(written, reads, part) for part in parts])


def holds(condition: Condition, get: Callable[[str], bool]) -> bool:
    """What it is."""
    if isinstance(condition, str):
        return get(condition)
    word, parts = condition
    return (all if word == "and" else any)(holds(part, get) for part in parts)


class Noted:
    """Values by name, and which of them have been asked for."""

    def __init__(self, values: dict[str, bool]) -> None:
        self.values = values
        self.asked: list[str] = []

    def get(self, name: str) -> bool:
        self.asked.append(name)
        return self.values[name]

    def remembered(self, name: str) -> bool:
        return self.values[name] if name in self.asked else self.get(name)


def run(lines: list[Condition], values: dict[str, bool], *, in_order: bool) -> tuple[list[int], list[str]]:
    """Which conditions hold, and what has been asked for."""
    reads, noted = Reads(), Noted(values)
    if in_order:
        with reads.in_order():
            sources = [written(reads, line) for line in lines]
    else:
        sources = [written(reads, line) for line in lines]
    body = [f" if {source}: held.append({at})" for at, source in enumerate(sources)]
    unread = [f" {name} = U" for name in sorted(reads.asked)]
    namespace: dict[str, Any] = {"U": object(), "get": noted.get}
    exec("\n".join(["def decide():", " held = []", *unread, *body, " return held"]), namespace)  # noqa: S102  # as generated functions are made
    return namespace["decide"](), noted.asked


@settings(max_examples=500, deadline=None)
@given(st.lists(conditions, max_size=4), st.fixed_dictionaries(dict.fromkeys(NAMES, st.booleans())), st.booleans())
def test_each_name_is_read_when_it_is_asked_for_first(
    lines: list[Condition], values: dict[str, bool], in_order: bool
) -> None:
    noted = Noted(values)
    held = [at for at, line in enumerate(lines) if holds(line, noted.remembered)]
    assert run(lines, values, in_order=in_order) == (held, noted.asked)


@pytest.mark.parametrize(
    ("lines", "source"),
    [
        (["a", "a"], ["(a := get('a'))", "a"]),
        ([("and", ["a", "b"]), ("and", ["a", "b"])],
         ["((a := get('a')) and (b := get('b')))", "(a and (b if b is not U else (b := get('b'))))"]),
        ([("or", ["a", ("and", ["a", "b"])])], ["((a := get('a')) or (a and (b := get('b'))))"]),
        ([("and", [("and", ["a", "b"]), "b"])], ["(((a := get('a')) and (b := get('b'))) and b)"]),
    ],
)  # fmt: skip
def test_nothing_is_asked_where_it_is_certain(lines: list[Condition], source: list[str]) -> None:
    reads = Reads()
    with reads.in_order():
        assert [written(reads, line) for line in lines] == source


def test_what_is_written_apart_may_be_run_at_any_time() -> None:
    reads = Reads()
    with reads.in_order():
        assert written(reads, "a") == "(a := get('a'))"
        with reads.apart():
            assert written(reads, "a") == "(a if a is not U else (a := get('a')))"
        assert written(reads, "a") == "a"
