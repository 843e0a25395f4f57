"""`floodgate hits` over what a replay wrote."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from engine.cli.hits import command
from tests.unit.stream.admin.test_hits import CHEAP, TEXT, clause, decision, hit

HOUR = 3_600_000
T0 = 1_760_000_000_000
FOUND = [
    decision("e1", hit("flood", clause("posts_1m > 2", 3), clause("account_age < 3d", "9d", None)), ts=T0),
    decision("e2", hit("words", clause(TEXT, CHEAP.lower())), ts=T0 + HOUR, user_id="v"),
    decision("e3", hit("words", clause(TEXT, f"{CHEAP}!"), mode="shadow", effect="shadow"), ts=T0 + 2 * HOUR),
    decision("e4", ts=T0 + 3 * HOUR),
]


@pytest.fixture
def recorded(tmp_path: Path) -> str:
    path = tmp_path / "decisions.jsonl"
    path.write_bytes(b"\n".join((*map(orjson.dumps, FOUND), b'{"what": "is this"}')))
    return str(path)


def run(recorded: str, *arguments: str, code: int = 0) -> str:
    result = CliRunner(env={"COLUMNS": "300"}).invoke(command, ["--decisions", recorded, *arguments])
    assert result.exit_code == code, result.output
    return result.output


def events(recorded: str, *arguments: str) -> list[str]:
    return [orjson.loads(line)["event_id"] for line in run(recorded, "--json", *arguments).splitlines()]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], ["e3", "e2", "e1"]),
        (["--limit", "1"], ["e3"]),
        (["--rule", "words"], ["e3", "e2"]),
        (["--mode", "shadow"], ["e3"]),
        (["--user", "v"], ["e2"]),
        (["--entity", CHEAP], ["e3", "e2"]),
        (["--neighbours", "e2"], ["e3"]),
        (["--since", str(T0 + HOUR)], ["e3", "e2"]),
        (["--since", "150m"], ["e3", "e2"]),
        (["--until", "2h"], ["e1"]),
        (["--until", "2025-10-09T08:53:21Z"], ["e1"]),
    ],
)
def test_what_is_asked_for_is_found(recorded: str, arguments: list[str], found: list[str]) -> None:
    assert events(recorded, *arguments) == found


def test_a_hit_tells_what_held_and_what_it_names(recorded: str) -> None:
    told = run(recorded)
    assert "posts_1m > 2 (3)" in told
    assert "account_age" not in told
    assert "shadow (shadow)" in told
    assert f"text {CHEAP.lower()}" in told
    assert "3 hits on 2 users" in told
    first: dict[str, Any] = orjson.loads(run(recorded, "--rule", "words", "--mode", "enforce", "--json"))
    assert (first["rule"], first["user_id"], first["names"]) == ("words", "v", [["text", CHEAP.lower()]])


def test_what_has_no_neighbours_says_why(recorded: str) -> None:
    assert "names nothing that others may share" in run(recorded, "--neighbours", "e1", code=1)
    assert "no decision on e9" in run(recorded, "--neighbours", "e9", code=1)
    assert f"e3 names text {CHEAP}!; the others:" in run(recorded, "--neighbours", "e3")


def test_a_time_is_a_time(recorded: str) -> None:
    assert "neither a duration" in run(recorded, "--since", "soon", code=2)
