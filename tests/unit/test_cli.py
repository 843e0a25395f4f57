"""Plausible mistakes at the command line: each is told in a line that says what to do, and none with a traceback."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from kafka.errors import KafkaTimeoutError

import engine.cli
from engine.cli import cli, main
from engine.stream.admin import candidate_comparison, publishing


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("sim events --people 0 --out x", "'--people': 0 is not in the range x>=1"),
        ("sim report --people -5", "'--people': -5 is not in the range x>=1"),
        ("demo --workers 0", "'--workers': 0 is not in the range"),
        ("demo --rate 0", "'--rate': 0.0 is not in the range"),
        ("broker --partitions 0", "'--partitions': 0 is not in the range"),
        ("broker --retention-mb -1", "'--retention-mb': -1 is not in the range"),
        ("hits --limit -3", "'--limit': -3 is not in the range"),
        ("actions list --limit 0", "'--limit': 0 is not in the range"),
        ("labels queue --limit 0", "'--limit': 0 is not in the range"),
        ("rules history --limit 0", "'--limit': 0 is not in the range"),
        ("status --most-behind -1", "'--most-behind': -1 is not in the range"),
        ("forget anna --wait -1", "'--wait': -1 is not in the range"),
        ("candidate promote --wait -1", "'--wait': -1 is not in the range"),
    ],
)
def test_a_number_that_cannot_be_is_refused_before_anything_begins(command: str, told: str) -> None:
    refused = CliRunner().invoke(cli, command.split())
    assert (refused.exit_code, told in refused.output) == (2, True), refused.output


def test_options_that_would_do_nothing_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "recorded.jsonl"
    file.write_text("{}\n")
    for command, told in (
        (["demo", "--labels", str(file)], "--labels goes with --events"),
        (["learn", "evaluate", "--events", str(file), "--labels", str(file), "--model", "x"], "goes with --rules"),
    ):  # fmt: skip
        refused = CliRunner().invoke(cli, command)
        assert (refused.exit_code, told in refused.output) == (2, True), refused.output


@pytest.mark.parametrize("name", ["", " ", "a b", "a#b", "a,b"])
def test_a_name_that_the_file_of_tokens_could_not_have_gets_none(name: str) -> None:
    for arguments in ([name], ["shop", "--surface", name]):
        refused = CliRunner().invoke(cli, ["serve", "token", *arguments])
        assert (refused.exit_code, "have no space" in refused.output) == (2, True), refused.output


@pytest.mark.parametrize("name", ["", " ", "a/b"])
def test_a_name_that_is_no_name_of_a_file_gets_no_key_of_its_own(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, ["keys", "new", name]).exit_code == 2
    assert not list(tmp_path.iterdir())


def test_pinning_a_model_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(publishing, "read_models", lambda _: {"spam": object()})
    with pytest.raises(SystemExit, match="2"):
        main(["learn", "pin", "spma"])
    assert capsys.readouterr().err == "floodgate: there is no model `spma`; published are: spam\n"


def test_comparing_with_a_candidate_that_was_never_started_says_how_to_start_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(candidate_comparison, "topic_names", lambda _: {"actions", "decisions"})
    with pytest.raises(SystemExit, match="2"):
        main(["candidate", "compare", "--as", "new"])
    assert "Run `floodgate worker --as new --create-topics`" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named_before_anything_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match="2"):
            main(["console", "--port", str(port), "--store", f"sqlite:///{tmp_path}/console.db"])
    told = capsys.readouterr()
    assert told.err.startswith(f"floodgate: `console.port`: nothing can listen on 127.0.0.1:{port}")
    assert told.out == ""
    assert not list(tmp_path.iterdir())


def test_what_files_and_kafka_refuse_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nowhere" / "x.gz"
    with pytest.raises(SystemExit, match="2"):
        main(["sim", "events", "--people", "1", "--out", str(missing)])
    assert capsys.readouterr().err == f"floodgate: {missing}: No such file or directory\n"

    def fail(*_: object, **__: object) -> None:
        raise KafkaTimeoutError("no offsets in 30000 ms")

    monkeypatch.setattr(engine.cli, "cli", fail)
    with pytest.raises(SystemExit, match="2"):
        main(["status"])
    line = capsys.readouterr().err
    assert line.startswith("floodgate: Kafka did not do what was asked: ")
    assert "no offsets in 30000 ms" in line
