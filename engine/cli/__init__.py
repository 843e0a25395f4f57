"""The `floodgate` command: one file for each command."""

import importlib
import sys
from typing import Any

import click

from engine.cli.lazy import LazyGroup
from engine.cli.output import complain, echo
from engine.errors import FloodgateError

COMMANDS = {
    "actions": "See what was enforced, and take it back.",
    "broker": "Run the embedded broker: for development, not production.",
    "candidate": "Compare a version that runs beside the others, promote it, remove it.",
    "console": "Serve the screen for moderators, analysts and operators.",
    "dead-letters": "See, send again and delete messages that could not be used.",
    "deliver": "Send actions to webhooks.",
    "demo": "Run everything on this machine and show what happens.",
    "enrich": "Run a worker that adds to events what they carry but do not say.",
    "explain": "Tell why something was done to an event.",
    "export": "Write decisions, actions and labels as Parquet.",
    "feed": "Publish recorded files to the topics.",
    "forget": "Erase a user from the state.",
    "intake": "Make events of producers' own topics.",
    "kafka": "Run Apache Kafka on this machine: for tests and laptops.",
    "features": "Write what a rulebook knows of recorded events as a table.",
    "hits": "Tell what rules have met, in shadow too.",
    "init": "Write a new project: rules, settings, an editor's schema.",
    "keys": "Make the keys that labels and rulebooks are signed with.",
    "lists": "Change live lists while their rules are in use.",
    "partitions": "Make more partitions, and move all state to them.",
    "pseudonym": "Tell under which name decisions and state have an id.",
    "learn": "See what models learn from labels.",
    "label": "Publish labels of one moderator.",
    "labels": "Import labels, and see which events are worth one.",
    "replay": "Run the engine over recorded files, without a broker.",
    "rules": "Check, test and publish rulebooks.",
    "sim": "Simulate a day with attacks, and tell what the rules catch.",
    "serve": "Answer over HTTP before something is published.",
    "status": "Show workers, lag, rulebook and models.",
    "topics": "Create and check the topics.",
    "worker": "Run a stream worker.",
}


_KAFKAS_CLIENTS = ("kafka", "aiokafka")


def _tell_version(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        build = importlib.import_module("engine.build").find_build()  # not loaded for anything else
        core = "compiled core" if build.compiled == "yes" else "core in pure Python: slower, see `make compiled`"
        echo(f"floodgate {build.version} ({core}; Python {build.python})")
        context.exit()


@click.group(cls=LazyGroup, package="engine.cli", summaries=COMMANDS)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_tell_version,
    help="Show the version, and whether the core is compiled.",
)
def cli() -> None:
    """Floodgate: a streaming anti-spam engine."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line. Errors that people can mend are told in one line; exit code 2."""
    try:
        return cli(arguments, prog_name="floodgate")
    except FloodgateError as error:
        complain(error)
        sys.exit(2)
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error)
        sys.exit(2)
    except UnicodeDecodeError as error:
        complain(f"a file that was given is not UTF-8: {error}")
        sys.exit(2)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _KAFKAS_CLIENTS:  # told by name: they are slow to import
            raise
        complain(f"Kafka did not do what was asked: {error}")
        sys.exit(2)
