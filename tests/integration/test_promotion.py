"""A rule that has to prove itself acts when moderators' labels have proved it, and not before."""

from itertools import count
from pathlib import Path

import orjson

from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
rules:
  links:
    event: post
    when: [event.links > 2]
    then: {flag: links}
    plan: {from: 2025-01-01, shadow: 1h, promote_if: precision_lcb >= 0.5}
"""


def posts(first: int) -> list[bytes]:
    made = [
        {"event_id": f"e{n}", "type": "post", "user_id": f"u{n}", "ts": START_MS + n, "links": 3}
        for n in range(first, first + 10)
    ]
    return [orjson.dumps(one) for one in made]


def label(number: int, verdict: str) -> bytes:
    return orjson.dumps({"event_id": f"e{number}", "label": verdict, "ts": START_MS + 100, "moderator": "mo"})


def decide(system: System, first: int) -> int:
    """Ten posts more; how many actions there are now."""
    system.publish(posts(first))
    system.wait_until_decided()
    return len(system.actions())


def test_a_rule_proves_itself_before_it_acts(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path) as system:
        system.push_rules(tmp_path / "rules.yaml")
        system.start_worker("one")
        assert decide(system, 0) == 0
        assert "links is not promoted to enforce: precision no labels" in system.run("rules", "promote")

        system.publish(posts(10), [label(0, "ham"), *(label(n, "spam") for n in range(1, 4))])
        assert "links is not promoted to enforce: precision 75% (30% to 95%)" in system.run("rules", "promote")
        assert decide(system, 20) == 0

        system.publish([], [label(n, "spam") for n in range(4, 10)])
        assert "would be promoted to enforce: precision 90%" in system.run("rules", "promote", "--dry-run")
        assert decide(system, 30) == 0
        assert "links is promoted to enforce" in system.run("rules", "promote")
        more = count(1_000, 10)
        wait_until(lambda: decide(system, next(more)) > 0, "the rule acts")
        assert system.run("rules", "promote").strip() == "no rule waits for its promotion"

        (tmp_path / "rules.yaml").write_text(RULES.replace("> 2", "> 1"))
        system.push_rules(tmp_path / "rules.yaml")
        assert "is not promoted to enforce: precision no labels" in system.run("rules", "promote", "--dry-run")
        wait_until(lambda: decide(system, next(more)) == decide(system, next(more)), "the edited rule is in shadow")
