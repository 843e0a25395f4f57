"""`floodgate keys`: what publishers sign with."""

import os
from pathlib import Path

import click
import yaml

from engine.cli.output import echo
from engine.stream.kafka.signing import make_keys

_SCOPES = "label, behalf, rules, pause, lists, forget, model, revoke"


@click.group("keys")
def command() -> None:
    """Make the keys that labels, rulebooks and pauses are signed with."""


@command.command("new")
@click.argument("name")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file for the private key.")
def new(name: str, out: Path | None) -> None:
    """Make a pair of keys for NAME: a person or a service.

    The private key goes to a file that only its owner can read, NAME.key by default. What the workers need is printed:
    add it to the file that `security.publishers_file` names, with what NAME may do.
    """
    if not name.strip() or (out is None and Path(name).name != name):
        raise click.BadParameter("a name is not empty, and with --out alone it may have a `/`", param_hint="NAME")
    private, public = make_keys()
    path = out or Path(f"{name}.key")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(private + "\n")
    echo(f"# the private key is in {path}: security.publisher: {name}, security.publisher_key_file: {path}")
    echo(f"# for security.publishers_file; may: any of {_SCOPES}")
    entry = {name: {"may": ["label"], "keys": [{"public": public}]}}
    echo(yaml.safe_dump(entry, sort_keys=False, allow_unicode=True), nl=False)
