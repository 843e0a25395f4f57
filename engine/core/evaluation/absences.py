"""Notices that something has not come: from an event on, a timer runs at its user.

When the timer is due, which is when no event can arrive any more that lies before its end, the user's own series say
whether what was waited for came in between. If certainly nothing did, the follow-up that the timer has is applied.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from engine.core.domain.events import LATEST_MS, Event
from engine.core.domain.programs import Absence
from engine.core.evaluation.follow_ups import FollowUp, bounded, taken_along
from engine.core.evaluation.routing import NOWHERE, EntityKey, Hash64, Time
from engine.core.kernel import hash64, identity_of, read_count, remember
from engine.core.series.counts import count_entries, count_lost_until
from engine.core.series.recent import SEEN
from engine.core.state.entities import RECENT_IDS, EntityRecord

MAX_TIMERS = 64
"""So many events of a user are waited upon at a time, for each sequence; those that come while it is so many are not.
"""

_EVER = 1 << 62


class Timer(msgspec.Struct, array_like=True, frozen=True):
    """An event that is waited upon. `follow_up`: what is applied at its end, if nothing came; `after_ms`: when it
    began; `series`: which of the user's series is asked."""

    after_ms: Time
    series: Annotated[int, msgspec.Meta(ge=0)]
    follow_up: FollowUp

    @property
    def identity(self) -> Hash64:
        """Tells it from all others of the same time."""
        follow_up = self.follow_up
        return hash64(f"{follow_up.user_id}\x00{follow_up.type}\x00{follow_up.event_id}\x00{follow_up.content}")


def timers_of(
    absences: Sequence[Absence], event: Event, record: EntityRecord, user_partition: int, keys: list[EntityKey]
) -> list[Timer]:
    """The timers that an event starts which has been entered into its user's series. `keys`: the entities that its
    follow-ups go to."""
    timers, now = [], record.relative(event.ts_ms)
    for absence in absences:
        until_ms = event.ts_ms + absence.within_ms
        waiting = count_entries(record.series.counts, absence.after_key, now - absence.within_ms, _EVER)
        if until_ms > LATEST_MS or not 0 < waiting <= MAX_TIMERS:
            continue
        fields = bounded(taken_along(absence.paths, event.fields, absence.invalid))
        about = (event.event_id, absence.type, event.user_id, until_ms)
        follow_up = FollowUp(NOWHERE, *about, user_partition, fields, keys, event.content)
        timers.append(Timer(event.ts_ms, absence.none_key, follow_up))
    return timers


def has_lapsed(timer: Timer, absence: Absence | None, record: EntityRecord) -> bool:
    """Whether certainly nothing came that the timer has waited for, and this is the first time that it is asked.
    `absence`: what the rulebook in use says of its type. Nothing is certain of a record that knows nothing of the event
    waited upon, as after its user was forgotten; nor where something else is waited for by now."""
    if absence is None or absence.none_key != timer.series:
        return False
    counts, follow_up = record.series.counts, timer.follow_up
    if count_lost_until(counts, absence.after_key) is None:
        return False
    now = record.relative(follow_up.ts_ms)
    came = read_count(counts, timer.series, now, follow_up.ts_ms - timer.after_ms)
    if type(came) is not int or came:
        return False
    identity = identity_of(follow_up.user_id, follow_up.type, follow_up.event_id)
    return bool(remember(record.recent, identity, follow_up.content, RECENT_IDS) != SEEN)
