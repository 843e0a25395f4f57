"""Keys that copies of a picture share."""

from random import Random
from typing import Any

import pytest

from engine.core.kernel import set_hash_key
from engine.keys.images import SLOTS, hash_keys, image_keys

HASH = "e428b91678f98f207adf13df8f0656e313972d8aec01d23dcc4907b8da3e248d"


def changed(found: str, bits: int, seed: int) -> str:
    number = int(found, 16)
    for place in Random(seed).sample(range(256), bits):
        number ^= 1 << place
    return f"{number:064x}"


def of(*hashes: Any) -> tuple[str, ...]:
    return image_keys({"media": {"hashes": list(hashes)}})


@pytest.mark.parametrize(("bits", "least"), [(0, 1.0), (4, 1.0), (8, 0.95), (16, 0.7)])
def test_copies_that_differ_in_some_bits_share_a_key(bits: int, least: float) -> None:
    keys = set(of(HASH))
    assert sum(bool(keys & set(of(changed(HASH, bits, seed)))) for seed in range(200)) >= least * 200


def test_other_pictures_share_none() -> None:
    random = Random(1)
    keys = [set(of(f"{random.getrandbits(256):064x}")) for _ in range(300)]
    assert sum(len(one) for one in keys) == len(set().union(*keys)) == 300 * SLOTS


def test_which_bits_make_a_key_is_the_deployments_secret() -> None:
    before = of(HASH)
    try:
        set_hash_key("another secret")
        assert not {*before} & {*of(HASH)}
    finally:
        set_hash_key("")
    assert hash_keys(HASH, 1) != hash_keys(HASH, 2)


@pytest.mark.parametrize(
    "media",
    [None, 7, [], {}, {"hashes": HASH}, {"hashes": [7, None, "", "x" * 64, HASH[1:], "+" + HASH[1:], "²" * 64]}],
)
def test_what_is_no_hash_has_no_key(media: Any) -> None:
    assert image_keys({"media": media}) == ()


def test_of_very_many_pictures_the_first_few_have_keys() -> None:
    assert len(of(*(f"{number:064x}" for number in range(1, 100)))) <= 4 * SLOTS
