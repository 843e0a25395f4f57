"""`floodgate rules`: the policy team's commands, one file for each."""

import click

from engine.cli.lazy import LazyGroup

SUMMARIES = {
    "backtest": "Run a rulebook over recorded events.",
    "check": "Check rulebooks and run their inline tests.",
    "diff": "Tell what differs between two rulebooks, rule by rule.",
    "effect": "Tell what acting is good for, by the holdout.",
    "fmt": "Lay rulebook files out in one way.",
    "history": "List the versions that were pushed, newest first.",
    "list": "List the rules in use.",
    "pause": "Stop a rule at once, on every worker.",
    "promote": "Let rules go on to the next stage of their plan.",
    "pull": "Write the files of the rulebook in use into a directory.",
    "push": "Check a rulebook, tell what it changes, try it, publish it.",
    "reference": "Print what each key of a rulebook means, as Markdown.",
    "resume": "Let a paused rule do again what its rulebook says.",
    "rollback": "Publish an earlier version again.",
    "schema": "Print a JSON Schema of rulebook files, for editors.",
    "show": "Print what the rulebook in use says of a name.",
    "suggest": "Tell which thresholds would tell spam from the rest.",
    "test": "Run a rulebook's inline tests.",
}


@click.group("rules", cls=LazyGroup, package="engine.cli.rules", summaries=SUMMARIES)
def command() -> None:
    """Check, test and publish rulebooks."""
