"""What a rule's test expects: at which of its events the rule fires, and what it does there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.core.domain.decisions import Action
from engine.core.domain.units import duration_text
from engine.rulebook.inline_tests.steps import numbered
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.schema import ACTION_KINDS, ACTION_OF_EXAMPLE, NEEDS, choice, duration, read_mapping
from engine.rulebook.language.source import Node

_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Expected:
    """An action, as far as a test describes it: what is None may be anything. `target`: an id, perhaps with `{n}`."""

    kind: str
    scope: str | None
    for_ms: int | None = None
    target: str | None = None
    needs: str | None = None

    def is_met_by(self, action: Action, number: int) -> bool:
        """Whether this is the action, at the event of this number."""
        return (
            action.kind == self.kind
            and self.scope in (None, action.scope)
            and self.for_ms in (None, action.for_ms)
            and self.needs in (None, action.needs)
            and (self.target is None or numbered(self.target, number) == action.target_id)
        )


Expectations = Sequence[Expected | None]
"""One for each event that fires; None: nothing is done there."""


def read_firing(keys: Mapping[str, Node], count: int, report: Diagnostics, node: Node) -> list[int] | None:
    """The numbers of the events that are to fire, of so many; None and an error where that cannot be told."""
    if ("fires_at" in keys) == ("fires" in keys):
        report.error(node.span, "a test needs exactly one of `fires_at` and `fires`")
        return None
    if "fires" in keys:
        if keys["fires"].text in ("always", "never"):
            return list(range(1, count + 1)) if keys["fires"].text == "always" else []
        report.error(keys["fires"].span, "`fires` is always or never", "some of the events are `fires_at: [11]`")
        return None
    numbers = keys["fires_at"].plain()
    if type(numbers) is not list or any(type(item) is not int or not 1 <= item <= count for item in numbers):
        report.error(keys["fires_at"].span, "`fires_at` lists whole numbers from 1 to `times`, for example [11]")
        return None
    return sorted(set(numbers))


def read_actions(node: Node, firing: Sequence[int], report: Diagnostics) -> Expectations | None:
    """What is to be done at the events that fire, or None and an error."""
    if not firing:
        report.error(node.span, "`acts` says what is done at events that fire, and this test expects none", "drop it")
        return None
    if node.items is not None and len(node.items) != len(firing):
        message = f"`acts` lists {len(node.items)} actions, and {len(firing)} events are to fire"
        report.error(node.span, message, "one for each of them, `nothing` where nothing is done")
        return None
    pairs = [(_read_action(item, report), item) for item in node.walk()]
    if any(action is None and item.text != _NOTHING for action, item in pairs):
        return None
    actions = [action for action, _ in pairs]
    return actions if node.items is not None else actions * len(firing)


def _read_action(node: Node, report: Diagnostics) -> Expected | None:
    if node.entries is None and node.text == _NOTHING:
        return None
    if node.entries is None:
        report.error(
            node.span, f"an action is a mapping, or `nothing`; this is {node.kind}", "{limit: posting, for: 1h}"
        )
        return None
    before = len(report.errors)
    keys = read_mapping(node, ACTION_OF_EXAMPLE, "an action of `acts`", report)
    kinds = [key for key in keys if key in ACTION_KINDS]
    if len(kinds) != 1 and len(keys) == len(node.entries):
        message = "an action of `acts` has exactly one kind"
        report.error(node.span, message, f"one of: {', '.join(kind for kind in ACTION_KINDS if kind != 'allow')}")
    lasts = duration(keys["for"], report) if "for" in keys else None
    needs = choice(keys["needs"], NEEDS, "`needs`", report) if "needs" in keys else None
    if len(report.errors) > before:
        return None
    return Expected(
        kind=kinds[0],
        scope=keys[kinds[0]].text or None,
        for_ms=lasts,
        target=keys["target"].text if "target" in keys else None,
        needs=needs,
    )


def tell_action(action: Action | None) -> str:
    """What was done, as a test would have it."""
    if action is None:
        return _NOTHING
    text = f"{action.kind}: {action.scope}" if action.scope else action.kind
    if action.for_ms is not None:
        text += f", for: {duration_text(action.for_ms)}"
    return f"{{{text}, target: {action.target_id}{f', needs: {action.needs}' if action.needs else ''}}}"
