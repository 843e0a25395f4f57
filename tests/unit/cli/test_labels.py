"""Which events wait for a label."""

from pathlib import Path

import orjson
import pytest

from engine.cli import main
from engine.cli.labels import Labelled
from engine.cli.recordings import tell_unusable
from engine.errors import LabelError
from engine.stream.handlers.label_messages import read_label


def label(event_id: str = "e", **more: object) -> bytes:
    return orjson.dumps({"event_id": event_id, "label": "spam", "ts": 1, **more})


def test_a_label_on_another_users_event_with_the_same_id_hides_nothing() -> None:
    labelled = Labelled()
    labelled.note(b"eve", label())
    labelled.note(b"whatever", label("f", user_id="eve"))
    for event_id in ("e", "f"):
        assert labelled.has(event_id, "eve")
        assert not labelled.has(event_id, "ann")


def test_a_label_that_names_no_user_is_on_all() -> None:
    for key in (None, b""):
        labelled = Labelled()
        labelled.note(key, label())
        assert labelled.has("e", "ann")
        assert not labelled.has("f", "ann")


def test_a_user_is_known_by_name_and_pseudonym() -> None:
    labelled = Labelled()
    labelled.note(b"ann", label(), lambda user: f"p-{user}")
    assert [labelled.has("e", user) for user in ("ann", "p-ann", "p-eve")] == [True, True, False]


@pytest.mark.parametrize("value", [None, b"", b"junk", b"[]", b"5", b"{}", b'{"event_id": 5}', b'{"action_id": "a"}'])
def test_what_is_no_label_hides_nothing(value: bytes | None) -> None:
    labelled = Labelled()
    labelled.note(b"ann", value)
    labelled.note(None, value)
    assert not any(labelled.has(event_id, "ann") for event_id in ("", "None", "5"))


LABEL = {"event_id": "e1", "label": "spam", "ts": 1_772_449_200_000}


@pytest.mark.parametrize("ts", [1_772_449_200, -1, 0, 2**62, 9_999_999_999_999, "0001-01-01", True, 1.5, None])
def test_a_label_of_an_absurd_time_is_refused(ts: object) -> None:
    with pytest.raises(LabelError):
        read_label({**LABEL, "ts": ts})


@pytest.mark.parametrize("moderator", [42, "", "x" * 300, ["ann"], True])
def test_a_moderator_is_a_name(moderator: object) -> None:
    with pytest.raises(LabelError, match="`moderator` is a name"):
        read_label({**LABEL, "moderator": moderator})


@pytest.mark.parametrize(
    "content",
    ["event_id,label,ts\ne1,spam,1772449200000\n".encode("utf-16"), "event_id,label,ts\né,spam,1\n".encode("latin-1"),
     b"event_id,label,ts\ne1,spam,\xc2\xb2\n", b"event_id,label,ts\ne1,spam," + b"9" * 40 + b"\n",
     b'event_id,label,ts\n"' + b"x" * 200_000 + b'",spam,1\n', b"\x00\x01\x02"],
    ids=["utf-16", "latin-1", "superscript", "digits", "long field", "binary"],
)  # fmt: skip
def test_no_file_ends_in_a_traceback(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "labels.csv"
    file.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        main(["labels", "import", str(file)])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.startswith("floodgate: ")
    assert len(told.splitlines()) == 1


def test_lines_that_are_no_labels_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    tell_unusable([orjson.dumps(LABEL), orjson.dumps({**LABEL, "ts": 5}), b"{"])
    told = capsys.readouterr().err
    assert told.startswith("floodgate: 2 of 3 labels cannot be used and are left out; the first, line 2: `ts` 5 is")
    tell_unusable([orjson.dumps(LABEL)])
    assert capsys.readouterr().err == ""
