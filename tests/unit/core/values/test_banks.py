"""Banks: what is found in them while entries come and go."""

from random import Random
from typing import Any

import pytest

from engine.core.values.banks import Bank, Match, hash_of

HASH = "ec68b53670f18d2316d41bdf870656d31397258aac01d23de64937f85a3cb58d"
TURNED = (
    "f2395ee5f06d926cb42a24920f9ead3a2dc552f3f0169269845fb16c5fc0da46",
    "b93d1f9c25a427894381b175d253fc7946c28f20f9547897b31c9d520f691f27",
    "e76cf46ff53c38c6e17f8e385acb07907890f859a54338c3d10a1bc60e9570ec",
    "ec68eac9f8f172dd16d6e5228706a92c1397da75ec012dc2ee49f8075a3c4a72",
    "b93de063ada4f87743834f8ad253038646c270dff9548768bb1c72ad0f69e0d8",
    "d239a11ae06d6d979422db6d0f9e56c52dc5ad0cf0166d96845f4e9357c035b9",
    "876c0bb0b538c73dc17771c75acbfc6f789007a6a543c73cd10ae43902959f13",
)
"""The hashes of the same picture turned and mirrored, by the reference implementation."""


def changed(written: str, bits: int, seed: int = 1) -> str:
    number = int(written, 16)
    for place in Random(seed).sample(range(256), bits):
        number ^= 1 << place
    return f"{number:064x}"


def others(number: int, seed: int = 5) -> list[str]:
    random = Random(seed)
    return [f"{random.getrandbits(256):064x}" for _ in range(number)]


@pytest.mark.parametrize("beside", [0, 5_000])
def test_copies_are_found_turned_ones_too(beside: int) -> None:
    bank = Bank([HASH, *others(beside)])
    assert bank.find(changed(HASH, 31)) == Match(HASH, 31)
    assert changed(HASH, 32) not in bank
    assert all(copy in bank for copy in TURNED)
    assert all(f"{int(copy, 16) ^ ((1 << 256) - 1):064x}" in bank for copy in (HASH, *TURNED))  # their negatives
    assert HASH.upper() in bank


def test_the_radius_is_the_banks() -> None:
    bank = Bank([HASH], radius=5)
    assert changed(HASH, 5) in bank
    assert changed(HASH, 6) not in bank


def test_entries_come_and_go_while_it_is_asked() -> None:
    bank, held = Bank([HASH]), others(3_000)
    for number, entry in enumerate(held):
        bank.put(entry.upper() if number % 2 else entry)
        if number % 500 == 499:
            assert changed(entry, 9) in bank
            assert changed(held[number - 400], 9) in bank
    for entry in held[:1_500]:
        bank.drop(entry if entry in bank.entries else entry.upper())
    assert not any(changed(entry, 9) in bank for entry in held[:1_500:50])
    assert all(changed(entry, 9) in bank for entry in held[1_501::50])
    bank.put(held[0])
    assert bank.find(held[0]) == Match(held[0], 0)
    bank.replace(held[:2])
    assert (HASH in bank, held[1] in bank, held[2_000] in bank) == (True, True, False)


def test_the_rulebooks_own_entries_stay() -> None:
    bank = Bank([HASH])
    bank.put(HASH)
    bank.drop(HASH)
    assert HASH in bank


@pytest.mark.parametrize("value", [None, 7, "", "x" * 64, HASH[1:], "+" + HASH[1:], "²" * 64, " " * 64, [HASH], b"a"])
def test_what_is_no_hash_is_in_no_bank_and_cannot_be_put_in(value: Any) -> None:
    bank = Bank([HASH])
    assert value not in bank
    assert hash_of(value) is None
    if isinstance(value, str):
        bank.put(value)
        assert set(bank) == {HASH}


def test_an_empty_bank_has_nothing() -> None:
    assert HASH not in Bank([])
