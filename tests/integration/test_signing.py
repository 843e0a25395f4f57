"""Only those who are on the list may publish labels, rulebooks, pauses, rulings and requests to forget."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import orjson
import pytest

from engine.errors import SettingsError
from engine.security import SecuritySettings
from engine.settings import Settings, load_settings
from engine.stream.rulebooks import read_in_use
from engine.stream.signing import Publishers, Signer
from tests.events import START_MS, random_events
from tests.system import RULEBOOKS, System, wait_until

FLOOD = RULEBOOKS / "flood"
SECRET = "a secret of ann's"


def signed(settings: Settings, topic: str, key: bytes, value: bytes) -> Any:
    return SimpleNamespace(topic=topic, key=key, value=value, headers=Signer(settings).headers(topic, key, value))


@pytest.fixture
def listed(tmp_path: Path) -> Settings:
    """Ann may publish, and this process is ann."""
    path = tmp_path / "publishers.yaml"
    path.write_text(f'ann: "{SECRET}"\n')
    return Settings(security=SecuritySettings(publishers_file=str(path), publisher="ann", publisher_key=SECRET))


def security(settings: Settings, **changes: Any) -> Settings:
    return msgspec.structs.replace(settings, security=msgspec.structs.replace(settings.security, **changes))


def test_a_signature_is_worth_nothing_elsewhere(listed: Settings) -> None:
    accept = Publishers(listed).accept
    record = signed(listed, "labels", b"u", b"value")
    assert accept(record)
    changes: tuple[dict[str, Any], ...] = (
        {"topic": "rulebooks"}, {"key": b"v"}, {"value": b"other"}, {"headers": []}, {"headers": None},
        {"key": b"uv", "value": b"alue"},
    )  # fmt: skip
    for change in changes:
        assert not accept(SimpleNamespace(**{**vars(record), **change}))
    for stranger in ({"publisher": "ben"}, {"publisher_key": "a guess"}):
        assert not accept(signed(security(listed, **stranger), "labels", b"u", b"value"))


def test_without_a_list_everyone_may(listed: Settings) -> None:
    assert Publishers(Settings()).accept(SimpleNamespace(topic="labels", key=None, value=b"", headers=()))
    assert Signer(Settings()).headers("labels", b"u", b"") == []


@pytest.mark.parametrize("text", ["- ann", "ann: 5", "ann:", "{", "ann: ''", "\n"])
def test_a_list_that_is_none_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "publishers.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="publishers_file") as refused:
        Publishers(Settings(security=SecuritySettings(publishers_file=str(path))))
    assert "ann" not in str(refused.value)


def test_a_secret_needs_a_name_and_is_not_shown(listed: Settings) -> None:
    with pytest.raises(SettingsError, match=r"security\.publisher"):
        load_settings(None, {"FLOODGATE_SECURITY__PUBLISHER_KEY": SECRET})
    assert SECRET not in repr(listed)


def test_what_is_forged_is_refused_and_counted(tmp_path: Path, listed: Settings) -> None:
    with System(tmp_path, security=msgspec.to_builtins(listed.security)) as system:
        stranger = system.settings
        system.push_rules(FLOOD)
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        good = worker.rulebook()
        system.publish(random_events(500), [orjson.dumps({"event_id": "e1", "label": "spam", "ts": START_MS})])
        system.wait_until_decided()

        system.settings = security(stranger, publisher_key="a guess")
        system.push_rules(RULEBOOKS / "swarm")
        rule = "big_spender"
        system.settings = security(stranger, publisher=None, publisher_key=None)
        wait_until(lambda: worker.metric("floodgate_updates_refused_total") == 1, "the rulebook is refused")
        system.publish([], [orjson.dumps({"event_id": "e2", "label": "spam", "ts": START_MS})])
        wait_until(lambda: worker.metric("floodgate_dead_letters_total") == 1, "the label is refused")
        assert worker.rulebook() == good
        in_use = read_in_use(security(stranger, publisher=None, publisher_key=None))
        assert in_use is not None
        assert in_use[0].id == good  # nor do the commands see what is forged
        (letter,) = system.read(system.settings.topics.dead_letters)
        assert dict(letter.headers)["reason"] == b"not_a_publishers"

        system.settings = stranger
        system.push_rules(FLOOD)
        system.run("rules", "pause", rule)
        wait_until(lambda: worker.metric("floodgate_rules_paused") == 1, "what is signed is taken")
        assert SECRET not in worker.log
