"""One message of `raw_events`, and what goes on."""

import asyncio
from typing import Any

import orjson
import pytest

from engine.core.domain.events import FieldMapping
from engine.enrich.enricher import Missing, RawEvent
from engine.enrich.metrics import MOST_REASONS, OTHERS, EnrichMetrics
from engine.enrich.running import Running
from engine.enrich.stage import Stage
from engine.enrichment_settings import EnricherSettings
from tests.unit.enrich.enrichers import Given, Media


def enrich(data: bytes, kind: type[Given] = Given) -> bytes:
    async def go() -> bytes:
        running = Running("given", kind(), EnricherSettings(limit_ms=100), 1_000)
        return await Stage([running], FieldMapping(), EnrichMetrics()).enrich(data)

    return asyncio.run(go())


def enriched(document: Any, kind: type[Given] = Given) -> Any:
    return orjson.loads(enrich(orjson.dumps(document), kind))


def test_what_is_found_and_what_is_missing_stand_below_enriched() -> None:
    assert enriched({"answer": {"a": 1}}) == {"answer": {"a": 1}, "enriched": {"given": {"a": 1}}}
    assert enriched({"answer": "missing"}) == {"answer": "missing", "enriched": {"missing": {"given": "too_odd"}}}


def test_what_is_about_pictures_stands_below_media_and_their_bytes_go() -> None:
    assert enriched({"answer": {"a": 1}, "media": {"b": 2}}, Media) == {"media": {"a": 1}}


def test_what_several_find_in_the_same_pictures_is_put_together() -> None:
    class Other(Media):
        """Finds something else."""

        async def enrich(self, event: RawEvent) -> Any:
            """Beside what the event says."""
            return {"score": {"b": 2}, "unread": ["x", "y"], "text": "t"}

    async def go() -> bytes:
        runnings = [Running(kind.__name__, kind(), EnricherSettings(), 1_000) for kind in (Media, Other)]
        answer = {"score": {"a": 1}, "unread": ["x"], "hashes": ["h"]}
        return await Stage(runnings, FieldMapping(), EnrichMetrics()).enrich(orjson.dumps({"answer": answer}))

    assert orjson.loads(asyncio.run(go())) == {
        "media": {"score": {"a": 1, "b": 2}, "unread": ["x", "y"], "hashes": ["h"], "text": "t"}
    }


@pytest.mark.parametrize("name", ["enriched", "media"])
def test_nobody_else_writes_what_the_stage_writes(name: str) -> None:
    assert enriched({"x": 1, name: {"given": {"a": 0}}}) == {"x": 1}
    assert enriched({"answer": "nothing", name: [1]}) == {"answer": "nothing"}
    assert enriched({"x": 1, f"{name}.given.a": 0}) == {"x": 1}  # a rule's `from` would read it there
    assert enriched({"answer": "nothing", f"{name}.given.a": 0, f"{name}s.b": 1}) == {
        "answer": "nothing", f"{name}s.b": 1
    }  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"no json", b"[1]", b'"text"', b'{"a":1}', b'{ "a": "\\ud800" }', b"\xff\xfe"])
def test_what_nothing_is_asked_about_goes_on_as_it_came(data: bytes) -> None:
    assert enrich(data) == data


def test_what_is_no_proper_json_is_asked_about_too() -> None:
    assert orjson.loads(enrich(b'{"answer": {"a": NaN}, "x": "\\ud800"}'))["enriched"] == {"given": {"a": []}}


def test_nesting_exempts_nobody() -> None:
    nested = b'{"answer": {"a": 1}, "x": ' + b"[" * 900 + b"]" * 900 + b"}"
    assert orjson.loads(enrich(nested))["enriched"] == {"given": {"a": 1}}


def test_types_are_found_where_producers_have_them() -> None:
    async def go() -> bytes:
        running = Running("given", Given(), EnricherSettings(events=("7",)), 1_000)
        mapping = FieldMapping({"type": "kind.id"})
        return await Stage([running], mapping, EnrichMetrics()).enrich(b'{"answer":{"a":1},"kind":{"id":7}}')

    assert b"enriched" in asyncio.run(go())


class Odd(Given):
    """Cannot tell, for another reason each time, as a process that was taken over may say."""

    async def enrich(self, event: RawEvent) -> Any:
        """What the event says."""
        raise Missing(event.find("answer"))


def test_the_reasons_that_have_a_label_of_their_own_are_so_many_and_no_more() -> None:
    async def go() -> EnrichMetrics:
        metrics = EnrichMetrics()
        stage = Stage([Running("odd", Odd(), EnricherSettings(), 1_000)], FieldMapping(), metrics)
        for number in range(3 * MOST_REASONS):
            await stage.enrich(orjson.dumps({"answer": f"reason_{number}"}))
        await stage.enrich(orjson.dumps({"answer": "timeout"}))  # those of the stage are told apart all the same
        return metrics

    counted = {
        sample.labels["reason"]: sample.value
        for metric in asyncio.run(go()).registry.collect() if metric.name == "floodgate_enricher_missing"
        for sample in metric.samples if sample.name.endswith("_total")
    }  # fmt: skip
    assert len(counted) <= MOST_REASONS + 1
    assert (sum(counted.values()), counted["timeout"]) == (3 * MOST_REASONS + 1, 1)
    assert counted[OTHERS] > MOST_REASONS
