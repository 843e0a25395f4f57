"""The functions of clauses and values: what each takes and gives, and what it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.rulebook.language.nodes import Type

Parameter = Literal["text", "number", "time", "name", "text or list", "pattern", "class", "list name", "zone"]
"""What stands in a place. Patterns, classes and names of lists are fixed: they are written out."""

FIXED: tuple[Parameter, ...] = ("pattern", "class", "list name")
_CALLED: Mapping[Parameter, str] = {
    "class": '"[A-Z]"', "pattern": '"pattern"', "list name": "lists.x", "zone": '"Europe/Berlin"'
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Function:
    """`takes`: its arguments, the last `optional` of which may be left out; `may_fail`: there are arguments for which
    it knows no answer; `us`: what it costs for a short text."""

    takes: tuple[Parameter, ...]
    gives: Type
    meaning: str
    optional: int = 0
    may_fail: bool = False
    us: float = 0.0

    def written(self, name: str) -> str:
        """As people write it."""
        words = [_CALLED.get(kind, kind) for kind in self.takes]
        kept = len(words) - self.optional
        left_out = "".join(f"[, {word}]" for word in words[kept:])
        return f"{name}({', '.join(words[:kept])}{left_out})"


FUNCTIONS: Mapping[str, Function] = {
    "len": Function(("text or list",), "number", "how many characters a text has, or items a list"),
    "lower": Function(("text",), "text", "in small letters"),
    "skeleton": Function(("text",), "text", "as its reader takes it: without disguises, in small letters", us=5.0),
    "domain": Function(("text",), "text", "the registrable domain of a link or an e-mail address", us=8.0),
    "domains": Function(("text or list",), "list", "those of all links in a text, or in a list of links", us=10.0),
    "mailbox": Function(("text",), "text", "the mailbox that an e-mail address leads to", us=1.5),
    "is_disposable": Function(
        ("text",), "bool", "whether an e-mail address, or a host, is of those that are thrown away", us=2.0
    ),
    "starts_with": Function(("text", "text"), "bool", "whether a text begins with another one"),
    "ends_with": Function(("text", "text"), "bool", "whether a text ends with another one"),
    "contains_any": Function(
        ("text", "list name"), "bool", "whether one of the entries of a list stands in a text", us=14.0
    ),
    "contains_word": Function(
        ("text", "list name"), "bool", "whether one of the entries of a list stands in a text as a word of its own",
        us=20.0,
    ),
    "extract": Function(
        ("text", "pattern"), "text", "what a pattern finds first: its first group, if it has one; else an empty text",
        us=2.0,
    ),
    "number": Function(("text",), "number", "the number that a text says, such as 60.00", may_fail=True, us=0.5),
    "count": Function(("text", "pattern"), "number", "how often a pattern occurs, up to 250 times", us=4.0),
    "share": Function(
        ("text", "class", "class"),
        "number",
        "which share of the characters is of a kind; of those of the second kind alone, if it is there",
        optional=1,
        us=1.5,
    ),
    "repeats": Function(("text",), "number", "the length of the longest run of one character", us=4.0),
    "entropy": Function(("text",), "number", "bits per character: low is monotonous, high is random", us=12.0),
    "similarity": Function(
        ("text", "text"), "number", "from 0 to 1: how much two names have in common, in their first 64 characters",
        us=15.0,
    ),
    "date": Function(
        ("time", "zone"), "text", "the day of a time there, such as 2026-10-01", optional=1, may_fail=True, us=1.0
    ),
    "hour": Function(
        ("time", "zone"), "number", "the hour of a time there, from 0 to 23", optional=1, may_fail=True, us=0.8
    ),
    "weekday": Function(
        ("time", "zone"), "number", "the day of the week there, from 1 (Monday) to 7", optional=1, may_fail=True, us=0.8
    ),
    "km": Function(
        ("number", "number", "number", "number"), "number",
        "the distance in kilometres of two places: latitude and longitude of each", may_fail=True, us=1.0,
    ),
    "abs": Function(("number",), "number", "without its sign"),
    "min": Function(("number", "number"), "number", "the smaller one"),
    "max": Function(("number", "number"), "number", "the larger one"),
    "known": Function(("name",), "bool", "whether a value is there"),
}  # fmt: skip
