"""Where people have written somebody's name down: entries of live lists, rulebooks. And models that keep words.

Counters and notes of a person go with `engine.stream.admin.erasure`; here is what policy teams have made themselves.
Entries are taken off; a rulebook is theirs to change, so it is told.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from engine.learning.estimators import RiverLearner
from engine.settings import Settings
from engine.stream.control.lists import publish_entries, read_entries
from engine.stream.control.rulebooks import Version, read_in_use, read_versions


@dataclass(frozen=True, slots=True)
class Mentions:
    """`entries`: names of the person, by live list; `versions`: rulebooks that name them, oldest first; `models`: those
    of the rulebook in use that keep words, perhaps theirs, as they are."""

    entries: dict[str, list[str]]
    versions: list[Version]
    models: list[str]


def find_mentions(settings: Settings, names: Iterable[str]) -> Mentions:
    """Read the rulebooks topic for a person, under each of their names. Raises TopicError."""
    person_names = set(names)
    entries = {list_name: sorted(person_names & known.keys()) for list_name, known in read_entries(settings).items()}
    whole = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(person_names)))
    versions = [version for version in read_versions(settings) if any(map(whole.search, version.sources.values()))]
    in_use = read_in_use(settings)
    specs = in_use[1].models.values() if in_use is not None else ()
    models = [spec.name for spec in specs if spec.river is not None and RiverLearner(spec.river).keeps_text]
    return Mentions(
        {list_name: named for list_name, named in sorted(entries.items()) if named}, versions, sorted(models)
    )


def remove_entries(settings: Settings, mentions: Mentions) -> None:
    """Take the person off all live lists. Raises PublishError, TopicError."""
    for name, entries in mentions.entries.items():
        publish_entries(settings, name, dict.fromkeys(entries))
