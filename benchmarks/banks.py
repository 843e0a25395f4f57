"""How long it takes to look a picture up in a bank of very many, also where somebody has chosen both.

Hashes are made of frequencies as pictures have them: a mean of the frequencies of three of some hundred pictures, in
other signs. What is timed is CPU: of one hash, as it is and turned; of an attacker who asks for what is just too far
from many similar entries.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from engine.core.values.banks import Bank, all_ways
from engine.core.values.near_hashes import MOST_DISTANT, NearHashes, Words, words_of

_ASKED, _BLOCK = 400, 20_000


def like_pictures(count: int, spectra: Any, seed: int) -> Words:
    """So many hashes. `spectra`: frequencies of some pictures."""
    random = np.random.default_rng(seed)
    made = []
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        mixed = np.zeros((size, spectra.shape[1]))
        for _ in range(3):
            chosen = random.integers(0, len(spectra), size)
            mixed += spectra[chosen] * random.choice((-1.0, 1.0), (size, spectra.shape[1])) * random.random((size, 1))
        made.append(np.packbits(mixed > np.median(mixed, axis=1, keepdims=True), axis=1))
    return words_of(np.concatenate(made).tobytes())


def changed(words: Words, bits: int, seed: int) -> Words:
    """One hash with so many other bits."""
    flat = np.unpackbits(words.view(np.uint8))
    flat[np.random.default_rng(seed).choice(flat.size, bits, replace=False)] ^= 1
    return words_of(np.packbits(flat).tobytes())


def milliseconds(ask: Callable[[Words], Any], asked: Iterator[Words]) -> dict[str, float]:
    """CPU time of questions."""
    taken = []
    for words in asked:
        started = time.thread_time()
        ask(words)
        taken.append(1_000 * (time.thread_time() - started))
    return {"median ms": float(np.median(taken)), "99 % ms": float(np.quantile(taken, 0.99)), "most ms": max(taken)}


def measure_bank(count: int) -> dict[str, dict[str, float]]:
    """Times of a bank of so many."""
    from benchmarks.pictures import scene  # noqa: PLC0415  # which imports this module
    from engine.enrich.pictures.pdq import blurred, brightness, frequencies  # noqa: PLC0415

    spectra = np.array([frequencies(blurred(brightness(np.asarray(scene(seed))))).found.ravel() for seed in range(200)])
    words, others = like_pictures(count, spectra, 1), like_pictures(_ASKED, spectra, 2)
    started = time.process_time()
    hashes = NearHashes(words)
    result = {"indexed": {"seconds": time.process_time() - started}}

    def look_up(one: Words) -> None:
        if hashes.find(one, MOST_DISTANT) is None:
            hashes.find_turned(all_ways(one), MOST_DISTANT)

    def rows(held: Words) -> Iterator[Words]:
        return (held[number : number + 1] for number in range(len(held)))

    result["not in it, as it lies"] = milliseconds(lambda one: hashes.find(one, MOST_DISTANT), rows(others))
    result["not in it, turned too"] = milliseconds(look_up, rows(others))
    copies = [changed(words[number : number + 1], number % 32, number) for number in range(_ASKED)]
    result["a copy of one, up to 31 bits away"] = milliseconds(look_up, iter(copies))
    centre = words[:1]
    similar = np.packbits(np.random.default_rng(3).random((count // 10, 256)) < 20 / 256, axis=1)
    words = np.concatenate([words_of(similar.tobytes()) ^ centre, words[count // 10 :]])
    hashes = NearHashes(words)
    beside = [changed(centre, 45 + number % 10, number) for number in range(60)]
    result["just too far from a tenth that is similar"] = milliseconds(look_up, iter(beside))
    result["not in a bank of 1,000, turned too"] = milliseconds(_of_few(words[-1_000:]), rows(others))
    return result


def _of_few(words: Words) -> Callable[[Words], Any]:
    bank = Bank(one.tobytes().hex() for one in words)
    return lambda one: bank.find(one.tobytes().hex())
