"""Options that name reference data: what they bring, and what is said of what is missing."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from engine.cli import cli
from tests.events import START_MS
from tests.mmdb import write_mmdb

RULES = """version: 1
enrich: {ip: {mmdb: city.mmdb, as: [country]}}
tables: {profile: {topic: users, key: user_id, fields: {plan: text}}}
rules:
  abroad: {event: post, when: ['country == "FR"'], then: {flag: abroad}, mode: shadow}
  free:   {event: post, when: ['profile.plan == "free"'], then: {flag: free}, mode: shadow}
"""
ROWS = b'{"key": "ann", "fields": {"plan": "pro"}, "ts": 5}\n{"key": "ann", "fields": {"plan": "free"}, "ts": %d}\n' % (
    START_MS + 1
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Rules, a database, two events of Ann's, her rows."""
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "reference").mkdir()
    write_mmdb(tmp_path / "reference" / "city.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "FR"}}})
    events = [
        {"event_id": f"e{at}", "type": "post", "user_id": "ann", "ts": START_MS + at, "ip": "192.0.2.1"}
        for at in range(2)
    ]
    (tmp_path / "events.jsonl").write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    (tmp_path / "rows.jsonl").write_bytes(ROWS)
    return tmp_path


def ran(*arguments: str, exit_code: int = 0) -> Result:
    found = CliRunner().invoke(cli, [*arguments])
    assert found.exit_code == exit_code, found.output
    return found


def replayed(place: Path, *more: str, exit_code: int = 0) -> tuple[list[set[str]], Result]:
    """The rules that held at each event."""
    files = ("--rules", str(place / "rules.yaml"), "--events", str(place / "events.jsonl"), "--out", str(place / "out"))
    found = ran("replay", *files, *more, exit_code=exit_code)
    written = place / "out" / "decisions.jsonl"
    decisions: list[Any] = list(map(orjson.loads, written.read_bytes().splitlines())) if written.exists() else []
    return [{hit["rule"] for hit in decision["hits"]} for decision in decisions], found


def test_a_replay_has_the_databases_and_rows_that_are_named(place: Path) -> None:
    held, _ = replayed(
        place, "--reference-data", str(place / "reference"), "--table", f"profile={place / 'rows.jsonl'}"
    )
    assert held == [{"abroad"}, {"abroad", "free"}]


def test_what_is_missing_is_told_and_unknown(place: Path) -> None:
    held, told = replayed(place, "--reference-data", str(place))
    assert held == []
    assert f"warning: city.mmdb is not in {place}: its values are unknown" in told.stderr
    assert "the values of table profile are unknown, as it is not recorded: --table profile=FILE" in told.stderr


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("profile", "'profile' is no NAME=FILE"),
        ("profile=nothing.jsonl", "does not exist"),
        ("merchant=ROWS", "the rulebook has no table merchant that comes on a topic: profile"),
    ],
)
def test_an_option_that_is_wrong_is_told(place: Path, table: str, says: str) -> None:
    _, told = replayed(place, "--table", table.replace("ROWS", str(place / "rows.jsonl")), exit_code=2)
    assert says in " ".join(told.output.split())


def test_a_backtest_has_them_too(place: Path) -> None:
    found = ran(
        "rules", "backtest", str(place / "rules.yaml"), "--events", str(place / "events.jsonl"), "--json",
        "--reference-data", str(place / "reference"), "--table", f"profile={place / 'rows.jsonl'}",
    )  # fmt: skip
    met = {rule["rule"]: rule["met"] for rule in orjson.loads(found.stdout)["rules"]}
    assert met == {"abroad": 2, "free": 1}


def test_a_check_warns_of_databases_that_are_not_there(place: Path) -> None:
    assert "city.mmdb" not in ran("rules", "check", str(place / "rules.yaml")).output
    missing = ran("rules", "check", str(place / "rules.yaml"), "--reference-data", str(place))
    assert f"warning: city.mmdb is not in {place}" in missing.output
    there = ran("rules", "check", str(place / "rules.yaml"), "--reference-data", str(place / "reference"))
    assert "warning: city.mmdb" not in there.output
