"""Every error text, as people see it. After a wanted change: REFRESH_GOLDEN=1 pytest tests/golden."""

import os
from pathlib import Path

import pytest

from engine.rulebook.compiler import check_rulebook

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("case", sorted(path.stem for path in CASES.glob("*.yaml")))
def test_the_report_is_the_golden_one(case: str) -> None:
    source = CASES / f"{case}.yaml"
    _, diagnostics = check_rulebook({source.name: source.read_text("utf-8")})
    report = diagnostics.report() + "\n"
    golden = CASES / f"{case}.txt"
    if os.environ.get("REFRESH_GOLDEN"):
        golden.write_text(report, "utf-8")
    assert report == golden.read_text("utf-8")


def test_six_mistakes_are_six_errors() -> None:
    source = CASES / "six_mistakes.yaml"
    _, diagnostics = check_rulebook({source.name: source.read_text("utf-8")})
    assert len(diagnostics.errors) == 6
