"""Whose labels commands count."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import orjson
import pytest

from engine.learning.labels import Label
from engine.mappings import LabelSettings
from engine.settings import Settings
from engine.stream.admin import given
from engine.stream.admin.given import GivenLabels, counting, read_examples
from engine.stream.handlers.label_messages import decode_label, encode_example
from tests.unit.learning.inputs import SPAM, example
from tests.unit.stream.broker import topics_of
from tests.unit.stream.signed import entry, listed, person, record, secured


def label(moderator: str | None, event_id: str = "e") -> bytes:
    said = {"event_id": event_id, "label": "spam", "ts": 1_772_449_200_000}
    return orjson.dumps(said | ({"moderator": moderator} if moderator is not None else {}))


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"a": SimpleNamespace(quarantined={"eve"}), "b": SimpleNamespace(quarantined={"max"})}
    monkeypatch.setattr(given, "read_models", lambda _: found)


def read(value: bytes | None, labels: GivenLabels | None = None) -> Label | None:
    value = (labels or GivenLabels(Settings())).value_of(record("labels", b"u", value))
    return decode_label(value) if value is not None else None


@pytest.mark.parametrize(
    ("moderator", "counts"), [("mia", True), (None, True), ("eve", False), ("max", False), ("evelyn", True)]
)
def test_labels_of_the_quarantined_do_not_count(moderator: str | None, counts: bool) -> None:
    found = read(label(moderator))
    assert (found is not None) is counts
    if found is not None:
        assert found.moderator == moderator


def test_what_is_no_label_is_left_to_be_told() -> None:
    assert GivenLabels(Settings()).value_of(record("labels", b"u", b"junk")) == b"junk"
    assert read(None) is None


def test_the_signer_is_the_moderator_whatever_a_label_says(tmp_path: Path) -> None:
    ann, eve, tool = person("ann"), person("eve"), person("tool")
    people = {"ann": entry(ann, may=["label"]), "eve": entry(eve, may=["label"]), "tool": entry(tool)}
    settings = secured(Settings(), publishers_file=listed(tmp_path / "people", people))
    labels = GivenLabels(settings)

    def moderator(signed: Any) -> str | None:
        value = labels.value_of(signed)
        return decode_label(value).moderator if value is not None else None

    assert moderator(ann.record(1, value=label("eve"))) == "ann"
    assert moderator(eve.record(1, value=label("ann"))) is None
    assert moderator(tool.record(1, value=label("mia"))) == "mia"
    assert moderator(tool.record(2, value=label("eve"))) is None
    assert moderator(tool.record(1, value=label("mia"))) is None  # what was signed once counts once
    assert labels.value_of(record("labels", b"u", label("mia"))) is None


def test_what_another_tool_says_is_given_in_our_terms() -> None:
    mapped = LabelSettings(
        fields={"event_id": "id", "label": "verdict", "moderator": "by"}, verdicts={"removed": "spam"}
    )
    labels = GivenLabels(msgspec.structs.replace(Settings(), labels=mapped))
    said = {"id": "e", "verdict": "removed", "ts": 1_772_449_200_000}
    assert read(orjson.dumps({**said, "by": "mia"}), labels) == read(label("mia"), labels)
    assert read(orjson.dumps({**said, "by": "eve"}), labels) is None


def test_files_of_labels_are_read_without_those_who_are_named() -> None:
    lines = [label("mia"), b"junk", label("eve"), label(None)]
    assert list(counting(lines, ("eve",))) == [lines[0], lines[1], lines[3]]
    assert list(counting(lines, ())) == lines


def test_examples_are_read_in_their_order_and_rulings_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [example(SPAM, "spam", at) for at in range(2)]
    records = [record("examples", b"spam", encode_example(one)) for one in told]
    records[1:1] = [record("examples", b"@model_command", b"{}"), record("examples", b"spam", b"junk")]
    monkeypatch.setattr(given, "read_all", topics_of({"examples": records}))
    assert list(read_examples(Settings())) == told
