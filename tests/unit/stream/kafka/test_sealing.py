"""What workers alone may write is sealed: who does not share their secret can neither make nor change it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.errors import SettingsError
from engine.security import SecuritySettings
from engine.settings import Settings, TopicNames
from engine.stream.admin import publishing, revocation
from engine.stream.admin.publishing import publish_seed
from engine.stream.kafka import records
from engine.stream.kafka.publishers import Publishers
from engine.stream.kafka.sealing import SEAL, Seals
from tests.unit.learning.inputs import trained
from tests.unit.stream.signed import changed, entry, listed, person, record, secured

KEY = "the workers' own secret, 32 chars or more"
SETTINGS = secured(Settings(), worker_key=KEY)
OURS = ("models", "examples", "hops", "actions", "decisions")


def sealed(
    topic: str = "hops", key: bytes | None = b"k", value: bytes = b"value", settings: Settings = SETTINGS
) -> Any:
    header = Seals(settings).header(topic, key, value)
    return record(topic, key, value, [header] if header is not None else [])


@pytest.mark.parametrize("topic", OURS)
def test_what_a_worker_writes_is_taken_by_all_workers(topic: str) -> None:
    assert Seals(SETTINGS).are_asked_for
    for key in (b"k", b"", None):
        assert Seals(SETTINGS).fits(sealed(topic, key))
    assert Seals(SETTINGS).fits(sealed(topic, b"k", b""))


def test_no_key_is_no_key_that_stands_in_the_value() -> None:
    assert not Seals(SETTINGS).fits(changed(sealed(key=None, value=b"kv"), key=b"k", value=b"v"))


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "actions"}, {"key": b"l"}, {"key": None}, {"key": b""}, {"value": b"valuf"}, {"value": None},
        {"key": b"kv", "value": b"alue"}, {"headers": []}, {"headers": None}, {"headers": [(SEAL, None)]},
        {"headers": [(SEAL, b"")]}, {"headers": [(SEAL, b"x" * 16)]}, {"headers": [("other", b"x")]},
    ],
)  # fmt: skip
def test_what_differs_in_anything_is_refused(change: dict[str, Any]) -> None:
    assert not Seals(SETTINGS).fits(changed(sealed(), **change))


def test_no_key_and_an_empty_one_are_two() -> None:
    assert not Seals(SETTINGS).fits(changed(sealed(key=None), key=b""))


def test_another_secret_and_another_deployment_make_other_seals() -> None:
    others = (
        secured(Settings(), worker_key="x" + KEY),
        msgspec.structs.replace(SETTINGS, app_id="staging"),
    )
    for other in others:
        assert not Seals(SETTINGS).fits(sealed(settings=other))
        assert Seals(other).fits(sealed(settings=other))


def test_what_others_may_write_has_no_seal() -> None:
    for topic in ("events", "labels", "rulebooks", "review", "dead-letters", "floodgate-entities-changelog"):
        assert Seals(SETTINGS).header(topic, b"k", b"v") is None


def test_topics_have_their_configured_names() -> None:
    settings = msgspec.structs.replace(SETTINGS, topics=TopicNames(hops="travels"))
    assert Seals(settings).header("travels", b"k", b"v") is not None
    assert Seals(settings).header("hops", b"k", b"v") is None


def test_without_a_secret_nothing_is_sealed_and_nothing_asked_for() -> None:
    seals = Seals(Settings())
    assert not seals.are_asked_for
    assert seals.header("hops", b"k", b"v") is None
    assert seals.fits(record("hops", b"k", b"v"))


def test_while_it_warns_what_has_no_seal_is_taken_and_told() -> None:
    told: list[Any] = []
    seals = Seals(secured(Settings(), worker_key="k" * 32, unverified="warn"), told.append)
    header = seals.header("models", b"k", b"v")
    assert header is not None
    sealed, unsealed = record("models", b"k", b"v", [header]), record("models", b"k", b"v")
    assert seals.fits(sealed) and told == []
    assert seals.fits(unsealed) and told == [unsealed]


def test_a_secret_from_a_file_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "worker.key"
    path.write_text(KEY + "\n")
    assert Seals(secured(Settings(), worker_key_file=str(path))).fits(sealed())


def test_a_short_secret_is_refused_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shorter") as refused:
        SecuritySettings(worker_key="guessable")
    assert "guessable" not in str(refused.value)
    path = tmp_path / "worker.key"
    path.write_text("guessable")
    with pytest.raises(SettingsError, match="fewer") as refused_file:
        Seals(secured(Settings(), worker_key_file=str(path)))
    assert "guessable" not in str(refused_file.value)


class Sent:
    """A producer of kafka-python's that only remembers."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def __call__(self, *_: Any, **__: Any) -> "Sent":
        return self

    def send(self, topic: str, value: bytes | None = None, key: bytes | None = None, **options: Any) -> "Sent":
        self.records.append(record(topic, key, value, options.get("headers") or (), len(self.records)))
        return self

    def get(self, timeout: float) -> Any:
        return self.records[-1]

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    producer = Sent()
    for module in (publishing, records):
        monkeypatch.setattr(module, "producer", producer)
    return producer


def test_a_model_that_an_operator_restores_is_taken_by_the_workers(tmp_path: Path, sent: Sent) -> None:
    ann = person("ann")
    path = listed(tmp_path / "publishers.yaml", {"ann": entry(ann, may=["model"])})
    workers = secured(Settings(), worker_key=KEY, publishers_file=path)
    publish_seed(secured(workers, publisher="ann", publisher_key=ann.private), "spam", trained().models["spam"], False)
    seals, publishers = Seals(workers), Publishers(workers)
    models = [one for one in sent.records if one.topic == "models"]
    assert models
    refused = [one.key for one in models if not seals.fits(one) and publishers.accept(one, "model") is None]
    assert refused == []  # else the model_command that names it makes the trainer look for it for good


@pytest.mark.parametrize(("may", "revoked"), [("revoke", {"a1"}), ("model", set())])
def test_what_takes_an_action_back_is_seen_by_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: Sent, may: str, revoked: set[str]
) -> None:
    action = {
        "action_id": "a1", "ts": 1_760_000_000_000, "kind": "limit", "target": {"type": "user", "id": "u"},
        "event_id": "e", "user_id": "u", "rule": "flood", "reason": "", "explanation": "", "rulebook": "r",
    }  # fmt: skip
    ann = person("ann")
    path = listed(tmp_path / "publishers.yaml", {"ann": entry(ann, may=[may])})
    revocation.revoke(secured(SETTINGS, publisher="ann", publisher_key=ann.private), [action], "ann", "")
    monkeypatch.setattr("engine.stream.admin.published.read_all", lambda *_: iter(sent.records))
    assert revocation.read_actions(secured(SETTINGS, publishers_file=path)).revoked.keys() == revoked
