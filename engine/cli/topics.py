"""`floodgate topics`."""

import click

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.settings import Settings
from engine.stream.topics import check_topics, create_topics, topic_specs


@click.group("topics")
def command() -> None:
    """Create and check the topics."""


@command.command("create")
@with_settings
def create(settings: Settings) -> None:
    """Create the topics that are missing."""
    made = create_topics(settings)
    for name in made:
        echo(f"created {name}")
    if not made:
        echo("all topics exist")


@command.command("check")
@with_settings
def check(settings: Settings) -> None:
    """Check that every topic exists with the right number of partitions."""
    check_topics(settings)
    for spec in topic_specs(settings):
        echo(f"{spec.name:<32} {spec.partitions:>3} partitions  key {spec.key:<10} {spec.holds}")
