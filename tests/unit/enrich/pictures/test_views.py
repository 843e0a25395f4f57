"""What turned, cut and framed copies of a picture have in common."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("PIL", reason="NOT TESTED: the extra `images` is not installed")

from engine.enrich.pictures.views import Hashes, hashes_of, turned
from engine.keys.images import image_hashes, image_keys
from tests.unit.enrich.pictures.made import picture, pillow

WAYS = [None, *pillow.Transpose]


def of(pixels: Any) -> Hashes:
    return hashes_of(np.asarray(pixels.convert("RGB")))


def keys(hashes: Hashes) -> set[str]:
    return {*image_keys({"media": {"hashes": list(hashes.upright), "turned": hashes.turned}})}


def framed(pixels: Any, share: float, colour: str) -> Any:
    across, down = round(pixels.width * share), round(pixels.height * share)
    page = pillow.new("RGB", (pixels.width + 2 * across, pixels.height + 2 * down), colour)
    page.paste(pixels, (across, down))
    return page


def cut(pixels: Any, share: float) -> Any:
    across, down = round(pixels.width * share), round(pixels.height * share)
    return pixels.crop((across, down, pixels.width - across, pixels.height - down))


@pytest.mark.parametrize("way", WAYS)
def test_a_picture_is_turned_the_same_way_however_it_lies(way: Any) -> None:
    copies = [(of(one), of(one if way is None else one.transpose(way))) for one in map(picture, range(12))]
    assert all(one.turned == other.turned for one, other in copies)


@pytest.mark.parametrize("way", WAYS[:3])
def test_a_negative_is_a_copy(way: Any) -> None:
    for one in map(picture, range(6)):
        negative = pillow.fromarray(255 - np.asarray(one if way is None else one.transpose(way)))
        assert keys(of(one)) & keys(of(negative))


def test_turning_eight_times_leads_to_the_same() -> None:
    found = np.random.default_rng(1).normal(size=(16, 16))
    assert len({tuple(one.ravel()) for one in turned(found)}) == 8
    assert all(len(turned(one)) == 8 for one in turned(found))
    whole = {tuple(one.ravel()) for one in turned(found)}
    assert all({tuple(again.ravel()) for again in turned(one)} == whole for one in turned(found))


@pytest.mark.parametrize("share", [0.026, 0.03, 0.034])
def test_what_is_cut_at_its_edges_shares_the_inner_part(share: float) -> None:
    assert sum(bool(keys(of(one)) & keys(of(cut(one, share)))) for one in map(picture, range(20))) >= 18


@pytest.mark.parametrize(("share", "colour"), [(0.02, "black"), (0.05, "white"), (0.2, "#336699")])
def test_a_border_is_left_out(share: float, colour: str) -> None:
    for one in map(picture, range(8)):
        plain, bordered = of(one), of(framed(one, share, colour))
        assert keys(plain) & keys(bordered)
        assert len(bordered.upright) == 2
        near = [(int(a, 16) ^ int(b, 16)).bit_count() for a in plain.upright for b in bordered.upright]
        assert min(near) <= 31


def test_other_pictures_share_nothing() -> None:
    found = [keys(of(picture(seed))) for seed in range(40)]
    assert sum(map(len, found)) == len(set().union(*found))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 2), (64, 64)])
def test_one_colour_and_next_to_nothing_say_nothing(size: tuple[int, int]) -> None:
    assert of(pillow.new("RGB", size, "red")) == Hashes({}, [])


def test_events_of_before_are_counted_by_their_hashes() -> None:
    (upright,) = of(picture(1)).upright
    assert image_keys({"media": {"hashes": [upright]}})
    assert image_hashes({"media": {"hashes": [upright, upright, "x"]}}) == (upright,)
