"""What a candidate has of its own, and what keeps it from disturbing those who decide.

A candidate reads `events`, `labels` and `rulebooks` with all others. Its group, changelog and what it writes have names
of their own, made of its name: nobody who reads `actions` meets what it would do.
"""

from pathlib import Path
from typing import NamedTuple

import msgspec

from engine.candidate_settings import OWN_TOPICS, CandidateSettings, may_be_called, own_name
from engine.errors import SettingsError
from engine.settings import Settings
from engine.stream.kafka.groups import read_group
from engine.stream.kafka.topics import changelog_topic, topic_names, topic_specs

CANDIDATES = own_name("state", "")
"""What the directories of candidates begin with."""

_MOST_GENERATIONS = 16
"""Partitions are at least twice as many after each move, and 16 bits number them."""


def as_candidate(settings: Settings, name: str, rules: Path | None = None, learns: bool = False) -> Settings:
    """The settings of the candidate of this name beside workers of these. `rules`: the rulebook that it decides by,
    where that is not the one in use. Raises SettingsError where it would disturb those workers."""
    try:
        candidate = CandidateSettings(name, str(rules.absolute()) if rules is not None else "", learns)
        group = candidate.own(settings.app_id)
        own = {topic: candidate.own(getattr(settings.topics, topic)) for topic in candidate.own_topics}
        taken = {settings.consumer_group, *msgspec.structs.astuple(settings.topics)} & {group, *own.values()}
        if taken:
            raise ValueError(f"{', '.join(sorted(taken))} is in use since that candidate was promoted")
        return msgspec.structs.replace(
            settings,
            candidate=candidate,
            group=group,
            state_generation=1,
            topics=msgspec.structs.replace(settings.topics, **own),
            data_dir=str(own_directory(settings, name)),
            instance_id=candidate.own(settings.instance_id) if settings.instance_id else "",
        )
    except ValueError as error:
        raise SettingsError(f"there can be no candidate {name!r}: {error}. Choose another name") from error


class OwnNames(NamedTuple):
    """What a candidate has of its own on the brokers, whether or not it is there."""

    group: str
    topics: frozenset[str]


def own_names(settings: Settings, name: str) -> OwnNames:
    """Of the candidate of this name, but for what is in use since it was promoted."""
    group = own_name(settings.app_id, name)
    topics = {own_name(getattr(settings.topics, topic), name) for topic in (*OWN_TOPICS, "models")}
    generations = range(1, _MOST_GENERATIONS + 1) if group != settings.consumer_group else ()  # else all are theirs
    changelogs = {
        changelog_topic(msgspec.structs.replace(settings, group=group, state_generation=number))
        for number in generations
    }
    return OwnNames(group, frozenset((topics | changelogs) - {spec.name for spec in topic_specs(settings)}))


def own_directory(settings: Settings, name: str) -> Path:
    """Where the candidate of this name keeps its state."""
    return Path(settings.data_dir) / f"{CANDIDATES}{name}"


def candidates_of(settings: Settings) -> list[str]:
    """The names of the candidates that have topics now. Raises BrokerError."""
    before, in_use = own_name(settings.topics.hops, ""), settings.topics.hops
    found = [topic for topic in topic_names(settings) if topic.startswith(before) and topic != in_use]
    return sorted(filter(may_be_called, (topic.removeprefix(before) for topic in found)))


def raise_if_others_are_members(settings: Settings) -> None:
    """Raise SettingsError where candidates are in the group of workers that decide, or the other way round: what some
    of its partitions come to would not count. Raises BrokerError."""
    group, _ = read_group(settings, settings.consumer_group)
    clients, is_candidate = [one["client_id"] for one in group["members"]], bool(settings.candidate.name)
    candidates = [one for one in clients if one.startswith(own_name(settings.app_id, "")) and one != settings.app_id]
    strangers = len(clients) - len(candidates) if is_candidate else len(candidates)
    if strangers:
        others = "workers that decide" if is_candidate else "a candidate's workers"
        raise SettingsError(
            f"{strangers} of {others} are in the group {settings.consumer_group}: stop them, or choose another "
            f"{'name' if is_candidate else '`group`'}"
        )
