"""How what people have decided goes out."""

from typing import Any

import pytest

from engine.console.outgoing import publishing
from engine.console.store.outgoing import Outgoing
from engine.security import PrivacySettings
from engine.settings import Settings
from tests.console import START_MS


def test_who_enforces_a_revocation_is_told_whom_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, sent = Settings(privacy=PrivacySettings(key="k" * 40)), list[Any]()
    pseudonyms = settings.pseudonyms()
    assert pseudonyms is not None
    monkeypatch.setattr(publishing, "revoke", lambda settings, actions, author, note: sent.extend(actions))
    hidden = pseudonyms.of("u1")
    action = {"action_id": "a1", "user_id": hidden, "target": {"type": "user", "id": hidden}}
    publishing.publish(settings, Outgoing("o1", "revoke", {"action": action, "note": "wrong"}, "ann", START_MS))
    assert sent == [{"action_id": "a1", "user_id": "u1", "target": {"type": "user", "id": "u1"}}]
