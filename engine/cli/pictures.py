"""Scenes with pictures, for commands that play the simulated day."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec

import msgspec
import orjson

from engine.cli.output import Console
from engine.settings import Settings
from engine.sim.world import FIRST_SEED, SimulatedEvent

ENRICHMENT = {"enrichers": {"pictures": {"limit_ms": 30_000, "turn_ms": 10_000}}}
"""What looks at the pictures; with so much time that a busy machine finds out the same as an idle one."""

_NEEDED = ("PIL", "zxingcpp")


def has_pictures(console: Console) -> bool:
    """Whether what draws pictures and looks at them is installed; if not, it is told."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        console.print("without the scenes with pictures: pip install 'floodgate[images]' brings what they need")
    return not missing


def simulated_pictures(seed: int = FIRST_SEED, people: int = 1_500) -> list[SimulatedEvent]:
    """The scenes with pictures, as producers send them."""
    from engine.sim.pictured import simulate_pictures  # noqa: PLC0415  # needs what may not be installed

    return simulate_pictures(seed, people)


def looked_at(pictured: Sequence[SimulatedEvent]) -> list[SimulatedEvent]:
    """The same as the stage before `events` lets them go on: with what pictures say in place of pictures."""
    from engine.enrich.offline import enrich_offline  # noqa: PLC0415  # not loaded where there are no pictures

    settings = msgspec.convert({"enrichment": ENRICHMENT}, Settings)
    messages = enrich_offline(settings, [orjson.dumps(simulated.event) for simulated in pictured])
    events = map(orjson.loads, messages)
    return [replace(simulated, event=event) for simulated, event in zip(pictured, events, strict=True)]
