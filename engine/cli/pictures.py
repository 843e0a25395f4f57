"""Scenes with pictures, for commands that play the simulated day."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec

import msgspec
import orjson

from engine.cli.output import Console
from engine.settings import Settings
from engine.sim.world import FIRST_SEED, SimulatedEvent

PICTURES = {"limit_ms": 30_000, "turn_ms": 10_000}
"""What looks at the pictures; with so much time that a busy machine finds out the same as an idle one."""

OCR = {"events": ["message"], "limit_ms": 60_000, "turn_ms": 20_000, "at_once": 2}
"""What reads them, which takes long: those in messages alone."""

_NEEDED, _NEEDED_TO_READ = ("PIL", "zxingcpp"), ("rapidocr", "onnxruntime")


def has_pictures(console: Console) -> bool:
    """Whether what draws pictures and looks at them is installed; if not, it is told."""
    if not _are_there(_NEEDED):
        console.print("without the scenes with pictures: pip install 'floodgate[images]' brings what they need")
        return False
    return True


def simulated_pictures(seed: int = FIRST_SEED, people: int = 1_500, written: bool = False) -> list[SimulatedEvent]:
    """The scenes with pictures, as producers send them. `written`: also those with text in pictures, where what reads
    it is installed."""
    from engine.sim.pictured import simulate_pictures  # noqa: PLC0415  # needs what may not be installed

    return simulate_pictures(seed, people, written=written and _are_there(_NEEDED_TO_READ))


def looked_at(pictured: Sequence[SimulatedEvent]) -> list[SimulatedEvent]:
    """The same as the stage before `events` lets them go on: with what pictures say in place of pictures."""
    from engine.enrich.offline import enrich_offline  # noqa: PLC0415  # not loaded where there are no pictures

    enrichers = {"pictures": PICTURES} | ({"ocr": OCR} if _are_there(_NEEDED_TO_READ) else {})
    settings = msgspec.convert({"enrichment": {"enrichers": enrichers}}, Settings)
    messages = enrich_offline(settings, [orjson.dumps(simulated.event) for simulated in pictured])
    events = map(orjson.loads, messages)
    return [replace(simulated, event=event) for simulated, event in zip(pictured, events, strict=True)]


def _are_there(modules: Sequence[str]) -> bool:
    return all(find_spec(module) is not None for module in modules)
