"""What rules have added to live lists becomes entries, signed by whoever runs the command: workers sign nothing."""

import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine.core.domain.rules import Rulebook
from engine.rulebook.language.rule_schema import ADD
from engine.settings import Settings
from engine.stream.admin.revocation import Which, read_actions
from engine.stream.control.additions import Standing, addition_of
from engine.stream.control.lists import Entry, publish_entries, read_entries, read_removals

AUTHOR = "rule:"
"""What the author of an entry begins with that a rule has added."""

_NOTE_CHARS = 500


class Applied(NamedTuple):
    """What was done: entries added, by list; entries of revoked actions removed; how many found no room."""

    added: Mapping[str, Mapping[str, Entry]]
    removed: Mapping[str, Iterable[str]]
    refused: int


def apply_additions(settings: Settings, rulebook: Rulebook, dry_run: bool = False) -> Applied:
    """Enter what rules have added since the last time, and remove the entries of revoked actions. Raises PublishError,
    TopicError, RulebookError."""
    now_ms, published = int(time.time() * 1_000), read_actions(settings)
    known, removals, standing = read_entries(settings), read_removals(settings), Standing(rulebook)
    added, removed, refused = dict[str, dict[str, Entry]](), dict[str, list[str]](), 0
    for action in sorted(published.all(Which(kind=ADD)), key=lambda one: published.published_ms[one["action_id"]]):
        published_ms = published.published_ms[action["action_id"]]
        wanted = addition_of(action, published_ms)
        if wanted is None or wanted.until_ms <= now_ms or wanted.list_name not in rulebook.live:
            continue
        name, entry = wanted.list_name, wanted.entry
        present = known.get(name, {}).get(entry)
        is_ours = present is not None and (present.author, present.until_ms) == (AUTHOR + wanted.rule, wanted.until_ms)
        if action["action_id"] in published.revoked:
            if is_ours:
                removed.setdefault(name, []).append(entry)
        elif (present is not None and not is_ours) or removals.get((name, entry), 0) >= published_ms:
            continue
        elif not standing.take(wanted):
            refused += not is_ours
        elif present is None:
            added.setdefault(name, {})[entry] = Entry(
                AUTHOR + wanted.rule, action["explanation"][:_NOTE_CHARS], now_ms, wanted.until_ms
            )
    if not dry_run:
        for name in {*added, *removed}:
            publish_entries(settings, name, {**dict.fromkeys(removed.get(name, ())), **added.get(name, {})})
    return Applied(added, removed, refused)
