"""A command tells beforehand what the workers would refuse."""

from pathlib import Path
from typing import Any, get_args

import pytest

from engine.errors import PublishError, RulebookError
from engine.settings import Settings
from engine.stream.admin import publishing
from engine.stream.control import rulebooks
from engine.stream.control.lists import Entry, publish_entries
from engine.stream.control.rulebooks import publish_paused
from engine.stream.handlers.messages import Pause
from engine.stream.kafka import records
from engine.stream.kafka.authors import Author
from engine.stream.kafka.publishers import Publishers, Scope
from tests.unit.stream.signed import entry, listed, person, record, secured

ANN, BEN = person("ann"), person("ben")


def settings_of(tmp_path: Path, may: list[str], **more: Any) -> Settings:
    path = listed(tmp_path / "publishers.yaml", {"ann": entry(ANN, may=may)})
    return secured(Settings(), **{"publishers_file": path, "publisher": "ann", "publisher_key": ANN.private, **more})


@pytest.mark.parametrize("scope", get_args(Scope))
def test_who_may_signs_what_the_workers_take(tmp_path: Path, scope: Scope) -> None:
    settings = settings_of(tmp_path, [scope])
    headers = Author(settings, scope).headers("topic", b"k", None)
    assert Publishers(settings).accept(record("topic", b"k", None, headers), scope) is not None


@pytest.mark.parametrize(
    "more", [{"publisher": "ben"}, {"publisher_key": BEN.private}, {"publisher": "ben", "publisher_key": BEN.private}]
)
def test_who_is_not_listed_is_told(tmp_path: Path, more: dict[str, str]) -> None:
    with pytest.raises(PublishError, match=r"your key may not.*scope `rules`"):
        Author(settings_of(tmp_path, ["rules"], **more), "rules").headers("topic", b"k", b"v")


def test_who_lacks_the_scope_or_the_key_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"your key may not.*'ann' with the scope `pause`"):
        Author(settings_of(tmp_path, ["rules"]), "pause").headers("topic", b"k", b"v")
    unsigned = settings_of(tmp_path, ["rules"], publisher=None, publisher_key=None)
    with pytest.raises(PublishError, match="floodgate keys new"):
        Author(unsigned, "rules").headers("topic", b"k", b"v")


def test_where_nobody_is_listed_all_is_published() -> None:
    assert Author(Settings(), "rules").headers("topic", b"k", b"v") == [("app_id", b"floodgate")]
    signed = secured(Settings(), publisher="ann", publisher_key=ANN.private)
    assert len(Author(signed, "rules").headers("topic", b"k", b"v")) == 4


def test_where_workers_only_warn_so_do_commands(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    unsigned = settings_of(tmp_path, ["rules"], publisher=None, publisher_key=None, unverified="warn")
    assert Author(unsigned, "rules").headers("topic", b"k", b"v") == [("app_id", b"floodgate")]
    assert "for now" in caplog.messages[0] and "floodgate keys new" in caplog.messages[0]
    Author(settings_of(tmp_path, ["rules"], unverified="warn"), "pause").headers("topic", b"k", b"v")
    assert "'ann' with the scope `pause`" in caplog.messages[1]
    Author(settings_of(tmp_path, ["rules"], unverified="warn"), "rules").headers("topic", b"k", b"v")
    assert len(caplog.messages) == 2


def test_nothing_is_sent_that_would_be_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Producer:
        def send(self, *one: Any, **_: Any) -> None:
            sent.append(one)

        def close(self) -> None:
            """Nothing is open."""

    for module in (publishing, records):
        monkeypatch.setattr(module, "producer", lambda *_, **__: Producer())
    monkeypatch.setattr(rulebooks, "read_all", lambda *_: iter(()))
    settings, long = settings_of(tmp_path, ["rules"]), "x" * 2_001
    with pytest.raises(PublishError, match="scope `pause`"):
        publish_paused(settings, "flood", Pause("ann", "", 1))
    with pytest.raises(PublishError, match="scope `lists`"):
        publish_entries(settings, "bad", {"eve": None})
    with pytest.raises(RulebookError):
        publish_paused(Settings(), "flood", Pause("ann", long, 1))
    with pytest.raises(RulebookError):
        publish_entries(Settings(), "bad", {"eve": Entry("ann", long, 1)})
    assert sent == []
