"""Which models a worker follows, and when they are there."""

import pytest

from engine.errors import SnapshotError
from engine.stream.handlers import followed_models
from engine.stream.handlers.followed_models import MAX_NAME_CHARS, FollowedModels
from tests.unit.stream.handlers.test_training import followed, messages, rulebook


def part(models: FollowedModels, name: str) -> bool:
    """A part of a model comes, and no head; whether it is followed."""
    key, value = next((one.key or b"", one.value) for one in messages() if b"/all/" in (one.key or b""))
    try:
        assert models.receive(key.decode().replace("spam", name, 1), value) is None
    except SnapshotError:
        return False
    return name in models.followers


@pytest.mark.parametrize(
    ("chars", "taken"), [(0, False), (1, True), (MAX_NAME_CHARS, True), (MAX_NAME_CHARS + 1, False)]
)
def test_a_model_has_a_name_that_is_not_too_long(chars: int, taken: bool) -> None:
    models = FollowedModels()
    assert part(models, "m" * chars) == taken
    assert len(models.followers) == taken


def test_a_model_is_there_when_its_head_has_come() -> None:
    *parts, head = messages()
    models = FollowedModels()
    for message in parts:
        assert models.receive((message.key or b"").decode(), message.value) is None
    learned = models.receive("spam", head.value)
    assert learned is not None
    assert learned.labels == 5


def test_no_more_models_are_followed_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed_models, "MAX_MODELS", 2)
    models = FollowedModels()
    assert [part(models, name) for name in ("a", "b", "c", "a")] == [True, True, False, True]
    assert list(models.followers) == ["a", "b"]


def test_a_model_of_the_rulebook_takes_the_place_of_one_that_nobody_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed_models, "MAX_MODELS", 3)
    models = followed("whole")
    models.use(rulebook("spam"))
    assert part(models, "a")
    assert part(models, "b")
    assert not part(models, "c")
    assert part(models, "spam@seed")
    assert list(models.followers) == ["whole", "b", "spam@seed"]  # what is not whole goes first
    assert part(models, "spam")
    assert list(models.followers) == ["whole", "spam@seed", "spam"]


def test_where_all_are_asked_for_none_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed_models, "MAX_MODELS", 1)
    models = FollowedModels()
    models.use(rulebook("spam"))
    assert part(models, "spam")
    assert not part(models, "spam@seed")
    assert list(models.followers) == ["spam"]
