"""What a rule does: its `then`, the ladders that it may point to, and how long it rests."""

from dataclasses import replace

from engine.core.domain.actions import ActionTemplate, Ladder
from engine.core.domain.rules import USER
from engine.core.state.entities import MAX_LATENESS_MS, MAX_WINDOW_MS
from engine.core.values.hashing import hash32
from engine.rulebook.language import rule_schema
from engine.rulebook.language.diagnostics import Diagnostics, Span, did_you_mean
from engine.rulebook.language.keys import KEY_FINDERS
from engine.rulebook.language.nodes import Ref
from engine.rulebook.language.reading import choice, duration, read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.sections.additions import read_addition
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.entities import entity_kind
from engine.rulebook.sections.marks import MARK, marking
from engine.rulebook.sections.tells import read_tell


def read_ladder(declared: Declarations, name: str, span: Span, node: Node) -> Ladder | None:
    """One of `ladders:`, or None and errors."""
    report, title = declared.diagnostics, f"ladder `{name}`"
    keys = read_mapping(node, rule_schema.LADDER, title, report)
    decay_ms = duration(keys["decay"], report) if "decay" in keys else None
    if decay_ms is not None and decay_ms > MAX_WINDOW_MS:
        report.error(keys["decay"].span, f"strikes are kept for at most {MAX_WINDOW_MS // 86_400_000}d")
    if "steps" not in keys or decay_ms is None:
        return None
    if not keys["steps"].items:
        report.error(keys["steps"].span, f"the steps of {title} are a list", "- {at: 1, challenge: captcha}")
        return None
    steps = [step for item in keys["steps"].items if (step := _read_step(item, title, report)) is not None]
    reached = [at for at, _ in steps]
    if reached != sorted(set(reached)):
        report.error(keys["steps"].span, f"each step of {title} needs more strikes than the one before it")
    return Ladder(name, hash32(f"ladder {name}"), decay_ms, tuple(steps))


def _read_step(node: Node, title: str, report: Diagnostics) -> tuple[int, ActionTemplate] | None:
    keys = read_mapping(node, rule_schema.STEP, f"a step of {title}", report)
    kind = _only_kind(node, keys, f"a step of {title}", report)
    at = keys["at"].scalar if "at" in keys else None
    if "at" in keys and (type(at) is not int or not 1 <= at <= rule_schema.MAX_STRIKES):
        report.error(keys["at"].span, f"`at` is a number of strikes, from 1 to {rule_schema.MAX_STRIKES}")
        return None
    if kind is None or type(at) is not int:
        return None
    return at, _template(keys, kind, "user", "user", report)


ALLOW = ActionTemplate(kind="allow", scope=None, for_ms=None, target="user", path="user")

_DONE_TWICE = "`then` of rule `{}` says the same action twice"


def read_thens(
    declared: Declarations, node: Node, rule: str, ladders: dict[str, Ladder], told: list[Ref]
) -> tuple[tuple[ActionTemplate, ...], Ladder | None]:
    """What a rule does: one action, or several on the same hit. On a ladder the action is the one of the step that is
    reached. Nothing and errors where it cannot be read. `told` gets the names in texts for users."""
    report = declared.diagnostics
    if node.items is None:
        then, ladder = _read_then(declared, node, rule, ladders, told)
        return ((then,) if then is not None else ()), ladder
    if not 1 <= len(node.items) <= rule_schema.MAX_ACTIONS:
        report.error(
            node.span, f"`then` lists from 1 to {rule_schema.MAX_ACTIONS} actions, these are {len(node.items)}"
        )
    thens = list[ActionTemplate]()
    for place, item in enumerate(node.items):
        keys = item.entries or {}
        if item.text == "allow" or "ladder" in keys or "allow" in keys:
            report.error(item.span, "`allow` and `ladder` stand alone: a list is of other actions")
            continue
        if place and ("also" in keys or "lookback" in keys):
            hint = "write it there: all actions of the rule look back"
            report.error(item.span, "`also: earlier` stands in the first action of a list", hint)
        then, _ = _read_then(declared, item, rule, ladders, told)
        if then is None:
            continue
        if any((then.kind, then.scope, then.target) == (one.kind, one.scope, one.target) for one in thens):
            report.error(item.span, _DONE_TWICE.format(rule), "drop one, or give it another target or scope")
        if thens and thens[0].lookback_ms is not None and then.target not in ("user", "event", thens[0].target):
            hint = f"with `also: earlier`, a further target is user, event or {thens[0].target}"
            report.error(item.span, f'nothing is known of the "{then.target}" of earlier events', hint)
        thens.append(then)
    return tuple(thens), None


