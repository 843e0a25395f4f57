"""Which events wait for a label."""

import orjson
import pytest

from engine.cli.labels import Labelled


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
