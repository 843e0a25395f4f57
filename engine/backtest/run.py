"""A backtest: one pass over recorded events, through the engine once for each rulebook."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

import orjson

from engine.backtest.absences import Survey
from engine.backtest.comparison import Arrived, Comparison, compare
from engine.backtest.targets import Targets
from engine.backtest.trial import Trial
from engine.core.domain.rules import Rulebook
from engine.errors import EventError, LabelError
from engine.learning.models import LearnedModel
from engine.reference.recorded import RecordedTables
from engine.settings import Settings
from engine.stream.handlers.label_messages import decode_label, decode_message
from engine.stream.handlers.messages import arrived_ms
from engine.stream.kafka.records import Recorded
from engine.stream.offline.arrivals import Arrival, merge
from engine.stream.offline.recorded import truths

CHUNK = 2_000


def backtest(
    new: Rulebook, old: Rulebook | None, events: Iterable[bytes | Recorded], labels: list[bytes], settings: Settings,
    done: Callable[[int], None] = lambda count: None, models: Mapping[str, LearnedModel] | None = None,
    tables: RecordedTables | None = None,
) -> Comparison:  # fmt: skip
    """Try rulebooks on events in the order of their arrival. Labels, in our terms, teach the models when they came,
    and tell which events were spam; `models`: with which they begin; `tables`: the rows of tables that come on topics.
    `done` is told how many events have been tried."""
    spam = known_spam(labels)
    rulebooks = [rulebook for rulebook in (new, old) if rulebook is not None]
    hidden = settings.privacy.fields if settings.pseudonyms() is not None else ()
    arrived = Arrived(targets=Targets(rulebooks), survey=Survey(new, hidden))
    trials = [
        Trial(rulebook, settings, spam, models or {}, arrived.targets, old if rulebook is new else None, tables)
        for rulebook in rulebooks
    ]
    arrivals = arriving(events, labels, settings, arrived, spam)
    while chunk := list(islice(arrivals, CHUNK)):
        for trial in trials:
            trial.run(chunk)
        done(arrived.events)
    return compare(trials[0], trials[1] if old is not None else None, arrived, spam)


def known_spam(labels: Iterable[bytes]) -> dict[str, bool]:
    """What labels say of events, by their ids."""
    return {event: truth.spam for event, truth in truths(line for line in labels if not _has_policy(line)).items()}


def arriving(
    events: Iterable[bytes | Recorded],
    labels: Iterable[bytes],
    settings: Settings,
    arrived: Arrived,
    spam: Mapping[str, bool],
) -> Iterator[Arrival]:
    """Events and labels in the order of their arrival, counted in `arrived`."""
    return merge(_events(events, settings, arrived, spam), map(_label, labels))


def _events(
    lines: Iterable[bytes | Recorded], settings: Settings, arrived: Arrived, spam: Mapping[str, bool]
) -> Iterator[Arrival]:
    mapping, pseudonyms = settings.events.mapping(), settings.pseudonyms()
    for entry in lines:
        line, at_ms = entry if isinstance(entry, Recorded) else (entry, arrived_ms(entry))
        arrived.events += 1
        try:
            event = mapping.read(orjson.loads(line), at_ms)
        except (EventError, orjson.JSONDecodeError):
            yield Arrival("event", 0, line)  # the engine tells what is wrong with it
            continue
        if pseudonyms is not None:  # as decisions name people
            pseudonyms.conceal(event)
        arrived.users.add(event.user_id)
        arrived.targets.note(event)
        if arrived.survey is not None:
            arrived.survey.note(event)
        if event.event_id in spam:
            arrived.labelled.add(event.event_id)
        arrived.first_ms = min(arrived.first_ms or event.ts_ms, event.ts_ms)
        arrived.last_ms = max(arrived.last_ms, event.ts_ms)
        yield Arrival("event", event.ts_ms, line, at_ms)


def _has_policy(line: bytes) -> bool:
    """Whether a label tells of one policy alone: what is spam under one is not under another."""
    try:
        return decode_label(line).policy is not None
    except LabelError:
        return False


def _label(line: bytes) -> Arrival:
    try:
        return Arrival("label", decode_message(line).ts_ms, line)
    except LabelError:
        return Arrival("label", 0, line)
