"""`then: {add: lists.x, …}`: a rule adds what its events name to a live list, for a while and so many at most."""

from engine.core.domain.actions import ActionTemplate
from engine.core.domain.rules import USER
from engine.rulebook.language import rule_schema
from engine.rulebook.language.diagnostics import did_you_mean
from engine.rulebook.language.keys import KEY_FINDERS
from engine.rulebook.language.reading import duration
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations

_KEYS = (rule_schema.ADD, "value", "for", "max")


def read_addition(declared: Declarations, node: Node, keys: dict[str, Node]) -> ActionTemplate | None:
    """The action that adds an entry; its target is the entry. None and errors where it cannot be read."""
    report = declared.diagnostics
    for key in [key for key in keys if key not in _KEYS]:
        report.error(
            keys[key].span, f"`{key}` does not go with `{rule_schema.ADD}`", "an entry is added, and nothing else"
        )
    missing = [f"`{key}`" for key in _KEYS if key not in keys]
    if missing:
        example = "{add: lists.bad_domains, value: url_domain, for: 24h, max: 100}"
        report.error(node.span, f"what a rule adds has {', '.join(missing)} too", example)
        return None
    name, named = (keys[rule_schema.ADD].text or "").removeprefix("lists."), keys["value"].text or ""
    if name not in declared.live:
        hint = did_you_mean(name, [live for live in declared.live if live]) or "declare it with `live: true`"
        report.error(keys[rule_schema.ADD].span, f'there is no live list "{name}"', hint)
    elif name in declared.banks:
        hint = "rules add to lists; people add pictures: floodgate lists add"
        report.error(keys[rule_schema.ADD].span, f'"{name}" is a bank', hint)
    known = [*KEY_FINDERS, *(field for field, value in declared.fields.items() if value.type == "text")]
    if named not in known:
        hint = did_you_mean(named, known) or f"one of: {', '.join(known)}"
        report.error(keys["value"].span, f'"{named}" cannot be added to a list', hint)
        return None
    most = keys["max"].scalar
    if type(most) is not int or not 1 <= most <= rule_schema.MAX_ADDED:
        report.error(keys["max"].span, f"`max` is how many entries stand at once, from 1 to {rule_schema.MAX_ADDED:,}")
        return None
    target = "user" if named == USER else named
    return ActionTemplate(
        kind=rule_schema.ADD,
        scope=name,
        for_ms=duration(keys["for"], report),
        target=target,
        path=declared.path_of(named),
        keys=KEY_FINDERS.get(named),
        most=most,
    )
