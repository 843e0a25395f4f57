"""The starter rules are found wherever a command is run, in a checkout and as installed."""

from pathlib import Path

import pytest

from engine.cli import starter_rules
from engine.rulebook.compiler import load_rulebook


def test_in_a_checkout_they_are_beside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_rulebook(starter_rules.starter_rules()).rules


def test_as_installed_they_are_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter_rules, "_PACKAGE", tmp_path / "engine")
    (tmp_path / "engine" / "starter_rules").mkdir(parents=True)
    assert starter_rules.starter_rules() == tmp_path / "engine" / "starter_rules"
