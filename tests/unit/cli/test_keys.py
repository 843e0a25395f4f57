"""`floodgate keys new`: a private key for its owner alone, and what the workers need to know."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from engine.cli import main
from engine.cli.keys import command
from engine.security import SecuritySettings
from engine.settings import Settings
from engine.stream.kafka.publishers import Publishers
from engine.stream.kafka.signing import Signer


@pytest.fixture(autouse=True)
def _in_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def new(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["new", *arguments])


def signed_by(name: str, key_file: str, listed: str) -> tuple[Publishers, Any]:
    settings = Settings(security=SecuritySettings(publisher=name, publisher_key_file=key_file, publishers_file=listed))
    headers = Signer(settings).headers("labels", b"u", b"{}")
    record = SimpleNamespace(topic="labels", partition=0, offset=0, key=b"u", value=b"{}", headers=headers)
    return Publishers(settings), record


@pytest.mark.parametrize("name", ["ann", "ci-bot", "anna@example.org", "no", "007", "1e3", "null", "a: b", "# c", "é"])
def test_what_is_printed_lets_the_holder_of_the_key_give_labels_and_nothing_else(name: str) -> None:
    made = new(name, "--out", "private.key")
    assert made.exit_code == 0, made.output
    Path("publishers.yaml").write_text(made.stdout, "utf-8")
    publishers, record = signed_by(name, "private.key", "publishers.yaml")
    origin = publishers.accept(record, "label")
    assert origin is not None
    assert (origin.name, origin.speaks_for_others) == (name, False)
    assert publishers.accept(record, "rules") is None


def test_the_private_key_is_in_a_file_of_its_owner_and_nowhere_else() -> None:
    before = os.umask(0)
    try:
        made = new("ann")
    finally:
        os.umask(before)
    private = Path("ann.key").read_text().strip()
    assert Path("ann.key").stat().st_mode & 0o777 == 0o600
    assert len(private) == 44
    assert private not in made.output
    assert "ann.key" in made.output


def test_two_pairs_are_different() -> None:
    first, second = new("ann", "--out", "1.key"), new("ann", "--out", "2.key")
    assert Path("1.key").read_text() != Path("2.key").read_text()
    publics = {yaml.safe_load(made.stdout)["ann"]["keys"][0]["public"] for made in (first, second)}
    assert len(publics) == 2


def test_a_key_that_is_there_is_not_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    new("ann")
    kept = Path("ann.key").read_bytes()
    with pytest.raises(SystemExit) as ended:
        main(["keys", "new", "ann"])
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.err.startswith("floodgate: ")
    assert "ann.key" in told.err
    assert told.out == ""
    assert Path("ann.key").read_bytes() == kept


def test_a_name_is_not_executed_by_the_terminal() -> None:
    made = new("a\x1b[2Jn", "--out", "private.key")
    assert "\x1b" not in made.output
