"""State is moved to more partitions, in steps each of which may be done again.

    1. a topic says that state is being moved: no worker starts from now on
    2. each partition of the changelog is shut to its former owner, parted, and written to the next generation's
       changelog, whose partitions are as many as there are to be
    3. it is looked whether anything has moved meanwhile
    4. the other topics get their partitions
    5. the topic of the first step is deleted

The changelog of before stays as it is. Up to the fourth step all can be taken back: the next generation's changelog is
deleted. Topics cannot get fewer partitions, so from then on a move can only go on.
"""

import asyncio
import shutil
import time
from functools import partial

import msgspec
from aiokafka.errors import KafkaError as AsyncKafkaError
from faust.types import TP
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.kafka.clients import admin, consumer
from engine.stream.kafka.topics import (
    TopicSpec,
    changelog_topic,
    check_topics,
    former_changelogs,
    new_topic,
    topic_names,
    topic_specs,
)
from engine.stream.moving.copying import Copy, Survey, Tell, after, read_parts, spool_directory
from engine.stream.moving.journal import (
    Intent,
    Journal,
    create_topic,
    delete_topic,
    has_partitions,
    partitions_of,
    wait_for,
)
from engine.stream.moving.parts import Parts
from engine.stream.moving.places import Places
from engine.stream.moving.spool import Spool
from engine.stream.moving.standing import movements
from engine.stream.worker.fencing import Writers

_MOST_PARTITIONS = (1 << 16) - 1
"""What messages between partitions can name."""
_TELL_EVERY_S = 1.0


def raise_if_impossible(settings: Settings, to: int) -> None:
    """Raise TopicError, where state cannot be moved to so many partitions."""
    _raise_if_no_multiple(settings.partitions, to)
    check_topics(settings)


def _raise_if_no_multiple(before: int, to: int) -> None:
    if to <= before or to % before or to > _MOST_PARTITIONS:
        raise TopicError(f"{before} partitions cannot become {to}: a multiple, as {2 * before} or {4 * before}, can be")


def move(settings: Settings, to: int, tell: Tell, anyway: bool = False) -> tuple[Intent, Survey]:
    """Move all state, or go on where a move was interrupted; returns what was done, and what this call has moved.
    `anyway`: also where something would be lost. Raises TopicError, saying what to do, StateError, BrokerError."""
    journal = Journal.read(settings)
    if journal is None:
        raise_if_impossible(settings, to)
        _raise_if_moving(settings)
        journal = Journal.begin(settings, to)
    if journal.intent.to == 0:  # it died before it could say how many
        _raise_if_no_multiple(journal.intent.before, to)
        journal.note_intent(to)
    intent = journal.intent
    if to != intent.to:
        raise TopicError(f"state is being moved to {intent.to} partitions: go on with that, or roll it back")
    before = _before(settings, intent)
    try:
        moved = asyncio.run(_copy_all(before, journal, tell, anyway))
    except AsyncKafkaError as error:
        raise TopicError(f"a partition could not be copied: {error!r}. Run this again") from error
    if not _grown(after(before, intent)):  # else it can only go on
        _raise_if_moving(before)
    _grow(after(before, intent), intent, tell)
    journal.end()
    shutil.rmtree(spool_directory(settings), ignore_errors=True)
    return intent, moved


def roll_back(settings: Settings) -> Intent:
    """Take back what was begun, as long as no topic has more partitions. Raises TopicError."""
    journal = Journal.read(settings)
    if journal is None:
        raise TopicError("no state is being moved")
    if journal.intent.to:  # else it died before there was anything
        target = after(settings, journal.intent)
        grown = _grown(target)
        if grown:
            raise TopicError(
                f"{', '.join(grown)} cannot get fewer partitions again: `floodgate partitions move` goes on to the end"
            )
        journal.forget_copied()  # also where this dies before its end
        delete_topic(settings, changelog_topic(target))
    journal.end()
    shutil.rmtree(spool_directory(settings), ignore_errors=True)
    return journal.intent


def delete_former(settings: Settings) -> list[str]:
    """Delete the changelogs of former generations; returns their names. Raises TopicError."""
    check_topics(settings)
    with admin(settings) as client:
        there = set(client.list_topics())
    gone = [name for name in former_changelogs(settings) if name in there]
    for name in gone:
        delete_topic(settings, name)
    return gone


def _before(settings: Settings, intent: Intent) -> Settings:
    """Settings as they were: people may have set what is to be."""
    return msgspec.structs.replace(settings, partitions=intent.before, state_generation=intent.generation - 1)


