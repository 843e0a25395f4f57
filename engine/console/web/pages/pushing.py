"""From a draft to the rulebook in use: the plan, somebody else's approval, the push, and the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Connection
from starlette.responses import Response

from engine.console.following.control import Standing
from engine.console.store import drafts
from engine.console.store.drafts import PROPOSED, Draft
from engine.console.store.outgoing import enqueue
from engine.console.trying.findings import Checked
from engine.console.web.pages.backtests import doubt_about
from engine.console.web.pages.rule_editor import seen_draft
from engine.console.web.visits import Page, Visit, json_response
from engine.errors import RequestError
from engine.rulebook.tools.differences import Difference, differences
from engine.stream.control.rulebooks import Version

_DAY_MS = 86_400_000
_SHOWN = 50
_CHANGES_SHOWN = 8


class Plan(NamedTuple):
    """What a push of a draft would do. `removed`: what it takes out of use; `problem`: why it cannot be pushed;
    `doubt`: why it should not be, unless that is meant."""

    changes: list[Difference]
    removed: list[str]
    checked: Checked
    problem: str
    doubt: str


def show_plan(visit: Visit) -> Response:
    """What a push of a draft would change, before anything is done."""
    draft, standing = seen_draft(visit, is_checked=False), visit.console.control.standing()
    return visit.page("rules/plan.html", draft=draft, plan=make_plan(visit, draft, standing), standing=standing)


def push(visit: Visit) -> Response:
    """Push a draft, or where a second person has to approve, propose it; approve what somebody else has proposed."""
    draft = seen_draft(visit)
    note = visit.text("note", most=500) or draft.note
    if not note:
        raise RequestError("say why: the note goes along with the rulebook")
    plan = make_plan(visit, draft, visit.console.control.standing())
    if plan.problem:
        raise RequestError(plan.problem, 409)
    if plan.removed and visit.text("removes") != "yes":
        raise RequestError(f"this removes {', '.join(plan.removed[:5])}: say that it is meant")
    if plan.doubt and visit.text("meant") != "yes":
        raise RequestError(f"{plan.doubt}: backtest it, or say that it is meant", 409)
    approves = visit.text("approve") == "yes"
    with visit.store.write() as connection:
        if visit.settings.console.needs_approval and not approves:
            drafts.propose(connection, draft, visit.person.name, note, visit.now_ms)
            visit.note(
                connection, "proposed a rulebook", f"draft:{draft.id}", note=note, rulebook=plan.checked.rulebook
            )
            said = f"Draft {draft.id} is proposed: somebody else has to approve it."
        else:
            approver = _approver(visit, draft) if approves else None
            _send(visit, connection, draft, note, approver, plan)
            said = "The rulebook is on its way: workers switch to it within seconds."
    visit.console.control.expire()
    return visit.see("rules" if said.startswith("The") else "rule_editor", said=said)


def show_history(visit: Visit) -> Response:
    """Versions that were pushed, and rules that were paused and resumed, the newest first."""
    standing = visit.console.control.standing()
    return visit.page("rules/history.html", standing=standing, entries=history(standing)[:_SHOWN], most=_CHANGES_SHOWN)


def list_rulebooks(visit: Visit) -> Response:
    """The versions that were pushed, as JSON."""
    standing = visit.console.control.standing()
    in_use = standing.version.number if standing.version is not None else None
    return json_response(
        {
            "in_use": in_use,
            "versions": [
                {"number": version.number, "rulebook": version.id, "author": version.author, "note": version.note,
                 "ts": version.ts_ms, "changes": [asdict(change) for change in changes]}
                for version, changes in history(standing)[: visit.limit(_SHOWN)]
            ],
        }
    )  # fmt: skip


def show_difference(visit: Visit) -> Response:
    """What differs between two versions."""
    standing = visit.console.control.standing()
    old, new = (_version(standing, visit.number(name, -1, -1)) for name in ("old", "new"))
    return visit.page("rules/difference.html", old=old, new=new, changes=differences(old.sources, new.sources))


def roll_back(visit: Visit) -> Response:
    """Publish an earlier version again."""
    standing = visit.console.control.standing()
    version, note = _version(standing, visit.number("version", -1, -1)), visit.text("note", most=500)
    if not note:
        raise RequestError("say why: the note goes along with the rulebook")
    checked = visit.console.checker.check(version.sources)
    if checked.rulebook is None:  # what was right for an earlier engine need not be for this one
        raise RequestError(f"version {version.number} fails its check now: {checked.errors[0].message}", 409)
    payload = {"files": dict(version.sources), "note": f"back to version {version.number}: {note}"}
    with visit.store.write() as connection:
        enqueue(connection, "push", payload, visit.person.name, visit.now_ms)
        visit.note(connection, "rolled back", f"rulebook:{version.id}", version=version.number, note=note)
    visit.console.control.expire()
    return visit.see("rules", said=f"Version {version.number} is on its way to be in use again.")


def make_plan(visit: Visit, draft: Draft, standing: Standing) -> Plan:
    """What a push of a draft would do. Raises RequestError where it cannot be checked."""
    checked = visit.console.checker.check(draft.files)
    changes = differences(standing.sources, draft.files)
    removed = [f"{change.kind} {change.name}" for change in changes if change.change == "removed"]
    problem = _problem(visit, draft, checked, changes)
    return Plan(changes, removed, checked, problem, "" if problem else doubt_about(visit, checked.rulebook))


def history(standing: Standing) -> list[tuple[Version, Sequence[Difference]]]:
    """Each version with what it has changed, the newest first."""
    latest = standing.versions[-_SHOWN - 1 :]
    changed = {after.number: differences(before.sources, after.sources) for before, after in pairwise(latest)}
    return [(version, changed.get(version.number, [])) for version in reversed(latest)]


def _problem(visit: Visit, draft: Draft, checked: Checked, changes: Sequence[Difference]) -> str:
    if not draft.is_open:
        return f"this draft is {draft.state}"
    if checked.errors or checked.rulebook is None:
        return f"the engine finds {len(checked.errors)} errors: mend them first"
    needed_days = -(-checked.longest_keep_ms // _DAY_MS) + 2 if checked.longest_keep_ms else 0
    if needed_days > visit.settings.state_ttl_days:
        return f"it remembers for longer than state is kept: set `state_ttl_days: {needed_days}` for all workers first"
    return "" if changes else "it says the same as the rulebook in use"


def _approver(visit: Visit, draft: Draft) -> str:
    if draft.state != PROPOSED:
        raise RequestError("nobody has proposed this draft as it is now: propose it first", 409)
    if draft.author == visit.person.name:
        raise RequestError("somebody else has to approve what you have proposed", 403)
    return visit.person.name


def _send(
    visit: Visit, connection: Connection, draft: Draft, note: str, approver: str | None, plan: Plan
) -> None:  # fmt: skip
    author = draft.author if approver else visit.person.name
    told = f"{draft.note} (approved by {approver})" if approver else note
    payload: Mapping[str, object] = {"files": dict(draft.files), "note": told}
    drafts.mark_pushed(connection, draft, told, approver, visit.now_ms)
    enqueue(connection, "push", payload, author, visit.now_ms)
    verb = "approved a rulebook" if approver else "pushed a rulebook"
    doubt = {"in_spite_of": plan.doubt} if plan.doubt else {}
    visit.note(connection, verb, f"draft:{draft.id}", note=told, rulebook=plan.checked.rulebook, author=author, **doubt)


def _version(standing: Standing, number: int) -> Version:
    version = next((version for version in standing.versions if version.number == number), None)
    if version is None:
        raise RequestError("there is no such version any more", 404)
    return version


PAGES = (
    Page("/rules/plan", "rule_plan", show_plan),
    Page("/rules/push", "rule_push", push, "POST"),
    Page("/rules/history", "rule_history", show_history),
    Page("/rules/difference", "rule_difference", show_difference),
    Page("/rules/rollback", "rule_rollback", roll_back, "POST"),
    Page("/api/rulebooks", "api_rulebooks", list_rulebooks, is_api=True, summary="Versions of the rulebook",
         parameters={"limit": "how many"}),
)  # fmt: skip
