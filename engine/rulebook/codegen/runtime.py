"""What the generated functions may call, and nothing else: JSON values made safe, series read and written."""

import re
from collections.abc import Callable, Container, Iterable, Sequence
from itertools import product
from math import nan, prod
from typing import Any, Literal

from engine.core.domain.decisions import ClauseTrace
from engine.core.domain.units import duration_text, moment_text, size_text
from engine.core.evaluation.choice import MOST, MOST_LINKED, chosen
from engine.core.evaluation.routing import escaped, joined
from engine.core.evaluation.shares import aligned, with_shares
from engine.core.kernel import (
    add_count,
    add_distinct,
    count_entries,
    distinct_entries,
    hash64,
    lookup,
    read_count,
    read_count_at,
    read_counts,
    read_distinct,
    read_distinct_at,
)
from engine.core.series.counts import doubt_count
from engine.core.series.distincts import doubt_distinct
from engine.core.series.entity_series import add_amount, read_total
from engine.core.series.occurrences import (
    add_occurrence,
    doubt_occurrence,
    read_occurrence,
    remove_occurrence,
)
from engine.core.series.remembered import (
    doubt_memory,
    memorize,
    recall_age,
    recall_first,
    recall_first_age,
    recall_last,
    recall_new,
    warmed,
)
from engine.core.series.sequences import completed
from engine.core.series.sketches import (
    add_approx_amount,
    add_approx_count,
    add_approx_distinct,
    doubt_approx,
    read_approx_count,
    read_approx_distinct,
    read_approx_total,
)
from engine.core.series.statistics import Z95, amounts_within, gaps_within, measure
from engine.core.series.withdrawing import remove_amount, remove_count, remove_distinct
from engine.core.state.entities import MAX_KEY_CHARS
from engine.core.values.bounds import AtLeast, differs, equals, is_outside, larger, settled, smaller
from engine.core.values.hashing import digest
from engine.core.values.networks import address_of
from engine.core.values.places import km
from engine.keys.calendar import date, hour, time_ms, weekday
from engine.keys.images import image_hashes, image_keys
from engine.keys.keywords import readings, unmasked
from engine.keys.mailboxes import is_disposable, mailbox
from engine.keys.measures import entropy, repeats, similarity
from engine.keys.network import ip_prefixes
from engine.keys.text import fingerprints, own_fingerprints
from engine.keys.urls import domain_of, url_domains
from engine.keys.videos import is_known_video, video_hashes, video_keys
from engine.rulebook.codegen.validity import invalid

MAX_AMOUNT = 1e15
MAX_DIGITS = 32
MAX_MEMBERS = 64
"""So many items of a list count."""
MAX_LOOKED_AT = 4_096
"""They are chosen from so many, the first ones and the last: among more, hardly any would be chosen."""

_PLAIN = (str, int, float, bool)
_SPELT = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,15})?")


def scaled(value: Any, factor: int) -> float | int | None:
    """A number of units as milliseconds or bytes, or unknown."""
    return value * factor if type(value) is int or type(value) is float else None


def token(value: Any) -> str | Literal[False] | None:
    """What distinct counters, and the keys of entities, tell values apart by: strings as they are, numbers by what they
    are worth (123.0 is 123). None where there is nothing, False where it is no such value."""
    if type(value) is str:
        return value
    if type(value) is float and value.is_integer():
        return repr(int(value))
    return repr(value) if type(value) in (int, float, bool) else False if value is not None else None


def address(value: Any) -> str | Literal[False] | None:
    """The same of an address, in its usual writing."""
    return address_of(value) if type(value) is str else token(value)


def amount(value: Any) -> float | Literal[False] | None:
    """What a sum counter adds up: finite numbers of a size that adds exactly enough; False for anything else that is
    there, None where there is nothing."""
    if value is None:
        return None
    return float(value) if type(value) in (int, float) and abs(value) < MAX_AMOUNT else False


def number(text: str) -> float | None:
    """The number that a text says ("60.00"); None where it is none."""
    return float(text) if len(text) <= MAX_DIGITS and _SPELT.fullmatch(text) else None


def spelt(value: Any) -> Any:
    """A number that is written as a text ("60.00"), as the number; anything else as it is."""
    found = number(value) if type(value) is str else None
    return found if found is not None else value


