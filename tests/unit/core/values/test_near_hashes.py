"""Hashes near to one: the same that looking at each of them finds, at a bounded cost."""

from typing import Any

import numpy as np
import pytest

from engine.core.values import near_hashes
from engine.core.values.near_hashes import HASH_BYTES, MOST_DISTANT, NearHashes, Words, words_of


def many(number: int, seed: int = 1) -> Words:
    return words_of(np.random.default_rng(seed).bytes(HASH_BYTES * number))


def changed(words: Words, bits: int, seed: int) -> Words:
    flat = np.unpackbits(words.view(np.uint8))
    flat[np.random.default_rng(seed).choice(flat.size, bits, replace=False)] ^= 1
    return words_of(np.packbits(flat).tobytes())


def cluster(number: int) -> Words:
    """Copies of one picture."""
    centre = many(1)
    return np.concatenate([changed(centre, seed % 25, seed) for seed in range(number)])


@pytest.mark.parametrize("held", [many(20_000), many(900), np.concatenate([many(3_000), cluster(1_500)])])
@pytest.mark.parametrize("radius", [0, 7, 15, 16, MOST_DISTANT])
def test_whatever_differs_in_few_enough_bits_is_found_and_nothing_else(held: Words, radius: int) -> None:
    hashes = NearHashes(held)
    for seed in range(40):
        asked = changed(held[seed * 20 : seed * 20 + 1], seed, seed)
        bits = np.bitwise_count(held ^ asked).sum(axis=1)
        near = hashes.find(asked, radius)
        assert (near is not None) == (bits.min() <= radius)
        if near is not None:
            assert near.bits == bits.min() == bits[near.place]
            assert hashes.hash_at(near.place) == held[near.place].tobytes()


def test_of_turned_copies_all_are_found_that_differ_in_15_bits_and_most_that_differ_in_20() -> None:
    held = many(20_000)
    hashes = NearHashes(held)
    found = [hashes.find_turned(np.concatenate([many(6, 7), changed(held[n : n + 1], 15, n)]), 31) for n in range(100)]
    assert all(near is not None and near.place == place for place, near in enumerate(found))
    found = [hashes.find_turned(changed(held[n : n + 1], 20, n), 31) for n in range(100)]
    assert sum(near is not None for near in found) >= 95


def test_what_is_dropped_is_not_found() -> None:
    held = np.concatenate([many(2_000), many(2_000)])  # each twice
    hashes = NearHashes(held)
    hashes.drop(held[5:6])
    assert hashes.find(held[5:6], 31) is None
    assert hashes.find(held[6:7], 31) is not None


@pytest.mark.parametrize("held", [many(50_000), np.tile(cluster(50), (1_000, 1)), np.repeat(many(1), 50_000, axis=0)])
def test_no_question_costs_more_than_looking_at_all(held: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    members = near_hashes._members

    def counted(places: Any, starts: Any, sizes: Any) -> Any:
        looked_at.append(int(np.sum(sizes)))
        return members(places, starts, sizes)

    hashes = NearHashes(held)
    monkeypatch.setattr(near_hashes, "_members", counted)
    for bits in range(0, 80, 8):
        asked = changed(held[7:8], bits, bits)
        hashes.find(asked, 31)
        hashes.find_turned(np.repeat(asked, 7, axis=0), 31)
    assert max(looked_at, default=0) <= len(held) // 20


def test_bits_are_counted_without_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    held = many(2_000)
    asked = changed(held[3:4], 20, 3)
    with_it = NearHashes(held).find(asked, 31)
    monkeypatch.delattr(np, "bitwise_count")
    assert NearHashes(held).find(asked, 31) == with_it == (3, 20)