def _raise_if_moving(settings: Settings) -> None:
    moving = list(movements(settings))
    if moving:
        raise TopicError("state is moved while nothing else moves: " + "; ".join(moving))


async def _copy_all(settings: Settings, journal: Journal, tell: Tell, anyway: bool) -> Survey:
    """Copy all partitions that are not copied yet."""
    intent, moved = journal.intent, Survey()
    target = after(settings, intent)
    spec = next(spec for spec in topic_specs(target) if spec.name == changelog_topic(target))
    if spec.name not in topic_names(settings):
        journal.forget_copied()  # somebody may have deleted it
    create_topic(settings, new_topic(spec, settings))
    fence, writers = Writers(settings), Writers(target)
    try:
        _raise_if_written_since(settings, journal)
        for own in sorted(set(range(intent.before)) - journal.copied.keys()):
            await fence.own([TP(changelog_topic(settings), own)])
            await writers.own([TP(spec.name, part) for part in range(own, intent.to, intent.before)])
            end = _ends(settings)[own]
            tell(f"partition {own + 1} of {intent.before}: reading")
            with Spool(spool_directory(settings)) as spool:
                parts = await asyncio.to_thread(read_parts, settings, intent, own, spool)
                if not anyway:
                    _raise_if_lost(parts.places)
                moved.add(parts, await _write(parts, Copy(writers, spec.name), intent, tell))
            journal.note_copied(own, end)
        _raise_if_written_since(settings, journal)
    finally:
        await fence.close()
        await writers.close()
    return moved


def _raise_if_written_since(settings: Settings, journal: Journal) -> None:
    """A second copy over a first one would keep what has been deleted in between: timers that have fired, people who
    are forgotten."""
    ends = _ends(settings)
    written = [own for own, end in sorted(journal.copied.items()) if end != ends[own]]
    if written:
        raise TopicError(
            f"{changelog_topic(settings)} was written in partition {written[0]} after that was copied: stop all"
            " workers, `floodgate partitions roll-back`, and begin again"
        )


def _raise_if_lost(places: Places) -> None:
    found = Survey()
    found.meet(places)
    obstacles = list(found.obstacles())
    if obstacles:
        raise TopicError(f"{'; '.join(obstacles)}. Roll back, or move them `--anyway`")


async def _write(parts: Parts, copy: Copy, intent: Intent, tell: Tell) -> int:
    """Write all of one partition; returns how many bytes."""
    title, told_s, written = f"partition {parts.own + 1} of {intent.before}", time.monotonic(), 0
    for at, one in enumerate(parts, 1):
        await copy.add(one)
        written += len(one.key) + len(one.value)
        if time.monotonic() - told_s > _TELL_EVERY_S:
            tell(f"{title}: {at:,} keys written")
            told_s = time.monotonic()
    await copy.flush()
    tell(f"{title}: done")
    return written


def _ends(settings: Settings) -> dict[int, int]:
    """Where the partitions of the changelog end. Raises TopicError."""
    with consumer(settings) as client:
        tps = [TopicPartition(changelog_topic(settings), number) for number in range(settings.partitions)]
        try:
            return {tp.partition: end for tp, end in client.end_offsets(tps).items()}
        except KafkaError as error:
            raise TopicError(f"{changelog_topic(settings)} cannot be looked at: {error!r}") from error


def _growing(target: Settings) -> list[TopicSpec]:
    """The topics that get more partitions, those that are written from outside last."""
    outside = (target.topics.labels, target.topics.raw_events, target.topics.events)
    many = [
        spec for spec in topic_specs(target)
        if spec.partitions == target.partitions and spec.name != changelog_topic(target)
    ]  # fmt: skip
    return sorted(many, key=lambda spec: outside.index(spec.name) if spec.name in outside else -1)


def _grown(target: Settings) -> list[str]:
    with admin(target) as client:
        return [spec.name for spec in _growing(target) if has_partitions(client, spec.name) == target.partitions]


def _grow(target: Settings, intent: Intent, tell: Tell) -> None:
    with admin(target) as client:
        for spec in _growing(target):
            tell(f"topic {spec.name}: {intent.to} partitions")
            try:
                if has_partitions(client, spec.name) < intent.to:
                    client.create_partitions({spec.name: intent.to})
            except KafkaError as error:
                raise TopicError(f"{spec.name} could not get {intent.to} partitions: {error!r}") from error
            wait_for(partial(_has_grown, client, spec), f"{spec.name} gets no more partitions")


def _has_grown(client: KafkaAdminClient, spec: TopicSpec) -> bool:
    return partitions_of(client, spec.name) == spec.partitions
