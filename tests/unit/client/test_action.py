"""Actions as they are carried out."""

from typing import Any

from engine.client.action import make_action

DOCUMENT: dict[str, Any] = {
    "action_id": "a", "ts": 1, "kind": "limit", "scope": "posting", "target": {"type": "user", "id": "anna"},
    "event_id": "e", "user_id": "anna", "rule": "r", "reason": "why", "explanation": "x", "rulebook": "v",
}  # fmt: skip


def test_it_begins_when_it_is_published_or_later_and_ends_after_its_time() -> None:
    assert make_action(DOCUMENT, 500).until_ms is None
    assert not make_action(DOCUMENT, 500).is_over()
    action = make_action({**DOCUMENT, "for_ms": 100}, 500)
    assert (action.from_ms, action.until_ms) == (500, 600)
    assert action.is_over(600)
    assert not action.is_over(599)
    assert action.is_over()
    later = make_action({**DOCUMENT, "for_ms": 100, "not_before_ms": 900}, 500)
    assert (later.from_ms, later.until_ms) == (900, 1_000)
    assert make_action({**DOCUMENT, "not_before_ms": 100}, 500).from_ms == 500


def test_its_fields() -> None:
    action = make_action({**DOCUMENT, "needs": "review"}, 500)
    assert (action.kind, action.scope, action.target_type, action.target_id) == ("limit", "posting", "user", "anna")
    assert action.needs_review
    assert action.revokes is None
    assert make_action({**DOCUMENT, "kind": "revoke", "revokes": "b"}, 5).revokes == "b"
    assert make_action({**DOCUMENT, "revokes": "b"}, 5).revokes is None
