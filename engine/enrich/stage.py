"""What happens to one message of `raw_events`: it is asked about, what was found is added, and it goes on.

Whoever sends a message is taken for an adversary. So it goes on whatever is wrong with it, and what cannot be decided
becomes a dead letter where everything else does, behind the stage. What it claims to have been found is taken out.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from engine.core.domain.events import FieldMapping
from engine.core.kernel import lookup
from engine.enrich.answers import Missing
from engine.enrich.enricher import RawEvent
from engine.enrich.metrics import EnrichMetrics
from engine.enrich.running import Running
from engine.enrichment_settings import MISSING
from engine.errors import EventError
from engine.stream.handlers.malformed import MAX_DEPTH, read_malformed

ENRICHED, MEDIA = "enriched", "media"
"""What the stage writes, and nobody else."""

_BELOW = (f"{ENRICHED}.", f"{MEDIA}.")
"""So begin keys that would be read as what stands below these, where nothing does (`lookup`)."""


class Stage:
    """All enrichers, asked side by side about each event. `mapping`: where producers have our names."""

    def __init__(self, runnings: Sequence[Running], mapping: FieldMapping, metrics: EnrichMetrics) -> None:
        self._runnings, self._sources, self._metrics = runnings, mapping.sources, metrics

    async def enrich(self, data: bytes) -> bytes:
        """A message with what was found. Raises nothing: what tells no event goes on as it came."""
        fields = _read(data)
        if fields is None:
            return data
        claimed = [name for name in fields if name in (ENRICHED, MEDIA) or name.startswith(_BELOW)]
        media = {name: fields.pop(name) for name in claimed if name.startswith(MEDIA)}
        for name in claimed:
            fields.pop(name, None)
        event = self._event({**fields, **media})  # as the producer wrote it, `media` too: pictures may stand there
        asked = [running for running in self._runnings if running.is_about(event)]
        if not asked:
            return _dump(fields) if claimed else data
        answers = await asyncio.gather(*(self._ask(running, event) for running in asked))
        found: dict[str, Any] = {}
        missing: dict[str, str] = {}
        for running, (answer, reason) in zip(asked, answers, strict=True):
            if reason is not None:
                missing[running.name] = reason
            if answer is not None and running.enricher.writes_media:
                fields[MEDIA] = _joined(fields.get(MEDIA, {}), answer)
            elif answer is not None:
                found[running.name] = answer
            running.enricher.strip(fields)
        if missing:
            found[MISSING] = missing
        return _dump({**fields, ENRICHED: found} if found else fields)

    async def _ask(self, running: Running, event: RawEvent) -> tuple[Mapping[str, Any] | None, str | None]:
        with self._metrics.enricher_seconds.labels(running.name).time():
            try:
                answer = await running.ask(event)
            except Missing as missing:
                self._metrics.note_missing(running.name, missing.reason)
                return None, missing.reason
        self._metrics.enricher_answers.labels(running.name, "nothing" if answer is None else "found").inc()
        return answer, None

    def _event(self, fields: dict[str, Any]) -> RawEvent:
        known = {name: self._text(fields, name) for name in ("type", "user_id", "event_id")}
        return RawEvent(fields, **known)

    def _text(self, fields: dict[str, Any], name: str) -> str:
        value = lookup(fields, self._sources.get(name, name))
        if type(value) is int:
            return str(value)
        return value if type(value) is str else ""


def _joined(known: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """What several enrichers found in the same pictures: lists and objects of one name become one."""
    made = dict(known)
    for name, value in answer.items():
        before = made.get(name)
        if type(before) is dict and type(value) is dict:
            made[name] = {**before, **value}
        elif type(before) is list and type(value) is list:
            made[name] = [*before, *(one for one in value if one not in before)]
        else:
            made[name] = value
    return made


def _read(data: bytes) -> dict[str, Any] | None:
    """The object in a message, if there is one; read as it is read behind the stage."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            document = read_malformed(data)
        except EventError:
            return None
    return document if type(document) is dict else None


def _dump(fields: dict[str, Any]) -> bytes:
    """JSON of a message. What is nested too deeply for that is left out: nobody is exempt by writing it."""
    try:
        return orjson.dumps(fields)
    except TypeError:
        return orjson.dumps(_shallow(fields, MAX_DEPTH))


def _shallow(value: Any, depth: int) -> Any:
    if type(value) not in (dict, list):
        return value
    if not depth:
        return None
    if type(value) is dict:
        return {name: _shallow(inner, depth - 1) for name, inner in value.items()}
    return [_shallow(inner, depth - 1) for inner in value]