def _read_then(
    declared: Declarations, node: Node, rule: str, ladders: dict[str, Ladder], told: list[Ref]
) -> tuple[ActionTemplate | None, Ladder | None]:
    report = declared.diagnostics
    if node.entries is None:
        if node.text == "allow":
            return ALLOW, None
        hint = (
            f"write {{{node.text}: its scope}}"
            if node.text in rule_schema.ACTION_KINDS
            else "for example {limit: posting, for: 1h}"
        )
        report.error(node.span, f"`then` must be allow or a mapping, this is {node.kind}", hint)
        return None, None
    keys = read_mapping(node, rule_schema.THEN, "`then`", report)
    if "ladder" in keys:
        return _on_ladder(node, keys, ladders, report)
    kind = _only_kind(node, keys, f"`then` of rule `{rule}`", report)
    if kind is None:
        return None, None
    if kind == MARK:
        return marking(declared, keys), None
    if kind == rule_schema.ADD:
        return read_addition(declared, node, keys), None
    for key in [key for key in ("value", "max") if key in keys]:
        report.error(keys[key].span, f"`{key}` goes with `{rule_schema.ADD}`", "drop it")
    target = keys["target"].text or "user" if "target" in keys else "user"
    if target not in ("user", "event", *KEY_FINDERS):
        declared_field = declared.fields.get(target)
        if declared_field is None or declared_field.type != "text":
            known = [
                "user",
                "event",
                *KEY_FINDERS,
                *(name for name, value in declared.fields.items() if value.type == "text"),
            ]
            hint = did_you_mean(target, known) or f"one of: {', '.join(known)}"
            report.error(keys["target"].span, f'"{target}" cannot be a target', hint)
    path = declared.fields[target].path if target in declared.fields else target
    then = _template(keys, kind, target, path, report, _lookback(declared, node, keys))
    if target in KEY_FINDERS:
        then = replace(then, keys=KEY_FINDERS[target])
        if then.lookback_ms is not None:
            message = f'those who came before share one "{target}": it is acted on once'
            report.error(keys["target"].span, message, "drop `also: earlier`, or act on user or event")
    if "tell" in keys:
        tell, refs = read_tell(declared, keys["tell"])
        then = replace(then, tell=tell)
        told += refs
    return then, None


def _on_ladder(
    node: Node, keys: dict[str, Node], ladders: dict[str, Ladder], report: Diagnostics
) -> tuple[ActionTemplate | None, Ladder | None]:
    name = keys["ladder"].text or ""
    if len(keys) > 1:
        report.error(node.span, "`ladder` stands alone: its steps say what is done", f"{{ladder: {name}}}")
    if name not in ladders:
        hint = did_you_mean(name, ladders) or "declare it under `ladders:`"
        report.error(keys["ladder"].span, f'unknown ladder "{name}"', hint)
        return None, None
    return ActionTemplate(kind="strike", scope=name, for_ms=None, target="user", path="user"), ladders[name]


def _only_kind(node: Node, keys: dict[str, Node], title: str, report: Diagnostics) -> str | None:
    """The one action in a mapping, or None and an error."""
    kinds = [key for key in keys if key in rule_schema.ACTION_KINDS]
    if not kinds and len(keys) < len(node.entries or ()):
        return None  # the kind is misspelt, and reported as an unknown key
    if len(kinds) != 1:
        several = f"several stand in a list: [{', '.join(f'{{{kind}: …}}' for kind in kinds)}]"
        hint = several if kinds else f"one of: {', '.join(rule_schema.ACTION_KINDS)}"
        report.error(node.span, f"{title} needs exactly one action", hint)
        return None
    scope = keys[kinds[0]]
    if (scope.scalar is not None and not isinstance(scope.scalar, str)) or scope.text is None:
        report.error(scope.span, f"the scope of `{kinds[0]}` is a word, this is {scope.kind}")
    return kinds[0]


def _template(
    keys: dict[str, Node], kind: str, target: str, path: str, report: Diagnostics, lookback_ms: int | None = None
) -> ActionTemplate:
    lasts = duration(keys["for"], report) if "for" in keys else None
    needs = choice(keys["needs"], rule_schema.NEEDS, "`needs`", report) if "needs" in keys else None
    return ActionTemplate(
        kind=kind,
        scope=keys[kind].text or None,
        for_ms=lasts,
        target=target,
        path=path,
        lookback_ms=lookback_ms,
        needs=needs,
    )


def _lookback(declared: Declarations, node: Node, keys: dict[str, Node]) -> int | None:
    """How far back the rule acts, if it does."""
    report = declared.diagnostics
    if "also" in keys:
        choice(keys["also"], rule_schema.ALSO, "`also`", report)
    if ("also" in keys) != ("lookback" in keys):
        report.error(node.span, "`also: earlier` and `lookback` go together", "{…, also: earlier, lookback: 10m}")
    lookback_ms = duration(keys["lookback"], report) if "lookback" in keys else None
    if "also" in keys and "allow" in keys:
        report.error(keys["also"].span, "`also: earlier` goes with actions, not with allow")
    if lookback_ms is not None and lookback_ms > MAX_LATENESS_MS:
        report.error(keys["lookback"].span, f"a lookback is at most {MAX_LATENESS_MS // 86_400_000}d long")
    return lookback_ms


def read_cooldown(declared: Declarations, node: Node) -> tuple[str, int]:
    """At which kind of entity a rule rests, and for how long, in ms."""
    report = declared.diagnostics
    keys = read_mapping(node, rule_schema.COOLDOWN, "`cooldown`", report)
    per = entity_kind(declared, keys["per"]) if "per" in keys else None
    lasts = duration(keys["for"], report) if "for" in keys else None
    if lasts is not None and lasts > MAX_WINDOW_MS:
        report.error(keys["for"].span, f"a cooldown is at most {MAX_WINDOW_MS // 86_400_000}d long")
    return per or USER, lasts or 0