def instant(value: Any, factor: int = 1) -> float | int | None:
    """A time as epoch milliseconds, whether it is written as a number of units or as a text; or unknown."""
    return time_ms(value) if type(value) is str else scaled(value, factor)


def yes_or_no(value: bool | None) -> str | None:
    """As models are told of a condition."""
    return None if value is None else "yes" if value else "no"


def among(items: Iterable[Any], entries: Container[Any]) -> bool:
    """Whether one of these is in a list. Nested ones cannot be."""
    return any(item in entries for item in items if type(item) in _PLAIN)


def any_matches(search: Callable[[str], Any], items: Iterable[Any]) -> bool:
    """Whether a pattern stands in one of the texts among these."""
    return any(search(item) is not None for item in items if type(item) is str)


def members(value: Any) -> tuple[tuple[str, ...], bool]:
    """The items of a list as distinct counters tell them apart, of many those that the sender does not choose; and
    whether there is more that is no such value or was not taken."""
    if type(value) not in (list, tuple):
        return (), value is not None
    is_long = len(value) > MAX_LOOKED_AT
    found = [token(item) for item in (_ends(value) if is_long else value)]
    kept = chosen((item for item in found if item), MAX_MEMBERS)
    return kept, is_long or False in found or len(kept) < len({item for item in found if item})


def _ends(items: Sequence[Any]) -> Sequence[Any]:
    half = MAX_LOOKED_AT // 2
    return [*items[:half], *items[-half:]]


def items(value: Any) -> tuple[tuple[str, ...], bool]:
    """The same of a field whose type nobody has declared: it may have one value, or a list."""
    if type(value) in (list, tuple):
        return members(value)
    key = token(value)
    return ((key,) if key else ()), key is False


def domains(value: Any) -> tuple[str, ...]:
    """The registrable domains of the links in a text, or in a list of links."""
    return url_domains({"text": value} if type(value) is str else {"urls": value})


def items_text(value: list[Any] | None) -> str | None:
    """A list for an explanation: its first plain items. Nested ones could be of any depth."""
    if value is None:
        return None
    shown = [str(item)[:40] if type(item) in (str, int, float, bool) else "…" for item in value[:4]]
    return ", ".join(shown) + (f" and {len(value) - 4} more" if len(value) > 4 else "")


def ratio(
    numerator: float | AtLeast | None, denominator: float | AtLeast | None, at_least: float, wilson: bool
) -> float | AtLeast | None:
    """numerator / denominator, or the lower end of its 95 % Wilson interval.

    Unknown below `at_least`, and where the denominator may be larger; of a numerator that may be larger, a bound.
    """
    if isinstance(numerator, AtLeast):
        least = ratio(numerator.least, denominator, at_least, wilson)
        return AtLeast(least) if least is not None and not isinstance(least, AtLeast) else None
    if numerator is None or denominator is None or isinstance(denominator, AtLeast):
        return None
    if denominator <= 0 or denominator < at_least:
        return None
    if not wilson:
        return numerator / denominator
    share, z2 = min(1.0, max(0.0, numerator / denominator)), Z95**2
    spread = (share * (1 - share) / denominator + z2 / (4 * denominator * denominator)) ** 0.5
    return float((share + z2 / (2 * denominator) - Z95 * spread) / (1 + z2 / denominator))


def tokens(value: Any) -> tuple[str, ...]:
    """A field as the key of an entity: none, or one."""
    key = token(value)
    return (key,) if key else ()


def member_tokens(value: Any) -> tuple[str, ...]:
    """The items of a list as the keys of entities."""
    return members(value)[0]


def addresses(value: Any) -> tuple[str, ...]:
    """An address as the key of an entity, however it is written: none, or one."""
    key = address(value)
    return (key,) if key else ()


