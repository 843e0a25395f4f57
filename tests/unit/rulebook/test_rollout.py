"""Plans and shares: the moment that is meant, and what is no share."""

import pytest

from engine.rulebook import check_rulebook, load_rulebook

RULE = "version: 1\nrules:\n  r:\n    event: any\n    when: ['true']\n    then: {flag: x}\n"


@pytest.mark.parametrize(
    ("written", "hour"),
    [("2027-06-01T10:00+02:00", 8), ("2027-06-01T10:00Z", 10),
     ("2027-06-01T10:00", 10), ("2027-06-01T10:00-05:30", 15.5)],
)  # fmt: skip
def test_a_rollout_begins_at_the_moment_in_its_own_time_zone(written: str, hour: float) -> None:
    text = RULE + f"    plan: {{from: '{written}', shadow: 1h, canary: 10%, canary_for: 2h}}\n"
    stages = load_rulebook({"rules.yaml": text}).rules[0].plan
    begin = 1_811_808_000_000 + hour * 3_600_000  # 2027-06-01
    told = [(stage.from_ms, stage.mode) for stage in stages]
    assert told == [
        (0, "shadow"), (begin, "shadow"), (begin + 3_600_000, "canary"), (begin + 3 * 3_600_000, "enforce")
    ]  # fmt: skip


@pytest.mark.parametrize(("share", "accepted"), [("0%", False), ("0.1%", True), ("99.9%", True), ("100%", False)])
def test_a_share_is_more_than_nothing_and_less_than_all(share: str, accepted: bool) -> None:
    for more in (
        f"    budget: {{max: {share}, per: 1h, if_exceeded: shadow}}\n",
        f"    mode: canary {share}\n",
        f"    plan: {{from: '2027-06-01T10:00', canary: {share}, canary_for: 2h}}\n",
    ):
        _, diagnostics = check_rulebook({"rules.yaml": RULE + more})
        assert (not diagnostics.errors) is accepted, more
