"""What a push looks at beside the rulebook."""

import pytest

from engine.cli.rules.push import is_kept
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings


@pytest.mark.parametrize(
    ("keep", "ttl_days", "kept"),
    [("38d", 40, True), ("39d", 40, False), ("400d", 402, True), ("400d", 401, False), ("913h", 40, False)],
)
def test_state_has_to_outlive_what_is_remembered(
    keep: str, ttl_days: int, kept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    values = f"values: {{v: {{new: login, by: user_id, keep: {keep}}}, w: {{new: login, by: user_id, keep: 1h}}}}"
    rulebook = load_rulebook({"r.yaml": f"version: 1\n{values}\n"})
    assert is_kept(Settings(state_ttl_days=ttl_days), rulebook) is kept
    assert ("not pushed: `v` is to be kept for" in capsys.readouterr().err) is not kept


def test_a_rulebook_that_remembers_nothing_needs_no_more() -> None:
    assert is_kept(Settings(), load_rulebook({"r.yaml": "version: 1\n"}))
