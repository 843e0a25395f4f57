"""What holds of each enricher. Somebody's tests derive from `EnricherTests`, and pytest runs what is here on theirs:

class TestPhones(EnricherTests):
    kind = Phones
    events = ({"event_id": "1", "type": "post", "user_id": "u", "text": "call +49 30 123456"},)
    finds = ({"countries": ["DE"]},)
"""

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson

from engine.core.domain.events import FieldMapping
from engine.enrich.answers import Missing
from engine.enrich.enricher import Enricher, RawEvent
from engine.enrich.metrics import EnrichMetrics
from engine.enrich.running import Running
from engine.enrich.stage import Stage
from engine.enrichment_settings import EnricherSettings

_STRANGE: tuple[Any, ...] = (
    None, True, -1, 2**63 - 1, 1e308, "", "x" * 70_000, "\ufeff\u202e\0 \U0010ffff", [], [[["x"]] * 100], {},
    {"url": "http://169.254.169.254/"}, {"": {"": ""}},
)  # fmt: skip
"""What a sender may write where something else is expected."""

_MAX_BYTES = 65_536


class EnricherTests:
    """`kind`: the enricher; `options`: of its declaration; `events`: messages that it finds something out about, and
    what it `finds` in each; `settings`: its limits."""

    kind: ClassVar[type[Enricher]]
    options: ClassVar[Mapping[str, Any]] = {}
    events: ClassVar[Sequence[Mapping[str, Any]]] = ()
    finds: ClassVar[Sequence[Mapping[str, Any] | None]] = ()
    settings: ClassVar[EnricherSettings] = EnricherSettings(limit_ms=20_000, turn_ms=10_000)

    def enrich(self, messages: Sequence[Mapping[str, Any]]) -> list[tuple[Any, str | None]]:
        """What one object of it answers to each message: what was found, or None; and why it is missing."""
        return asyncio.run(self._enrich(messages))

    async def _enrich(self, messages: Sequence[Mapping[str, Any]]) -> list[tuple[Any, str | None]]:
        running = Running("tested", self.kind(self.options), self.settings, _MAX_BYTES)
        await running.start(1)
        try:
            return [await self._ask(running, message) for message in messages]
        finally:
            await running.enricher.stop()

    async def _ask(self, running: Running, message: Mapping[str, Any]) -> tuple[Any, str | None]:
        texts = {name: str(message.get(name, "")) for name in ("type", "user_id", "event_id")}
        event = RawEvent(dict(message), **texts)
        if not running.enricher.is_about(event):
            return None, None
        try:
            return await running.ask(event), None
        except Missing as missing:
            return None, missing.reason

    def test_it_finds_what_it_should(self) -> None:
        """In each of the messages that are given."""
        assert self.events, "give some `events`, and what it `finds` in each"
        assert self.enrich(self.events) == [(found, None) for found in self.finds]

    def test_the_same_event_has_the_same_answer(self) -> None:
        """In whatever order they come: an event may come twice, and others between."""
        forwards = self.enrich(self.events)
        assert self.enrich(self.events[::-1]) == forwards[::-1]

    def test_it_changes_nothing_of_the_event(self) -> None:
        """Others are asked about the same one."""
        before = orjson.dumps(list(self.events))
        self.enrich(self.events)
        assert orjson.dumps(list(self.events)) == before

    def test_nothing_that_a_sender_writes_makes_it_fail(self) -> None:
        """Whatever stands in the fields that it reads. It may find nothing, or say why it cannot tell: what it raises
        beside `Missing` is told as `failed`."""
        paths = sorted({(name,) for event in self.events for name in event})
        strange = [{**event, name: value} for event in self.events for (name,) in paths for value in _STRANGE]
        failed = [
            message for message, (_, reason) in zip(strange, self.enrich(strange), strict=True) if reason == "failed"
        ]
        assert not failed, f"it fails on {failed[0]!r:.500}"

    def test_what_it_finds_goes_through_the_stage(self) -> None:
        """As JSON, and with what it strips taken out; the message is whole beside that."""

        async def through() -> list[bytes]:
            running = Running("tested", self.kind(self.options), self.settings, _MAX_BYTES)
            await running.start(1)
            stage = Stage([running], FieldMapping(), EnrichMetrics())
            try:
                return [await stage.enrich(orjson.dumps(event)) for event in self.events]
            finally:
                await running.enricher.stop()

        for event, data, found in zip(self.events, asyncio.run(through()), self.finds, strict=True):
            document = orjson.loads(data)
            place = document.get("media") if self.kind.writes_media else document.get("enriched", {}).get("tested")
            assert place == (None if found is None else orjson.loads(orjson.dumps(found)))
            assert document.get("event_id") == event.get("event_id")

    def test_an_option_that_it_does_not_have_is_refused(self) -> None:
        """Who misspells one learns of it at the start."""
        try:
            self.kind({**self.options, "no such option": 1})
        except ValueError as error:
            assert str(error), "say which option is wrong"
        else:
            raise AssertionError("it takes an option that it does not have; raise ValueError")

    def test_it_says_what_it_is(self) -> None:
        """In a docstring."""
        assert inspect.getdoc(self.kind) != inspect.getdoc(Enricher)
