"""What stands between a slip of the pen and the platform: a push is tried on the last events first."""

from collections.abc import Callable

from engine.backtest.comparison import Comparison, Concerned
from engine.backtest.run import backtest
from engine.core.domain.rules import Rulebook
from engine.settings import Settings
from engine.stream.admin.publishing import read_models
from engine.stream.control.lists import show_in
from engine.stream.control.promotions import held_back, read_promotions
from engine.stream.control.rulebooks import read_in_use, read_paused
from engine.stream.control.table_rows import read_tables
from engine.stream.kafka.records import read_since

MOST_EVENTS = 100_000
"""Of more, the latest are tried: a push takes seconds, not minutes."""

FEWEST = 10
"""So few may be newly acted on whatever share that is: nothing is known of a share of few."""


def try_on_last_events(
    settings: Settings, new: Rulebook, span_ms: int, tell_progress: Callable[[int, int], None]
) -> Comparison | None:
    """Compare with the version in use over the last events; None where there is no version or no event.
    `tell_progress` of how many events have been tried, and of how many. Raises TopicError."""
    in_use = read_in_use(settings)
    if in_use is None:
        return None
    events = read_since(settings, settings.topics.events, span_ms, MOST_EVENTS)
    if not events:
        return None
    promotions, paused = read_promotions(settings), read_paused(settings)
    new, old = (held_back(rulebook, promotions).pausing(paused) for rulebook in (new, in_use[1]))  # as they act now
    for rulebook in (new, old):
        show_in(settings, rulebook)
    return backtest(
        new, old, events, [], settings, lambda count: tell_progress(count, len(events)), read_models(settings),
        read_tables(settings, new, {}),
    )  # fmt: skip


def exceeding(comparison: Comparison, max_share: float) -> Concerned | None:
    """Of whom an edit newly acts on more than this share: of the active users, or of what events name under a field
    that rules target; None where it is so of nobody."""
    return next(
        (
            concerned
            for concerned in comparison.concerned
            if concerned.newly_count > max(FEWEST, max_share * concerned.active)
        ),
        None,
    )
