"""`floodgate explain`."""

import sys
import time
from typing import Any

import click
import orjson
from rich.table import Table
from rich.text import Text

from engine.cli.of_candidate import of_candidate
from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.core.domain.units import time_text
from engine.core.values.shown import shown
from engine.rulebook.tools.reevaluation import Reevaluation
from engine.settings import Settings
from engine.stream.admin.published import DECISION, read_documents
from engine.stream.admin.publishing import read_models
from engine.stream.admin.retracing import retrace
from engine.stream.admin.revocation import read_actions
from engine.stream.control.rulebooks import Version, read_in_use, read_versions
from engine.stream.handlers.messages import value_text

_RESULT_TEXTS = {True: Text("holds", "green"), False: Text("does not", "red"), None: Text("unknown", "yellow")}


@click.command("explain")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="The decisions as they were published.")
@click.option("--again", is_flag=True, help="Evaluate the clauses again, from the values in the record.")
@click.option(
    "--retrace", "retraced", is_flag=True, help="Tell each clause of each rule, also of those that did not hold."
)
@with_settings
@of_candidate
def command(settings: Settings, name: str, as_json: bool, again: bool, retraced: bool) -> None:
    """Tell why something was done, or not: NAME is an event's id or an action's.

    Reads the decisions and actions that are still on their topics. Events without a hit are there in a sample only, and
    without clauses: --retrace decides such an event once more, from its user's events that are still on their topic.
    """
    actions = read_actions(settings)
    event = actions.actions[name]["event_id"] if name in actions.actions else name
    if retraced:
        _retrace(Console(), settings, event)
        return
    decisions = {}  # published more than once after a crash, and again when a rule has looked back
    for value, document in read_documents(settings, settings.topics.decisions, DECISION, orjson.dumps(event)):
        if document["event_id"] == event:
            decisions[value] = document
    if not decisions:
        echo(
            f"no decision on {event} is on the topic: it is older than the topic keeps, or no rule has met it and it "
            f"is not among those of such events that are published (`decision_sample` {settings.decision_sample:.3g}). "
            f"`floodgate explain {event} --retrace` tells each clause, as long as the event is on its topic"
        )
        sys.exit(1)
    if as_json:
        for value in decisions:
            echo(value)
        return
    console = Console()
    versions = {version.id: version for version in read_versions(settings)}
    for decision in decisions.values():
        _tell(console, decision)
        version = versions.get(decision["rulebook"])
        if version is not None:
            console.print(f"rulebook {version.id}: version {version.number}, by {version.author}. {version.note}")
        if again:
            _evaluate_again(console, settings, decision, version)
    for action in actions.actions.values():
        if action["event_id"] == event:
            state = actions.state(action, int(time.time() * 1000))
            target = f"{action['target']['type']} {action['target']['id']}"
            console.print(f"action {action['action_id']}: {action['kind']} {target} by {action['rule']}: {state}")


def _retrace(console: Console, settings: Settings, event_id: str) -> None:
    in_use = read_in_use(settings)
    if in_use is None:
        raise click.UsageError("no rulebook has been pushed yet")
    retraced = retrace(settings, in_use[1], read_models(settings), event_id)
    if retraced is None:
        echo(f"event {event_id} is not on its topic: it is older than the topic keeps, or never came")
        sys.exit(1)
    event, table = retraced.event, Table("rule", "clause", "value", "")
    for rule, clauses in retraced.rules.items():
        for place, clause in enumerate(clauses):
            read = ", ".join(f"{name} = {value}" for name, value in clause.values.items())
            table.add_row("" if place else rule, clause.text, read, _RESULT_TEXTS[clause.result])
    console.print(f"{event.type} {event.event_id} by {event.user_id}, {time_text(event.ts_ms)} UTC, decided once more")
    console.print(table if retraced.rules else f"no rule asks about the type {event.type}")
    basis = f"by rulebook {in_use[0].id}, after {retraced.replayed} earlier events of this user that are on the topic"
    console.print(f"{basis}; counters over anything else know these alone, and may have been higher", soft_wrap=True)


def _evaluate_again(console: Console, settings: Settings, decision: Any, version: Version | None) -> None:
    if version is None:
        console.print(f"rulebook {decision['rulebook']} is not on its topic any more: nothing to evaluate by")
        return
    pseudonyms = settings.pseudonyms()
    again = Reevaluation(version.sources, pseudonyms.of if pseudonyms is not None else None)
    verdicts = list(again.verdicts(decision))
    certain = [verdict for verdict in verdicts if verdict.certain]
    others = [verdict for verdict in certain if verdict.now != verdict.recorded]
    for verdict in others:
        console.print(f"{verdict.rule}: {verdict.clause} was {verdict.recorded}, and is {verdict.now} now", style="red")
    console.print(f"evaluated again: {len(certain)} clauses, {len(certain) - len(others)} as recorded")
    if len(verdicts) > len(certain):
        uncertain = len(verdicts) - len(certain)
        console.print(f"the record has too little of what {uncertain} more have read: cut or rounded")


def _tell(console: Console, decision: Any) -> None:
    event = f"{decision['type']} {decision['event_id']} by {decision['user_id']}"
    console.print(f"{event}, {time_text(decision['ts'])} UTC: {decision['outcome']}")
    table = Table("rule", "effect", "clause", "value", "")
    for hit in decision["hits"]:
        for place, clause in enumerate(hit["clauses"]):
            first = (hit["rule"], f"{hit['effect']} ({hit['mode']})") if place == 0 else ("", "")
            read = value_text(clause["value"], clause.get("points"))
            table.add_row(*first, clause["text"], read, _RESULT_TEXTS[clause["result"]])
        if hit.get("counterfactual"):
            table.add_row("", "", Text(shown(hit["counterfactual"]), "dim"), "", "")
    if decision["hits"]:
        console.print(table)
    else:
        hint = f"no rule held; `floodgate explain {decision['event_id']} --retrace` tells each clause with its values"
        console.print(hint, soft_wrap=True)
    for model, score in decision["scores"].items():
        parts = ", ".join(f"{part} {logit:+.2f}" for part, logit in decision.get("contributions", {}).get(model, ()))
        version = decision["models"].get(model, "")
        console.print(f"score.{model} = {score:.3f} ({version}){': ' if parts else ''}{parts}")
