"""A rulebook for events that nobody has described: what they hold, and the usual counters.

For a first look at recorded data. Strings with spaces are texts, other strings categories; whole numbers are both
numbers and categories, as nobody can tell ages from identifiers.
"""

from collections.abc import Iterable, Mapping
from typing import Any

MODEL = "spam"
SAMPLE = 5_000
"""So many events are looked at."""
AS_NAME = "_as_name"
"""What is added to the name of a whole number where it is read as a category."""

_KNOWN = ("event_id", "ts")
_NAMES = ("type", "user_id", "ip", "device_id", "target_id")
"""These are categories, however they are written."""
_LARGEST_NAME = 1_000_000_000
_TEXT_SPACES = 2
_COUNTERS = {
    "user_id": (
        "user_1h: {count: any, by: user_id, over: 1h}",
        "user_1d: {count: any, by: user_id, over: 1d}",
        "user_30d: {count: any, by: user_id, over: 30d}",
    ),
    "ip": (
        "ip_1h: {count: any, by: ip, over: 1h}",
        "ip_1d: {count: any, by: ip, over: 1d}",
        "ip_users_1d: {distinct: user_id, of: any, by: ip, over: 1d}",
    ),
    "target_id": (
        "target_1h: {count: any, by: target_id, over: 1h}",
        "target_1d: {count: any, by: target_id, over: 1d}",
        "user_targets_1d: {distinct: target_id, of: any, by: user_id, over: 1d}",
    ),
}
_HINTS = {
    "asks_to_click": (r"(?i)click (here|below|on|this)|check (it |this )?out|visit (my|our)", 1.0),
    "offers": (r"(?i)\b(free|bonus|winner|prize|gift|cash|earn|profit|guarantee|offer|discount|cheap|act now)", 0.7),
    "sells": (r"(?i)\b(casino|mortgage|loan|lose weight|weight loss|crypto|bitcoin|invest|giveaway|pills|x{3})", 1.0),
    "wants_followers": (r"(?i)\b(subscribe|follow me|my channel|whatsapp|telegram)", 0.7),
    "names_a_price": (r"[$€£] ?[0-9]|[0-9] ?%|(?i)\b(usd|dollars)\b", 0.7),
    "has_a_link": (r"(?i)https?://|www\.", 0.4),
    "shouts": (r"!!|\b[A-Z]{4,}[^a-z]+[A-Z]{4,}\b", 0.5),
    "answers_somebody": (r"(?im)^>|^(re|aw): |wrote:", -1.0),
}
"""What people who know spam would look for in a text before there is any label, and how much it tells."""


def discover(documents: Iterable[Mapping[str, Any]]) -> str:
    """The YAML of a rulebook with one model that reads all that these events hold. Give it flat documents."""
    kinds: dict[str, set[str]] = {}
    for document in documents:
        for name, value in document.items():
            if name not in _KNOWN and value is not None and name.replace("_", "a").isidentifier():
                kinds.setdefault(name, set()).add("category" if name in _NAMES else _kind(value))
    texts = [name for name, seen in kinds.items() if "text" in seen]
    numbers = [name for name, seen in kinds.items() if seen <= {"number", "name or number"}]
    categories = [name for name, seen in kinds.items() if seen & {"category"} and "text" not in seen]
    categories += [f"{name}{AS_NAME}" for name in numbers if "name or number" in kinds[name]]
    counters = [line for name, lines in _COUNTERS.items() if name in kinds for line in lines]
    counted = [line.partition(":")[0] for line in counters]
    read = [
        *_listed("texts", [f"event.{name}" for name in texts]),
        *_listed("categories", [f"event.{name}" for name in categories]),
        *_listed("numbers", [*(f"event.{name}" for name in numbers), *counted]),
    ]
    lines = ["version: 1", "counters:", *(f"  {line}" for line in counters), *_derived(texts), "models:", f"  {MODEL}:"]
    if texts:
        read.append("    hints: {" + ", ".join(f"{name}: {weight}" for name, (_, weight) in _HINTS.items()) + "}")
    rule = f"{{event: any, when: [score.{MODEL} >= 0.5], then: {{review: score}}, mode: shadow}}"
    return "\n".join([*lines, *read, "    min_labels: 1", "rules:", f"  scored: {rule}", ""])


def _derived(texts: list[str]) -> list[str]:
    """A yes or no for each hint: whether any of the texts matches it."""
    if not texts:
        return []
    lines = ["derived:"]
    for name, (pattern, _) in _HINTS.items():
        clause = " or ".join(f'event.{text} matches "{pattern}"' for text in texts)
        lines.append(f"  {name}: '{clause}'")
    return lines


def flattened(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document whose inner objects and lists have become plain fields, and whose whole numbers are there as names
    too."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}_{inner}": inner_value for inner, inner_value in flattened(value).items()})
        elif isinstance(value, list):
            flat[name] = " ".join(str(item) for item in value)
        elif isinstance(value, bool):
            flat[name] = str(value)
        else:
            flat[name] = value
            if name not in _KNOWN and _kind(value) == "name or number":
                flat[f"{name}{AS_NAME}"] = str(value)
    return flat


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "text" if value.count(" ") > _TEXT_SPACES else "category"
    whole = isinstance(value, int) and abs(value) < _LARGEST_NAME
    return "name or number" if whole else "number"


def _listed(key: str, names: list[str]) -> list[str]:
    return [f"    {key}: [{', '.join(names)}]"] if names else []
