"""A decision looked at again: by the rulebook that decided, and by the one that is in use now."""

from typing import Any, NamedTuple

import orjson
from starlette.responses import Response

from engine.console.store.histories import find_decision
from engine.console.web.visits import Page, Visit
from engine.errors import RequestError, RulebookError
from engine.rulebook.tools.reevaluation import ClauseVerdict, Reevaluation
from engine.stream.control.rulebooks import Version, read_versions


class Again(NamedTuple):
    """The clauses of a decision by one rulebook. `problem`: why it cannot say anything."""

    title: str
    verdicts: list[ClauseVerdict]
    problem: str = ""


def decide_again(visit: Visit) -> Response:
    """Evaluate a decision's clauses once more, from the values in its record."""
    with visit.store.read() as connection:
        details = find_decision(connection, visit.path["decision"])
    if details is None:
        raise RequestError("there is no such decision, or it is older than the console keeps", 404)
    decision: dict[str, Any] = orjson.loads(details.decision.document)
    versions = read_versions(visit.settings)
    then = next((version for version in reversed(versions) if version.id == decision["rulebook"]), None)
    chosen = [("by the rulebook that decided", then)]
    if versions and versions[-1].id != decision["rulebook"]:
        chosen.append(("by the rulebook of today", versions[-1]))
    found = [_evaluate(visit, title, version, decision) for title, version in chosen]
    return visit.page("decisions/again.html", decision=decision, row=details.decision.id, found=found)


def _evaluate(visit: Visit, title: str, version: Version | None, decision: dict[str, Any]) -> Again:
    if version is None:
        return Again(title, [], f"the rulebook {decision['rulebook']} is not on its topic any more")
    pseudonyms = visit.settings.pseudonyms()
    try:
        again = Reevaluation(version.sources, pseudonyms.of if pseudonyms is not None else None)
    except RulebookError as error:
        return Again(title, [], f"this version of the engine does not read it: {error}")
    return Again(f"{title}: {version.id}, version {version.number}", list(again.verdicts(decision)))


PAGES = (Page("/decisions/{decision:int}/again", "decision_again", decide_again, "POST"),)
