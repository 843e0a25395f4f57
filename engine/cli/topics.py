"""`floodgate topics`."""

from typing import Any

import click
import orjson
from rich.table import Table

from engine.cli.of_candidate import of_candidate
from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.settings import Settings
from engine.stream.admin.asyncapi import asyncapi
from engine.stream.admin.schemas import PUBLIC, topic_schema, topic_table
from engine.stream.kafka.access import commands
from engine.stream.kafka.topic_states import Shortcoming, TopicState, shortcomings, topic_states
from engine.stream.kafka.topics import create_topics

_DAY_MS = 86_400_000


@click.group("topics")
def command() -> None:
    """Create and check the topics, tell who needs which, and what is on them."""


@command.command("create")
@with_settings
@of_candidate
def create(settings: Settings) -> None:
    """Create the topics that are missing."""
    made = create_topics(settings)
    for name in made:
        echo(f"created {name}")
    if not made:
        echo("all topics exist")


@command.command("acls")
@click.option("--principal", default="User:floodgate-{}", show_default=True, help="How a role's user is called.")
@with_settings
@of_candidate
def acls(settings: Settings, principal: str) -> None:
    """Print Kafka's access lists for each role: the least that it needs, as commands for `kafka-acls.sh`.

    Nothing is changed. Brokers need an authorizer, and `allow.everyone.if.no.acl.found=false`.
    """
    for line in commands(settings, principal):
        echo(line)


@command.command("schema")
@click.argument("topic", type=click.Choice(PUBLIC))
@click.option("--table", is_flag=True, help="Print a table in Markdown.")
def schema(topic: str, table: bool) -> None:
    """Print the JSON Schema of the messages of TOPIC, for those who write or read them."""
    echo(topic_table(topic) if table else orjson.dumps(topic_schema(topic), option=orjson.OPT_INDENT_2), nl=not table)


@command.command("asyncapi")
@with_settings
def print_asyncapi(settings: Settings) -> None:
    """Print what is on the public topics as an AsyncAPI document, under the names that the settings give them."""
    echo(orjson.dumps(asyncapi(settings), option=orjson.OPT_INDENT_2))


@command.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_settings
@of_candidate
def check(settings: Settings, as_json: bool) -> None:
    """Show the topics as the brokers have them, and what is wrong with them.

    Exit code 1 where something is: a fault stops workers or loses state, the rest can wait until you come to it.
    """
    states = topic_states(settings)
    problems = [shortcoming for state in states for shortcoming in shortcomings(state, settings)]
    if as_json:
        topics = [_as_json(state) for state in states]
        documents = [
            {"topic": shortcoming.topic, "says": shortcoming.says, "is_fault": shortcoming.is_fault}
            for shortcoming in problems
        ]
        echo(orjson.dumps({"topics": topics, "shortcomings": documents}, option=orjson.OPT_INDENT_2))
    else:
        _show(states, problems)
    if problems:
        raise click.exceptions.Exit(1)


def _show(states: list[TopicState], problems: list[Shortcoming]) -> None:
    console = Console()
    table = Table("topic", "partitions", "replicas", "in sync", "kept", "key", "holds", box=None, pad_edge=False)
    for state in states:
        spec, many = state.spec, (str(state.partitions), str(state.replicas), f"≥ {state.min_in_sync}", _kept(state))
        table.add_row(spec.name, *(many if state.exists else ("none", "", "", "")), spec.key, spec.holds)
    console.print(table)
    for shortcoming in problems:
        kind, style = ("error", "red") if shortcoming.is_fault else ("warning", "yellow")
        console.print(f"{kind}: topic {shortcoming.topic} {shortcoming.says}", style=style, soft_wrap=True)


def _kept(state: TopicState) -> str:
    if state.retention_ms is None:
        return "the last of each key" if "compact" in state.config.get("cleanup.policy", "") else "for good"
    return f"{state.retention_ms / _DAY_MS:.3g} d"


def _as_json(state: TopicState) -> dict[str, Any]:
    spec = state.spec
    return {
        "topic": spec.name, "key": spec.key, "holds": spec.holds, "partitions": state.partitions,
        "replicas": state.replicas, "min_in_sync": state.min_in_sync, "config": dict(state.config),
    }  # fmt: skip
