"""What a rule's test expects: at which of its events the rule fires, and what it does there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from engine.core.domain.decisions import Action
from engine.core.domain.units import duration_text
from engine.rulebook.inline_tests.steps import numbered
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.reading import choice, duration, read_mapping
from engine.rulebook.language.rule_schema import ACTION_KINDS, ACTION_OF_EXAMPLE, MAX_ACTIONS, NEEDS
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
    tell: str | None = None

    def is_met_by(self, action: Action, number: int) -> bool:
        """Whether this is the action, at the event of this number."""
        return (
            action.kind == self.kind
            and self.scope in (None, action.scope)
            and self.for_ms in (None, action.for_ms)
            and self.needs in (None, action.needs)
            and self.tell in (None, action.tell.text() if action.tell is not None else "")
            and (self.target is None or numbered(self.target, number) == action.target_id)
        )


@dataclass(frozen=True, slots=True)
class Done:
    """What is done at one event. `whole`: nothing else than these actions; without it, something else may be done
    beside the one that is named."""

    actions: Sequence[Expected]
    whole: bool

    def is_met_by(self, actions: Sequence[Action], number: int) -> bool:
        """Whether this is what was done at the event of this number: each of them by an action of its own."""
        if not self.actions or (self.whole and len(actions) != len(self.actions)):
            return not self.actions and not actions
        return any(
            all(wanted.is_met_by(action, number) for wanted, action in zip(self.actions, chosen, strict=True))
            for chosen in permutations(actions, len(self.actions))
        )


NOTHING = Done((), whole=True)

Expectations = Sequence[Done]
"""One for each event that fires."""


_FIRES = "fires: always, fires: never, or the numbers of those that fire: fires_at: [3]"


def read_firing(keys: Mapping[str, Node], count: int, report: Diagnostics, node: Node) -> list[int] | None:
    """The numbers of the events that are to fire, of so many; None and an error where that cannot be told."""
    if ("fires_at" in keys) == ("fires" in keys):
        report.error(node.span, "a test needs exactly one of `fires_at` and `fires`", _FIRES)
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
    if node.items is not None and not _is_for_all(node) and len(node.items) != len(firing):
        message = f"`acts` lists {len(node.items)} actions, and {len(firing)} events are to fire"
        report.error(node.span, message, "one for each of them, `nothing` where nothing is done")
        return None
    done = [_read_done(item, report) for item in node.walk()]
    if None in done:
        return None
    read = [one for one in done if one is not None]
    return read if len(read) == len(firing) else read * len(firing)


def _is_for_all(node: Node) -> bool:
    """Whether what is done at one event is meant for each of them: it is not in a list, or is the list in a list."""
    return node.items is None or (len(node.items) == 1 and node.items[0].items is not None)


def _read_done(node: Node, report: Diagnostics) -> Done | None:
    if node.text == _NOTHING:
        return NOTHING
    actions = [_read_action(item, report) for item in node.walk()]
    if len(actions) > MAX_ACTIONS:
        report.error(node.span, f"a rule does at most {MAX_ACTIONS} things")
        return None
    read = [action for action in actions if action is not None]
    return Done(read, whole=node.items is not None) if len(read) == len(actions) and read else None


def _read_action(node: Node, report: Diagnostics) -> Expected | None:
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
        scope=(keys[kinds[0]].text or "").removeprefix("lists.") or None,
        for_ms=lasts,
        target=keys["target"].text if "target" in keys else None,
        needs=needs,
        tell=keys["tell"].text if "tell" in keys else None,
    )


def tell_actions(actions: Sequence[Action]) -> str:
    """What was done, as a test would have it."""
    told = [_tell_action(action) for action in actions]
    return f"[{', '.join(told)}]" if len(told) > 1 else "".join(told) or _NOTHING


def _tell_action(action: Action) -> str:
    text = f"{action.kind}: {action.scope}" if action.scope else action.kind
    if action.for_ms is not None:
        text += f", for: {duration_text(action.for_ms)}"
    more = f", needs: {action.needs}" if action.needs else ""
    more += f", tell: {action.tell.text()!r}" if action.tell is not None else ""
    return f"{{{text}, target: {action.target_id}{more}}}"
