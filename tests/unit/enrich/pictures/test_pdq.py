"""PDQ: the reference implementation's bits (pdqhash 0.2.8, over Facebook's own code) for the same pixels."""

import io

import numpy as np
import pytest

pytest.importorskip("PIL", reason="NOT TESTED: the extra `images` is not installed")

from engine.core.values.near_hashes import MOST_DISTANT
from engine.enrich.pictures.pdq import Frequencies, blurred, brightness, distance, frequencies, hash_of
from engine.enrich.pictures.views import turned
from tests.unit.enrich.pictures.made import encoded, picture, pillow

REFERENCE = [
    (0, 320, 240, "ec68b53670f18d2316d41bdf870656d31397258aac01d23de64937f85a3cb58d", 100),
    (1, 512, 512, "5b955282d23444da10f7b9252ddb2d7c6c4af06647d1253d31b6d369d2b15acb", 100),
    (2, 64, 64, "e40aee590f8689abc83fc644f86d318633b553a5d360236eda692d8bda165acd", 100),
    (3, 500, 130, "1205939b4dea649d51669364b0d4ed64e47adacdad5e78b14e8d52bc8e448f47", 100),
    (4, 200, 511, "e03356f81b8eec24119b1bdae07125074eecec4329a929b5af4fdae03b3d8f18", 100),
]
"""Seed, width, height of a picture; its hash and quality there."""

EIGHT = {
    "ec68b53670f18d2316d41bdf870656d31397258aac01d23de64937f85a3cb58d",
    "f2395ee5f06d926cb42a24920f9ead3a2dc552f3f0169269845fb16c5fc0da46",
    "b93d1f9c25a427894381b175d253fc7946c28f20f9547897b31c9d520f691f27",
    "e76cf46ff53c38c6e17f8e385acb07907890f859a54338c3d10a1bc60e9570ec",
    "ec68eac9f8f172dd16d6e5228706a92c1397da75ec012dc2ee49f8075a3c4a72",
    "b93de063ada4f87743834f8ad253038646c270dff9548768bb1c72ad0f69e0d8",
    "d239a11ae06d6d979422db6d0f9e56c52dc5ad0cf0166d96845f4e9357c035b9",
    "876c0bb0b538c73dc17771c75acbfc6f789007a6a543c73cd10ae43902959f13",
}
"""The hashes of the first one, turned and mirrored, there."""


def of(pixels: object) -> Frequencies:
    return frequencies(blurred(brightness(np.asarray(pixels))))


@pytest.mark.parametrize(("seed", "width", "height", "hashed", "quality"), REFERENCE)
def test_hashes_are_those_of_the_reference_implementation(
    seed: int, width: int, height: int, hashed: str, quality: int
) -> None:
    found, found_quality = of(picture(seed, width, height))
    assert (hash_of(found).hex(), found_quality) == (hashed, quality)


def test_turned_and_mirrored_pictures_have_the_hashes_of_the_reference_implementation() -> None:
    found, _ = of(picture(0))
    assert {hash_of(one).hex() for one in turned(found)} == EIGHT


def test_copies_match_and_others_do_not() -> None:
    hashes = [hash_of(of(picture(seed)).found) for seed in range(20)]
    copy = pillow.open(io.BytesIO(encoded(picture(0).resize((200, 150)), "JPEG", quality=40))).convert("RGB")
    copied = hash_of(of(copy).found)
    assert distance(hashes[0], copied) <= MOST_DISTANT
    assert all(distance(other, copied) > MOST_DISTANT for other in hashes[1:])


def test_one_colour_says_nothing() -> None:
    assert of(np.full((64, 64, 3), 200)).quality == 0
