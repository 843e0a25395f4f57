"""`floodgate learn seed`: recorded events and labels to a file that a rulebook can name."""

from pathlib import Path

from click.testing import CliRunner, Result

from engine.cli.learn_seed import command
from engine.learning.seed_making import Stream, make_seed
from engine.learning.seeds import read_seed
from tests.unit.learning.lessons import SAID, lessons, record


def made(folder: Path, *options: str) -> Result:
    arguments = ["ours", *record(folder), "--out", str(folder / "ours.seed"), *options]
    return CliRunner(env={"COLUMNS": "200"}).invoke(command, arguments)


def test_a_seed_is_made_of_recorded_events(tmp_path: Path) -> None:
    result = made(tmp_path, *SAID, "--texts", "text", "--texts", "title", "--without", "eve")
    assert result.exit_code == 0, result.output
    expected = [lesson for lesson in lessons() if lesson.author != "alone"]
    text = (tmp_path / "ours.seed").read_text()
    assert text == make_seed("ours", [Stream("made-up posts", "Apache-2.0", expected)]).text
    assert "from 400 events, 200 of them spam: made-up posts (Apache-2.0)" in result.output
    assert f"{(read_seed(text).weights != 0).sum():,} weights, {len(text):,} bytes" in result.output
    assert "scored by what the other halves teach: ROC AUC" in result.output


def test_streams_are_named_one_by_one(tmp_path: Path) -> None:
    assert "come once for each stream" in made(tmp_path, *SAID, *SAID).output
    twice = made(tmp_path, *SAID, *record(tmp_path), *SAID)
    assert twice.exit_code == 0, twice.output
    assert len(read_seed((tmp_path / "ours.seed").read_text()).head.sources) == 2


def test_a_seed_has_its_ending(tmp_path: Path) -> None:
    assert "is the name of a .seed file" in made(tmp_path, *SAID, "--out", str(tmp_path / "ours.txt")).output
    assert not (tmp_path / "ours.seed").exists()
