"""`floodgate init`: what it writes is what the other commands take."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from engine.cli import cli
from engine.cli.starter_rules import starter_rules
from engine.mappings import EventSettings
from engine.security import SecuritySettings
from engine.settings import Settings, load_settings


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "new" / "project"
    made = run("init", directory)
    assert made.exit_code == 0, made.output
    return directory


def files(directory: Path) -> dict[Path, bytes]:
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_rules_are_the_starter_rules_and_pass_their_check(project: Path) -> None:
    assert files(project / "rules") == files(starter_rules())
    checked = run("rules", "check", project / "rules")
    assert checked.exit_code == 0, checked.output
    assert "tests passed" in checked.output


def test_the_settings_are_the_defaults(project: Path) -> None:
    assert load_settings(project / "settings.yaml", {}) == Settings()


def test_so_are_those_in_comments_but_for_the_examples(project: Path) -> None:
    path = project / "settings.yaml"
    text, count = re.subn(r"^#(?=\w|  )", "", path.read_text("utf-8"), flags=re.MULTILINE)
    assert count > 12
    path.write_text(text, "utf-8")
    loaded = load_settings(path, {"FLOODGATE_SECURITY__PASSWORD": "secret"})
    assert loaded.events.fields
    assert loaded.security.username
    assert msgspec.structs.replace(loaded, events=EventSettings(), security=SecuritySettings()) == Settings()


def test_an_editor_finds_the_schema_of_the_rules(project: Path) -> None:
    ((schema, pattern),) = json.loads((project / ".vscode/settings.json").read_text("utf-8"))["yaml.schemas"].items()
    assert (project / schema).read_text("utf-8") == run("rules", "schema").output
    assert {path.name for path in project.glob(pattern)} == {path.name for path in starter_rules().glob("*.yaml")}


def test_it_says_what_to_do_next(tmp_path: Path) -> None:
    told = run("init", tmp_path / "new").output
    assert f"cd {tmp_path / 'new'}" in told
    for command in re.findall(r"floodgate ((?:\w+ ?)+)", told):
        assert run(*command.split()[:1], "--help").exit_code == 0, command


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    assert run("init", tmp_path).exit_code == 0
    assert (tmp_path / "rules").is_dir()


def test_what_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("mine")
    refused = run("init", tmp_path)
    assert refused.exit_code == 2
    assert "is not empty" in refused.output
    assert files(tmp_path) == {Path(".hidden"): b"mine"}


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert run("init", tmp_path / "file").exit_code == 2
