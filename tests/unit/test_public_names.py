"""The package's public face."""

import pytest

import engine


@pytest.mark.parametrize("name", engine.__all__)
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(engine, name).__name__ == name


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'evaluator_of'"):
        _ = engine.evaluator_of
