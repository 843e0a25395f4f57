"""The rulebooks topic as commands read and write it, with its records in a list."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from engine.errors import RulebookError, TopicError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control import rulebooks
from engine.stream.control.lists import Entry
from engine.stream.control.rulebooks import (
    Stop,
    Version,
    accepted,
    author_of,
    find_version,
    publish_paused,
    publish_resumed,
    publish_rulebook,
    read_in_use,
    read_paused,
    read_stops,
    read_versions,
    scope_of,
)
from engine.stream.handlers.messages import Pause, encode_rulebook
from tests.unit.stream.signed import changed, entry, listed, person, record, secured

RULES = "version: 1\nrules: {all: {event: post, when: ['true'], then: {flag: a}}}\n"
WRONG = "version: 1\nrules: {all: {event: post, when: ['nonsense('], then: {flag: a}}}\n"
PAUSE = msgspec.json.encode(Pause("ann", "noisy", 1))


def pushed(offset: int, identity: str = "abcdef", rules: str = RULES, key: str | None = None, **changes: Any) -> Any:
    """A version on the topic."""
    document = orjson.loads(encode_rulebook({"r.yaml": rules}, identity, "ann", "why", 1_000 + offset)) | changes
    name = key if key is not None else f"version/{offset}"
    return record("rulebooks", name.encode(), orjson.dumps(document), offset=offset)


def on_topic(patch: pytest.MonkeyPatch, *records: Any) -> None:
    patch.setattr(rulebooks, "read_all", lambda _, topic: iter(records if topic == "rulebooks" else ()))


def test_versions_are_read_in_the_order_of_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    on_topic(
        monkeypatch, pushed(7), record("rulebooks", b"paused/r", PAUSE, offset=8), pushed(3, author=None, note=None),
        record("rulebooks", None, b"v", offset=9), record("rulebooks", b"version/x", None, offset=10),
        record("rulebooks", b"version/y", b"nonsense", offset=11), pushed(12, ts="today"),
    )  # fmt: skip
    sources = {"r.yaml": RULES}
    assert read_versions(Settings()) == [
        Version(3, b"version/3", "abcdef", "", "", 1_003, sources),
        Version(7, b"version/7", "abcdef", "ann", "why", 1_007, sources),
        Version(12, b"version/12", "abcdef", "ann", "why", 0, sources),
    ]


def test_what_was_pushed_and_deleted_is_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    on_topic(monkeypatch, pushed(1), record("rulebooks", b"version/1", None, offset=2))
    assert read_versions(Settings()) == []


def test_the_newest_version_that_passes_its_check_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    on_topic(monkeypatch, pushed(1), pushed(2), pushed(3, rules=WRONG))
    in_use = read_in_use(Settings())
    assert in_use is not None
    assert in_use[0].number == 2
    assert list(in_use[1].rules)
    on_topic(monkeypatch, pushed(3, rules=WRONG))
    assert read_in_use(Settings()) is None


@pytest.mark.parametrize(
    ("name", "number"),
    [("12", 12), ("7", 7), ("abcd", 12), ("abcdef", 12), ("1234", 7), ("abc", None), ("", None), ("bcdef", None)],
)
def test_a_version_is_found_by_its_number_or_four_letters_of_its_id(name: str, number: int | None) -> None:
    versions = [Version(at, b"", id_, "", "", 0, {}) for at, id_ in ((3, "abcdef"), (7, "123456"), (12, "abcdef"))]
    if number is None:
        with pytest.raises(TopicError, match="there is no version"):
            find_version(versions, name)
    else:
        assert find_version(versions, name).number == number


@pytest.mark.parametrize(("kept", "deleted"), [(5, []), (3, []), (2, [1]), (1, [1, 2])])
def test_beyond_so_many_versions_the_oldest_are_deleted(
    monkeypatch: pytest.MonkeyPatch, kept: int, deleted: list[int]
) -> None:
    sent: list[tuple[bytes, bytes | None]] = []

    def send(_: Settings, topic: str, key: bytes, value: bytes | None, what: str, scope: str) -> int:
        assert (topic, scope) == ("rulebooks", "rules")
        sent.append((key, value))
        return 9

    monkeypatch.setattr(rulebooks, "send_one", send)
    monkeypatch.setattr(rulebooks, "MAX_VERSIONS", kept)
    on_topic(monkeypatch, *map(pushed, (1, 2, 3)))
    rulebook = load_rulebook({"r.yaml": RULES})
    assert publish_rulebook(Settings(), rulebook, "ann", "why") == 9
    key, value = sent[0]
    assert key.endswith(rulebook.id.encode())
    assert orjson.loads(value or b"")["sources"] == {"r.yaml": RULES}
    assert sent[1:] == [(b"version/%d" % number, None) for number in deleted]


def test_a_rule_is_paused_until_it_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    listed_entry = msgspec.json.encode(Entry("ann", "why", 1))  # it reads like the reason of a pause
    messages: Sequence[tuple[bytes, bytes | None]] = (
        (b"paused/a", PAUSE), (b"paused/b", PAUSE), (b"list/bad/eve", listed_entry), (b"paused/c", None),
        (b"paused/d", b"nonsense"), (b"paused/a", b"null"),
    )  # fmt: skip
    on_topic(monkeypatch, *(record("rulebooks", key, value, offset=at) for at, (key, value) in enumerate(messages)))
    assert read_paused(Settings()) == {"b": Pause("ann", "noisy", 1)}


def test_who_has_paused_and_resumed_a_rule_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    def send(settings: Settings, topic: str, key: bytes, value: bytes, _: str, scope: str, beside: Any = ()) -> None:
        assert (topic, scope) == ("rulebooks", "pause")
        sent.append(record(topic, key, value, headers=[("app_id", b"floodgate"), *beside], offset=len(sent)))

    monkeypatch.setattr(rulebooks, "send_one", send)
    paused, resumed = Pause("ann", "noisy", 1), Pause("ben", "mended", 2)
    publish_paused(Settings(), "a", paused)
    publish_resumed(Settings(), "a", resumed)
    assert sent[1].value == b"null"  # as workers of before read it
    before = record("rulebooks", b"paused/b", b"null", offset=2)
    garbage = record("rulebooks", b"paused/c", b"null", headers=[("by", b"garbage")], offset=3)
    on_topic(monkeypatch, *sent, before, garbage)
    assert read_stops(Settings())[:2] == [Stop(0, "a", False, paused), Stop(1, "a", True, resumed)]
    assert [(one.rule, one.is_resumed, one.by.author) for one in read_stops(Settings())[2:]] == [("b", True, "")]
    with pytest.raises(RulebookError):
        publish_resumed(Settings(), "a", Pause("ben", "x" * 2_001, 2))
    assert len(sent) == 2


def test_who_has_signed_a_pause_is_its_author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = person("ann")
    settings = secured(Settings(), publishers_file=listed(tmp_path / "p.yaml", {"ann": entry(ann, may=["pause"])}))
    said = msgspec.json.encode(Pause("eve", "", 1))
    on_topic(monkeypatch, ann.record(1, "rulebooks", b"paused/a", said, offset=1))
    assert read_paused(settings)["a"].author == read_stops(settings)[0].by.author == "ann"


def test_what_is_signed_counts_once_and_only_from_those_who_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = person("ann"), person("ben")
    path = listed(tmp_path / "publishers.yaml", {"ann": entry(ann), "ben": entry(ben, may=["pause"])})
    first, second = (ann.record(number, "rulebooks", b"version/%d" % number, offset=number) for number in (1, 2))
    pause = ben.record(1, "rulebooks", b"paused/r", offset=5)
    on_topic(
        monkeypatch, first, second, changed(first, offset=3), ben.record(9, "rulebooks", b"version/4", offset=4), pause,
        record("rulebooks", b"version/6", b"v", offset=6), record("rulebooks", None, b"v", offset=7),
    )  # fmt: skip
    assert list(accepted(secured(Settings(), publishers_file=path))) == [first, second, pause]


def test_where_nobody_has_to_sign_all_that_has_a_key_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [record("rulebooks", key, b"v", offset=at) for at, key in enumerate((b"version/1", b"version/1", None))]
    on_topic(monkeypatch, *records)
    assert list(accepted(Settings())) == records[:2]


def test_the_author_is_the_signer_where_there_is_one() -> None:
    assert author_of(record("rulebooks", b"k", b"v", [("publisher", b"ann")]), "eve") == "ann"
    assert author_of(record("rulebooks", b"k", b"v", [("other", b"x")]), "eve") == "eve"
    assert author_of(changed(record("rulebooks", b"k", b"v"), headers=None), "eve") == "eve"


@pytest.mark.parametrize(
    ("key", "scope"),
    [
        (b"version/1", "rules"),
        (b"paused/r", "pause"),
        (b"promoted/r", "pause"),
        (b"list/l/e", "lists"),
        (b"x", "rules"),
    ],
)
def test_each_kind_of_message_has_its_scope(key: bytes, scope: str) -> None:
    assert scope_of(key) == scope
