"""Whether entries of lists can be what they are compared with: one that can never match is an error at its line."""

from collections.abc import Callable, Iterable, Iterator

from engine.core.domain.rules import Rulebook
from engine.core.values.banks import hash_of
from engine.core.values.lists import Entries, meaning_of
from engine.core.values.networks import network_of
from engine.keys.urls import domain_of
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.keys import CANONICAL
from engine.rulebook.language.nodes import Call, Expr, Member, Ref, children
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.reading import read_declarations
from engine.rulebook.sections.rules import RuleDeclaration, expressions_in, read_rules

_PREFIX_BITS = {4: 24, 6: 56}
_NO_HASH = ("is no hash of a picture", "write 64 hexadecimal digits, as `media.hashes` has them")


def check_entries(made: Declarations, rules: Iterable[RuleDeclaration]) -> None:
    """Report the entries that can never match, of each list and of what is compared with it."""
    for name, kind in sorted(_uses(made, rules)):
        find = _wrong_live if name in made.live else _wrong
        for entry, span in made.entry_spans.get(name, {}).items():
            mistake = find(entry, kind)
            if mistake is not None:
                made.diagnostics.error(span, f"`{entry}` can never match: {mistake[0]}", mistake[1])


def find_wrong_entries(rulebook: Rulebook, name: str, entries: Iterable[str]) -> list[str]:
    """What is wrong with entries that are to go on a live list: those that can never match what the rulebook looks up
    in it. Entries of live lists are found as they are written, where those of others are found by their domain."""
    made = read_declarations(rulebook.sources, Diagnostics(rulebook.sources))
    if name in made.banks:
        return [f"`{entry}` {_NO_HASH[0]}; {_NO_HASH[1]}" for entry in entries if hash_of(entry) is None]
    kinds = sorted(kind for used, kind in _uses(made, read_rules(made)) if used == name)
    return [
        f"`{entry}` can never match: {mistake[0]}; {mistake[1]}"
        for entry in entries
        for kind in kinds
        if (mistake := _wrong_live(entry, kind)) is not None
    ]


def _uses(made: Declarations, rules: Iterable[RuleDeclaration]) -> set[tuple[str, str]]:
    """Lists by name, and the kind of what is looked up in each."""
    uses = {(counter.excluded, counter.by) for counter in made.counters.values() if counter.excluded is not None}
    for expr in expressions_in(made, rules):
        uses |= {(member.list_name, kind) for member, kind in _members(expr) if member.list_name is not None}
    return uses


def _wrong(entry: str, kind: str) -> tuple[str, str] | None:
    return _WRONG[kind](entry) if kind in _WRONG else None


def _wrong_live(entry: str, kind: str) -> tuple[str, str] | None:
    mistake = _wrong(entry, kind)
    if mistake is not None or kind != "url_domain":
        return mistake
    meaning = meaning_of(entry)
    is_wildcard = meaning is not None and meaning[0] == "below"
    keys = CANONICAL[kind](str(meaning[1]) if meaning is not None and is_wildcard else entry)
    if not keys or any(key in Entries([entry]) for key in keys):
        return None
    return f"links are found by what was registered, here `{keys[0]}`", f"write {keys[0]}"


def _members(expr: Expr) -> Iterator[tuple[Member, str]]:
    """What is looked up in lists, and the kind of what is looked up."""
    if isinstance(expr, Member):
        item = expr.item
        if isinstance(item, Ref) and (item.kind == "keys" or (item.kind == "field" and item.target == "ip")):
            yield expr, item.target
        elif isinstance(item, Call) and item.function == "domain":
            yield expr, "url_domain"
    for child in children(expr):
        yield from _members(child)


def _wrong_address(entry: str) -> tuple[str, str] | None:
    if network_of(entry) is not None:
        return None
    return "it is no address and no network", "for example 203.0.113.9, 198.51.100.0/24 or 2001:db8::/32"


def _wrong_prefix(entry: str) -> tuple[str, str] | None:
    network = network_of(entry)
    if network is None or CANONICAL["ip_prefix"](entry):
        return None if network is not None else _wrong_address(entry)
    bits = _PREFIX_BITS[network.version]
    if network.bits <= bits:
        return None
    return f"an `ip_prefix` is a /{bits}, which is larger", f"write the /{bits} that it lies in"


def _wrong_domain(entry: str) -> tuple[str, str] | None:
    meaning = meaning_of(entry)
    if meaning is not None and meaning[0] == "below":
        return None
    if domain_of(entry):
        return None
    return "it is no domain", "for example example.com, *.example.com or t.me/channel"


def _wrong_text(entry: str) -> tuple[str, str] | None:
    if CANONICAL["text"](entry):
        return None
    return "texts of so few letters are not told apart by what they say", "leave it out: it is not counted by `text`"


def _wrong_image(entry: str) -> tuple[str, str] | None:
    if CANONICAL["image"](entry):
        return None
    return f"it {_NO_HASH[0]}", _NO_HASH[1]


_WRONG: dict[str, Callable[[str], tuple[str, str] | None]] = {
    "ip": _wrong_address, "ip_prefix": _wrong_prefix, "url_domain": _wrong_domain, "text": _wrong_text,
    "image": _wrong_image, "video": _wrong_image,
}  # fmt: skip
