"""`floodgate init`."""

import json
from pathlib import Path

import click

from engine.cli.output import echo
from engine.cli.starter_rules import starter_rules
from engine.rulebook.language.json_schema import json_schema

_SETTINGS = """\
# The settings that people change: `--config settings.yaml`. Without its `#` a line is set; what stands there is the
# default. FLOODGATE_* variables win over this file. The page on operations has all settings.

brokers: 127.0.0.1:9092         # host:port of the Kafka brokers, separated by commas

# To be chosen before `floodgate topics create`:
#partitions: 8                  # of events, labels and state; `floodgate partitions move` makes more
#replication: 1                 # replicas of each topic; 3 in production
#environment: ""                # what comes before the names of topics, where two environments share a Kafka

# For each worker:
#data_dir: .floodgate/data      # its state: a directory of its own
#web_host: 127.0.0.1            # metrics and health, which have no authentication
#web_port: 6066
#log_level: info                # debug, info, warning, error
#log_format: json               # console is for people

# For the engine:
#state_ttl_days: 40             # when untouched state is forgotten: longer than the longest window
#decision_sample: 0.01          # the share of events without a hit whose decision is published too
#review_share: 0.001            # the share of scored events that moderators are asked about

# Where producers have other names than ours, for instance (our name: their path):
#events:
#  fields: {user_id: actor.id, ts: created_at, text: body.text}

# Where brokers ask who is there, for instance (the password: FLOODGATE_SECURITY__PASSWORD, or password_file):
#security:
#  protocol: SASL_SSL
#  mechanism: SCRAM-SHA-512
#  username: floodgate
"""

_EDITOR = {"yaml.schemas": {"./rules.schema.json": "rules/*.yaml"}}


@click.command("init")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def command(directory: Path) -> None:
    """Write a new project into DIRECTORY, which must be empty, or not be there.

    It has rules to start with, a settings file, and what an editor needs to complete and check rules.
    """
    if directory.exists() and any(directory.iterdir()):
        raise click.UsageError(f"{directory} is not empty: choose another directory")
    for name, content in _project().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    echo(f"{directory}: rules/, settings.yaml, rules.schema.json and .vscode/settings.json. Next:")
    echo(f"  cd {directory}")
    echo("  floodgate rules check rules     # after each edit")
    echo("  floodgate demo --rules rules    # what they do on a simulated day")
    echo("  floodgate topics create --config settings.yaml    # on your Kafka; then `rules push rules` and `worker`")


def _project() -> dict[str, bytes]:
    """All files by name."""
    rules = starter_rules()
    files = {
        f"rules/{path.relative_to(rules).as_posix()}": path.read_bytes() for path in rules.rglob("*") if path.is_file()
    }
    return files | {
        "settings.yaml": _SETTINGS.encode(),
        "rules.schema.json": f"{json.dumps(json_schema(), indent=2)}\n".encode(),
        ".vscode/settings.json": f"{json.dumps(_EDITOR, indent=2)}\n".encode(),
    }
