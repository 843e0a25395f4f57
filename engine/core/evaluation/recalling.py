"""What a user remembers just before an event, and for how long a partition has watched for what is new.

That something is new, nobody can tell before others have been seen for a while. So each partition notes in its ledger
(`budgets.py`) since when it has had events of the kind without a pause as long as that while.
"""

from collections.abc import Iterable

from engine.core.domain.decisions import Value
from engine.core.domain.programs import Program, Values, Warming
from engine.core.series.entity_series import EntitySeries
from engine.core.series.remembered import FIRST, Registers, memorize, recall_first_age
from engine.core.state.entities import EntityRecord
from engine.core.values.bounds import least_of


def recall(program: Program, series: EntitySeries, now: int, ts_ms: int, ledger: EntityRecord | None) -> Values:
    """What a user remembers, for an event that is about to be entered."""
    assert program.recall is not None  # somebody asks
    recalled: dict[str, Value] = program.recall(series, now, now)
    if ledger is not None and program.warming:
        recalled |= watched(program.warming, ledger.series.registers, ledger.relative(ts_ms))
    return recalled


def watched(asked: Iterable[Warming], registers: Registers, now: int) -> dict[str, Value]:
    """For how long each of these has been watched, with the event at hand. `registers`: those of the ledger."""
    times: dict[str, Value] = {}
    for warming in asked:
        times[warming.name] = least_of(recall_first_age(registers, warming.key, now, now)) or 0
        if warming.enters:
            memorize(registers, warming.key, FIRST, now, True, warming.warm_ms)
    return times
