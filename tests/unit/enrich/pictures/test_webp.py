"""WebP files that are cut short, and what is left of them."""

import io
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("PIL", reason="NOT TESTED: the extra `images` is not installed")

from engine.enrich.pictures.decoding import frames, opened
from engine.enrich.pictures.webp import mended
from tests.costs import cost_by_length
from tests.unit.enrich.pictures.made import encoded, picture, pillow

WIDTH, HEIGHT = 200, 160


def number(value: int) -> bytes:
    return value.to_bytes(4, "little")


def pixels(data: bytes) -> Any:
    return np.asarray(pillow.open(io.BytesIO(mended(data))).convert("RGB")).astype(int)


def made(**options: Any) -> bytes:
    """With noise, so that it is the rows that take the bytes."""
    noise = np.random.default_rng(1).normal(0, 30, (HEIGHT, WIDTH, 3))
    noisy = (np.asarray(picture(1, WIDTH, HEIGHT)) + noise).clip(0, 255)
    return encoded(pillow.fromarray(noisy.astype(np.uint8)), "WEBP", **options)


def moving() -> bytes:
    return made(save_all=True, append_images=[picture(seed, WIDTH, HEIGHT) for seed in (2, 3)], duration=100)


@pytest.mark.parametrize(
    "options",
    [{}, {"lossless": True}, {"exif": b"Exif\0\0" + b"x" * 60}],
    ids=["lossy", "lossless", "with more behind"],
)
def test_the_rows_that_are_there_are_as_they_were(options: dict[str, Any]) -> None:
    whole = made(**options)
    assert mended(whole) is whole
    for share in (0.3, 0.6, 0.9):
        rows = int((share - 0.2) * HEIGHT)
        assert abs(pixels(whole[: int(share * len(whole))]) - pixels(whole))[:rows].max() < 3
    assert (pixels(whole[:-1]) == pixels(whole))[: HEIGHT - 32].all()


def test_of_one_that_moves_the_whole_frames_are_there_and_always_the_first() -> None:
    whole = moving()
    third = whole.rindex(b"ANMF")
    known = pixels(whole)
    for cut, left in ((len(whole) - 9, 2), (third + 30, 2), (third, 2), (whole.index(b"ANMF") + 2_000, 1)):
        with pillow.open(io.BytesIO(mended(whole[:cut]))) as found:
            assert getattr(found, "n_frames", 1) == left
    assert (pixels(whole[: third + 30]) == known).all()
    unread: list[str] = []
    with opened(whole[: third + 30], 10**6) as one:
        assert len(list(frames(one, whole[: third + 30], 3, 10**6, unread))) == 2
    assert unread == ["damaged_picture"]


def test_lengths_may_say_anything() -> None:
    whole = made()
    boastful = whole[:4] + number(1 << 30) + whole[8:16] + number(1 << 29) + whole[20:]
    assert len(mended(boastful)) < len(whole) + (2 << 20)
    assert (pixels(boastful) == pixels(whole)).all()
    many = b"RIFF" + number((1 << 32) - 1) + b"WEBP" + (b"ABCD" + number(0)) * 500_000
    nested = b"RIFF" + number((1 << 32) - 1) + b"WEBP" + (b"ANMF" + number(1 << 31) + bytes(16)) * 400_000
    with cost_by_length():
        assert len(mended(many)) < 1 << 20
        assert len(mended(nested)) <= len(nested)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\xff\0\0\0WEBP", b"RIFF\xff\0\0\0WAVEfmt ", b"GIF89a"])
def test_others_are_left_alone_or_stay_without_a_picture(data: bytes) -> None:
    assert b"VP8" not in mended(data)
