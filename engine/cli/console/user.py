"""`floodgate console user`."""

import time
from pathlib import Path

import click
from rich.table import Table

from engine.cli.options import FILE
from engine.cli.output import Console, ask_password, echo
from engine.console.store import accounts, audit, identities
from engine.console.store.database import open_store
from engine.console.store.roles import Role
from engine.errors import AccountError
from engine.settings import Settings

_ROLE = click.Choice([role.value for role in Role])
_AUTHOR = "floodgate console user"


@click.group("user")
def command() -> None:
    """Say who may use the console, and what for."""


@command.command("add")
@click.argument("name")
@click.option("--role", type=_ROLE, required=True, help="What they do here.")
@click.option("--password-file", type=FILE, help="The file with their password; without it, it is asked for.")
@click.option("--no-password", is_flag=True, help="They sign in by a proxy.")
@click.option("--oidc", is_flag=True, help="They sign in at the OpenID provider, and have no password here.")
@click.pass_obj
def add(settings: Settings, name: str, role: str, password_file: Path | None, no_password: bool, oidc: bool) -> None:
    """Add an account of this NAME."""
    password = None if no_password or oidc else _password(password_file)
    store = open_store(settings)
    with store.write() as connection:
        accounts.add_account(connection, name, role, password, _now_ms())
        audit.note(connection, _now_ms(), _AUTHOR, "added an account", f"account:{name}", {"role": role})
    echo(f"{name} is {role} now")


@command.command("password")
@click.argument("name")
@click.option("--password-file", type=FILE, help="The file that has it; without it the password is asked for.")
@click.pass_obj
def password(settings: Settings, name: str, password_file: Path | None) -> None:
    """Set another password, and sign NAME out everywhere."""
    new = _password(password_file)
    with open_store(settings).write() as connection:
        accounts.change_password(connection, name, new)
        audit.note(connection, _now_ms(), _AUTHOR, "set a password", f"account:{name}")
    echo(f"{name} has another password, and is signed out everywhere")


@command.command("change")
@click.argument("name")
@click.option("--role", type=_ROLE, help="What they do here from now on.")
@click.option("--areas", help="The policy areas of the queue that they see, with commas; empty: all.")
@click.option("--languages", help="The languages of the queue that they see, with commas; empty: all.")
@click.option("--active/--inactive", "is_active", default=None, help="Whether they may sign in.")
@click.option(
    "--oidc",
    is_flag=True,
    help="From now on they sign in at the OpenID provider: no password here, and whoever has this name there now.",
)
@click.pass_obj
def change(
    settings: Settings, name: str, role: str | None, areas: str | None, languages: str | None, is_active: bool | None,
    oidc: bool,
) -> None:  # fmt: skip
    """Change what NAME may do, and sign them out everywhere."""
    asked = {"role": role, "areas": areas, "languages": languages, "is_active": is_active}
    values = {key: value for key, value in asked.items() if value is not None}
    if not values and not oidc:
        raise click.UsageError("say what is to change: --role, --areas, --languages, --active, --inactive or --oidc")
    with open_store(settings).write() as connection:
        if values:
            accounts.change_account(connection, name, **values)
        if oidc:
            identities.leave_to_provider(connection, name)
            values["signs_in_by"] = "oidc"
        audit.note(connection, _now_ms(), _AUTHOR, "changed an account", f"account:{name}", values)
    echo(f"{name} is changed, and signed out everywhere")


@command.command("list")
@click.pass_obj
def list_accounts(settings: Settings) -> None:
    """Show all accounts."""
    table = Table("name", "role", "areas", "languages", "may sign in")
    with open_store(settings).read() as connection:
        for row in accounts.all_accounts(connection):
            table.add_row(
                row.name, row.role, row.areas or "all", row.languages or "all", "yes" if row.is_active else "no"
            )
    Console().print(table)


@command.command("token")
@click.argument("name")
@click.option("--role", type=_ROLE, required=True, help="What the program may do.")
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="For how long it is valid.")
@click.pass_obj
def token(settings: Settings, name: str, role: str, days: int) -> None:
    """Make a token for the program NAME that uses the JSON API. It is shown this once."""
    now_ms = _now_ms()
    with open_store(settings).write() as connection:
        made = accounts.add_token(connection, name, role, _AUTHOR, now_ms, now_ms + days * 86_400_000)
        audit.note(connection, now_ms, _AUTHOR, "made a token", f"token:{name}", {"role": role, "days": days})
    echo(made)


@command.command("revoke-token")
@click.argument("name")
@click.pass_obj
def revoke_token(settings: Settings, name: str) -> None:
    """Let the tokens of the program NAME count no more."""
    with open_store(settings).write() as connection:
        dropped = accounts.drop_tokens(connection, name)
        audit.note(connection, _now_ms(), _AUTHOR, "revoked tokens", f"token:{name}", {"number": dropped})
    if not dropped:
        raise AccountError(f"there is no token {name!r}")
    echo(f"tokens of {name} that count no more: {dropped}")


def _password(path: Path | None) -> str:
    if path is not None:
        return path.read_text("utf-8").rstrip("\r\n")
    return ask_password()


def _now_ms() -> int:
    return int(time.time() * 1000)
