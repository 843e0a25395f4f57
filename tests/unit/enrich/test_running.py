"""An enricher within its limits."""

import asyncio
from typing import Any

import pytest

from engine.enrich.enricher import Missing, RawEvent
from engine.enrich.running import Rest, Running
from engine.enrichment_settings import EnricherSettings, RestSettings
from tests.unit.enrich.enrichers import Given


async def reason_of(running: Running, **fields: Any) -> str:
    try:
        answer = await running.ask(RawEvent(fields))
    except Missing as missing:
        return missing.reason
    return str(answer)


def running(enricher: Given, **settings: Any) -> Running:
    return Running("given", enricher, EnricherSettings(**settings), 1_000)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"a": 1}, "{'a': 1}"), ("nothing", "None"), ("missing", "too_odd"), ("fail", "failed"), ("hang", "timeout"),
        ({"a": "x" * 1_000}, "too_much_found"), ([1], "failed"),
    ],
)  # fmt: skip
def test_it_answers_or_says_why_not(answer: Any, told: str) -> None:
    async def ask() -> str:
        return await reason_of(running(Given(), limit_ms=200, turn_ms=20), answer=answer)

    assert asyncio.run(ask()) == told


def test_one_that_hangs_takes_nobody_elses_turn() -> None:
    async def ask() -> list[str]:
        one = running(Given(), limit_ms=5_000, turn_ms=20, at_once=1)
        return await asyncio.gather(*(reason_of(one, answer=answer) for answer in ("hang", "hang", {"a": 1})))

    assert asyncio.run(ask()) == ["timeout", "timeout", "{'a': 1}"]


def test_who_does_not_get_a_turn_within_the_limit_is_told_so() -> None:
    async def ask() -> str:
        one = running(Given(), limit_ms=40, at_once=1)
        async with one._room:  # somebody else's turn
            return await reason_of(one, answer={"a": 1})

    assert asyncio.run(ask()) == "busy"


def test_answers_are_remembered_by_their_keys_and_failures_are_not() -> None:
    async def ask() -> tuple[list[str], int]:
        given = Given()
        one = running(given)
        told = [await reason_of(one, answer=answer, key="k") for answer in ("fail", {"a": 1}, {"b": 2})]
        return told, given.asked

    assert asyncio.run(ask()) == (["failed", "{'a': 1}", "{'a': 1}"], 2)


def test_only_the_declared_types_are_asked_about() -> None:
    async def about() -> list[bool]:
        one = running(Given(), events=("post",))
        return [one.is_about(RawEvent({"answer": 1}, kind)) for kind in ("post", "login", "")]

    assert asyncio.run(about()) == [True, False, False]


def test_it_rests_after_failures_in_a_row_until_one_event_has_tried() -> None:
    now = [100.0]
    rest = Rest(RestSettings(failures=2, seconds=10), lambda: now[0])
    seen = []
    for has_failed in (True, False, True, True):
        rest.note(has_failed)
        seen.append(rest.is_on)
    now[0] = 110.0
    seen.append(rest.is_on)
    rest.note(has_failed=True)
    seen.append(rest.is_on)
    assert seen == [False, False, False, True, False, True]


def test_what_a_sender_makes_missing_never_lets_it_rest() -> None:
    async def ask() -> str:
        one = running(Given(), rest=RestSettings(failures=1))
        await reason_of(one, answer="missing")
        before = await reason_of(one, answer={"a": 1})
        await reason_of(one, answer="fail")
        return before + await reason_of(one, answer={"a": 1})

    assert asyncio.run(ask()) == "{'a': 1}resting"
