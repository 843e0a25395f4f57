"""`floodgate explain`."""

import sys
from typing import Any

import click
import orjson
from rich.table import Table
from rich.text import Text

from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.core.shown import shown
from engine.core.units import time_text
from engine.rulebook.reevaluation import Reevaluation
from engine.settings import Settings
from engine.stream.messages import value_text
from engine.stream.published import DECISION, read_documents
from engine.stream.reversal import read_actions
from engine.stream.rulebooks import Version, read_versions

_SAID = {True: Text("holds", "green"), False: Text("does not", "red"), None: Text("unknown", "yellow")}


@click.command("explain")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="The decisions as they were published.")
@click.option("--again", is_flag=True, help="Evaluate the clauses again, from the values in the record.")
@with_settings
def command(settings: Settings, name: str, as_json: bool, again: bool) -> None:
    """Tell why something was done, or not: NAME is an event's id or an action's.

    Reads the decisions and actions that are still on their topics. Events without a hit are there in a sample only.
    """
    actions = read_actions(settings)
    event = actions.actions[name]["event_id"] if name in actions.actions else name
    decisions = {}  # published more than once after a crash, and again when a rule has looked back
    for value, document in read_documents(settings, settings.topics.decisions, DECISION, orjson.dumps(event)):
        if document["event_id"] == event:
            decisions[value] = document
    if not decisions:
        echo(f"no decision on {event} is on the topic: it had no hit, or it is older than the topic keeps")
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
            state = "revoked" if action["action_id"] in actions.revoked else "stands"
            target = f"{action['target']['type']} {action['target']['id']}"
            console.print(f"action {action['action_id']}: {action['kind']} {target} by {action['rule']}: {state}")


def _evaluate_again(console: Console, settings: Settings, decision: Any, version: Version | None) -> None:
    if version is None:
        console.print(f"rulebook {decision['rulebook']} is not on its topic any more: nothing to evaluate by")
        return
    pseudonyms = settings.pseudonyms()
    again = Reevaluation(version.sources, pseudonyms.of if pseudonyms is not None else None)
    found = list(again.verdicts(decision))
    verdicts = [one for one in found if one.certain]
    others = [one for one in verdicts if one.now != one.recorded]
    for one in others:
        console.print(f"{one.rule}: {one.clause} was {one.recorded}, and is {one.now} now", style="red")
    console.print(f"evaluated again: {len(verdicts)} clauses, {len(verdicts) - len(others)} as recorded")
    if len(found) > len(verdicts):
        console.print(f"the record has too little of what {len(found) - len(verdicts)} more have read: cut or rounded")


def _tell(console: Console, decision: Any) -> None:
    event = f"{decision['type']} {decision['event_id']} by {decision['user_id']}"
    console.print(f"{event}, {time_text(decision['ts'])} UTC: {decision['outcome']}")
    table = Table("rule", "effect", "clause", "value", "")
    for hit in decision["hits"]:
        for place, clause in enumerate(hit["clauses"]):
            first = (hit["rule"], f"{hit['effect']} ({hit['mode']})") if place == 0 else ("", "")
            table.add_row(*first, clause["text"], value_text(clause["value"]), _SAID[clause["result"]])
        if hit.get("counterfactual"):
            table.add_row("", "", Text(shown(hit["counterfactual"]), "dim"), "", "")
    if decision["hits"]:
        console.print(table)
    for model, score in decision["scores"].items():
        parts = ", ".join(f"{part} {logit:+.2f}" for part, logit in decision.get("contributions", {}).get(model, ()))
        version = decision["models"].get(model, "")
        console.print(f"score.{model} = {score:.3f} ({version}){': ' if parts else ''}{parts}")
