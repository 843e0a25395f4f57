"""`floodgate topics`."""

import click

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.settings import Settings
from engine.stream.access import commands
from engine.stream.topics import check_topics, create_topics, topic_specs


@click.group("topics")
def command() -> None:
    """Create and check the topics, and tell who needs which."""


@command.command("create")
@with_settings
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
def acls(settings: Settings, principal: str) -> None:
    """Print Kafka's access lists for each role: the least that it needs, as commands for `kafka-acls.sh`.

    Nothing is changed. Brokers need an authorizer, and `allow.everyone.if.no.acl.found=false`.
    """
    for line in commands(settings, principal):
        echo(line)


@command.command("check")
@with_settings
def check(settings: Settings) -> None:
    """Check that every topic exists with the right number of partitions."""
    check_topics(settings)
    for spec in topic_specs(settings):
        echo(f"{spec.name:<32} {spec.partitions:>3} partitions  key {spec.key:<10} {spec.holds}")
