"""An action as whoever carries it out sees it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.stream.admin.revocation import REVOKE


@dataclass(frozen=True, slots=True)
class Action:
    """What to do, or with `revokes` what to undo. Times are epoch milliseconds. `from_ms`: do nothing before;
    `until_ms`: None where it has no end; `needs_review`: a person has to agree first; `document`: all that stands on
    the topic."""

    action_id: str
    kind: str
    scope: str
    target_type: str
    target_id: str
    user_id: str
    event_id: str
    rule: str
    reason: str
    from_ms: int
    until_ms: int | None
    revokes: str | None
    needs_review: bool
    document: Mapping[str, Any]

    def is_over(self, now_ms: int | None = None) -> bool:
        """Whether its end has passed: there is nothing to do any more."""
        return self.until_ms is not None and self.until_ms <= (
            time.time_ns() // 1_000_000 if now_ms is None else now_ms
        )


def make_action(document: Mapping[str, Any], published_ms: int) -> Action:
    """Of a document on the topic. `published_ms`: its record's timestamp, where `for_ms` begins."""
    is_revocation = document["kind"] == REVOKE
    from_ms = max(published_ms, document.get("not_before_ms", 0))
    lasts_ms = document.get("for_ms")
    return Action(
        action_id=document["action_id"],
        kind=document["kind"],
        scope=document.get("scope", ""),
        target_type=document["target"]["type"],
        target_id=document["target"]["id"],
        user_id=document["user_id"],
        event_id=document["event_id"],
        rule=document["rule"],
        reason=document["reason"],
        from_ms=from_ms,
        until_ms=from_ms + lasts_ms if lasts_ms is not None else None,
        revokes=document.get("revokes") if is_revocation else None,
        needs_review=document.get("needs") == "review",
        document=document,
    )