def keys(*parts: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of the entities that an event names: one value of each part, every combination. More than an event may
    visit, as some may be on an exception list; where there are too many, the sender does not choose which."""
    if len(parts) == 1:  # the usual case
        found = parts[0]
        if len(found) < 2:
            return (_short(escaped(found[0])),) if found else ()
        return tuple([_short(escaped(value)) for value in found[:MAX_KEYS]])
    return tuple([_short(joined(values)) for values in _combined(*parts)])


def pairs(ones: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of the pairs that an event names: the same whichever of the two stands in which field."""
    return tuple([_short(joined(sorted(pair))) for pair in _combined(ones, others)])


def _combined(*parts: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    """One value of each part, in every way. Of parts that make too many, some values of each, which its sender does not
    choose."""
    if prod(map(len, parts)) > MAX_KEYS:
        parts = tuple(chosen(values, MOST_LINKED if len(parts) == 2 else MOST) for values in parts)
    return product(*parts)


def left_in(found: tuple[str, ...], lists: tuple[Container[str], ...]) -> tuple[str, ...]:
    """The keys that are not in all of these lists: some counter counts at them."""
    return tuple([key for key in found if not _is_in_all(key, lists)]) if found else ()


def _is_in_all(key: str, lists: tuple[Container[str], ...]) -> bool:
    for entries in lists:  # noqa: SIM110 - a generator is dearer, and each key of an event is asked about
        if key not in entries:
            return False
    return True


def _short(key: str) -> str:
    return key if len(key) <= MAX_KEY_CHARS else digest(key)


MAX_KEYS = 64
UNREAD = object()
RUNTIME: dict[str, Any] = {
    "__builtins__": {"len": len, "abs": abs, "str": str, "float": float, "tuple": tuple, "zip": zip},
    "instant": instant, "number": number, "date": date, "any_matches": any_matches,
    "U": UNREAD, "type": type, "int": int, "bool": bool, "list": list, "scaled": scaled, "token": token,
    "amount": amount, "spelt": spelt, "yes_or_no": yes_or_no, "nan": nan, "address": address,
    "addresses": addresses, "among": among,
    "doubt_count": doubt_count, "doubt_distinct": doubt_distinct, "doubt_approx": doubt_approx,
    "completed": completed,
    "remove_count": remove_count, "remove_distinct": remove_distinct, "remove_amount": remove_amount,
    "domain": domain_of, "domains": domains, "skeleton": unmasked, "readings": readings, "mailbox": mailbox,
    "is_disposable": is_disposable,
    "repeats": repeats, "entropy": entropy, "similarity": similarity, "hour": hour, "weekday": weekday,
    "members": members, "items": items, "member_tokens": member_tokens, "moment_text": moment_text, "km": km,
    "ratio": ratio, "aligned": aligned, "with_shares": with_shares,
    "AtLeast": AtLeast, "equals": equals, "differs": differs,
    "min": smaller, "max": larger, "is_outside": is_outside, "settled": settled,
    "lookup": lookup, "invalid": invalid, "hash64": hash64,
    "read_count": read_count, "read_counts": read_counts,
    "read_count_at": read_count_at, "read_distinct_at": read_distinct_at,
    "count_entries": count_entries, "distinct_entries": distinct_entries,
    "read_distinct": read_distinct, "read_total": read_total, "add_count": add_count, "add_distinct": add_distinct,
    "add_amount": add_amount, "add_approx_count": add_approx_count, "add_approx_distinct": add_approx_distinct,
    "add_approx_amount": add_approx_amount, "read_approx_count": read_approx_count,
    "read_approx_distinct": read_approx_distinct, "read_approx_total": read_approx_total,
    "add_occurrence": add_occurrence, "doubt_occurrence": doubt_occurrence, "read_occurrence": read_occurrence,
    "remove_occurrence": remove_occurrence, "amounts_within": amounts_within, "gaps_within": gaps_within,
    "measure": measure,
    "memorize": memorize, "doubt_memory": doubt_memory, "recall_last": recall_last, "recall_age": recall_age,
    "recall_first": recall_first, "recall_first_age": recall_first_age, "recall_new": recall_new, "warmed": warmed,
    "ClauseTrace": ClauseTrace,
    "image_keys": image_keys, "image_hashes": image_hashes,
    "video_keys": video_keys, "video_hashes": video_hashes, "is_known_video": is_known_video,
    "duration_text": duration_text, "items_text": items_text, "size_text": size_text, "tokens": tokens, "keys": keys,
    "pairs": pairs, "left_in": left_in,
    "url_domains": url_domains, "ip_prefixes": ip_prefixes, "fingerprints": fingerprints,
    "own_fingerprints": own_fingerprints,
}  # fmt: skip
