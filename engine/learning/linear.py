"""The arithmetic of the default learner: hashed n-grams, weighted sums, and one step of several learners at once.

`_linear.pyx` has the same functions for a compiler, to the last bit; change both. Weights and squared gradients
are flat arrays of 32-bit floats: `ARMS` for each index, one after the other.
"""

from array import array
from collections.abc import Sequence
from math import copysign, exp, isfinite, isnan, log1p, nan, sqrt

import numpy as np
from numpy.typing import NDArray

INDEX_BITS = 20
INDICES = 1 << INDEX_BITS
ARMS = 4
LONG_GRAM = 6
SHORT_GRAM = 4
SHORT_TEXT_BYTES = 400
"""A shorter text has its short n-grams as well: it has too few long ones that come again."""
MAX_TEXT_BYTES = 4_096
"""Of a longer text, only so much is read."""
BUCKETS = 15
"""Steps of a scaled number: three for each factor of e."""
FACT = 0.5
"""What a category, a pair of them, or a number counts; a text of 16 n-grams has four times its square."""
START = 1e-6
"""The squared gradient of an index that has not been seen."""
SATURATED = 30.0

Floats = NDArray[np.float32]
Indices = NDArray[np.uint32]
Marks = NDArray[np.uint8]

_MASK = (1 << 64) - 1
_FACTOR = 0x9E3779B97F4A7C15
_SHIFT = 64 - INDEX_BITS


def new_rows(count: int) -> "array[float]":
    """So many zeros."""
    return array("f", bytes(4 * count))


def index_of(hashed: int) -> int:
    """The index of a 64-bit number."""
    mixed = hashed * _FACTOR & _MASK
    mixed ^= mixed >> 29
    return (mixed * _FACTOR & _MASK) >> _SHIFT


def text_bytes(text: str) -> bytes:
    """A text as it is read: in lower case, cut to what counts."""
    return text[:MAX_TEXT_BYTES].lower().encode("utf-8", "surrogatepass")[:MAX_TEXT_BYTES]


def gram_indices(text: str, seed: int) -> Indices:
    """The indices of the text's byte n-grams, each once, in the order in which they come first."""
    data = text_bytes(text)
    grams = [byte_grams(data, LONG_GRAM, seed)]
    if len(data) < SHORT_TEXT_BYTES:
        grams.append(byte_grams(data, SHORT_GRAM, seed))
    indices = np.concatenate(grams)
    _, first = np.unique(indices, return_index=True)
    return indices[np.sort(first)]


def byte_grams(data: bytes, length: int, seed: int) -> Indices:
    """The index of each n-gram of this length, in the order of the text."""
    count = len(data) - length + 1
    if count <= 0:
        return np.zeros(0, np.uint32)
    padded = np.frombuffer(data + bytes(8), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 8)[:count]
    values = np.ascontiguousarray(windows).view("<u8").ravel() & np.uint64((1 << 8 * length) - 1)
    values ^= np.uint64((seed + length) & _MASK)
    values *= np.uint64(_FACTOR)
    values ^= values >> np.uint64(29)
    values *= np.uint64(_FACTOR)
    return (values >> np.uint64(_SHIFT)).astype(np.uint32)


def least_index(text: str, seed: int) -> int:
    """The smallest index of the text's n-grams; -1 without any."""
    indices = gram_indices(text, seed)
    return int(indices.min()) if len(indices) else -1


def features(
    texts: tuple[str | None, ...],
    seeds: Sequence[int],
    facts: tuple[int, ...],
    numbers: tuple[float | None, ...],
    number_seeds: "array[int]",
    weights: "array[float] | None" = None,  # the compiled function asks the memory for them
) -> tuple[Indices, Floats]:
    """The indices of an event's features, and what each of them counts: an n-gram the `gram_share` of its text, a fact
    and the step of a number `FACT`, a number's value that much of it; all of it divided by `length`.
    `weights`: those that will be read next."""
    grams = [gram_indices(text, seed) for text, seed in zip(texts, seeds, strict=True) if text]
    square = 0.0
    for indices_of_text in grams:
        square += sqrt(len(indices_of_text))
    divisor = length(square + FACT * FACT * (len(facts) + len(numbers)))
    indices, values = list(facts), [FACT / divisor] * len(facts)
    for number, seed in zip(numbers, number_seeds, strict=True):
        if number is None or not isfinite(number):
            indices.append(index_of(seed - 1))
            values.append(FACT / divisor)
            continue
        value = scaled(number)
        indices += [bucket_index(seed, value), index_of(seed)]
        values += [FACT / divisor, FACT / divisor * value]
    return (
        np.concatenate([*grams, np.array(indices, np.uint32)]),
        np.concatenate(
            [
                *(np.full(len(found), gram_share(len(found)) / divisor, np.float32) for found in grams),
                np.array(values, np.float32),
            ]
        ),
    )


def gram_share(count: int) -> float:
    """What each of a text's n-grams counts, so that the square of its length is the root of their number."""
    return 1 / sqrt(sqrt(count)) if count else 0.0


def length(square: float) -> float:
    """Of a vector with this square; 1 where there is nothing."""
    return sqrt(square) if square else 1.0


def weigh_texts(
    texts: Sequence[str | None], seed: int, weights: "array[float]", sums: "array[float]", squares: "array[float]"
) -> None:
    """Add to each text's sums, one for each arm, those of its n-grams' weights, and to its square what they count."""
    rows = table(weights)
    for place, text in enumerate(texts):
        indices = gram_indices(text, seed) if text else ()
        if len(indices):
            weighed = np.cumsum(rows[indices].astype(np.float64), axis=0)[-1]
            for arm in range(ARMS):
                sums[ARMS * place + arm] += gram_share(len(indices)) * float(weighed[arm])
            squares[place] += sqrt(len(indices))


def weigh_facts(
    indices: tuple[int, ...], weights: "array[float]", sums: "array[float]", squares: "array[float]", place: int
) -> None:
    """Add to the sums at a place, one for each arm, those of these weights, times `FACT`, and to its square what that
    makes of it."""
    for arm in range(ARMS):
        total = 0.0
        for index in indices:
            total += weights[ARMS * index + arm]
        sums[ARMS * place + arm] += FACT * total
    squares[place] += FACT * FACT * len(indices)


def scaled(number: float) -> float:
    """A number on a logarithmic scale, with its sign."""
    return copysign(log1p(abs(number)), number) / 5


def bucket_index(seed: int, value: float) -> int:
    """The index of the step that a scaled number is on."""
    return index_of(bucket_hash(seed, value))


def bucket_hash(seed: int, value: float) -> int:
    """The 64-bit number of the step that a scaled number is on."""
    return seed + 1 + int(value * BUCKETS // 1) & _MASK


def read_numbers(numbers: tuple[float | None, ...], values: "array[float]") -> None:
    """Append numbers as they were read; NaN stands for one that is missing or not finite."""
    for number in numbers:
        read = nan if number is None else float(number)
        values.append(read if isfinite(read) else nan)


def weigh_numbers(
    values: "array[float]",
    seeds: "array[int]",
    weights: "array[float]",
    sums: "array[float]",
    squares: "array[float]",
    place: int,
    shares: "array[float]",
) -> float:
    """The logit at a place: its sums and those of the last numbers read, each by the step that it is on and by its
    scaled value, times `FACT`, over the vector's length; the arms mixed by `shares`."""
    logit = 0.0
    numbers = values[len(values) - len(seeds) :]
    for arm in range(ARMS):
        total = 0.0
        for read, seed in zip(numbers, seeds, strict=True):
            if not isnan(read):
                value = scaled(read)
                total += weights[ARMS * bucket_index(seed, value) + arm] + weights[ARMS * index_of(seed) + arm] * value
            else:
                total += weights[ARMS * index_of(seed - 1) + arm]
        logit += shares[arm] * (sums[ARMS * place + arm] + FACT * total)
    return logit / length(squares[place] + FACT * FACT * len(seeds))


def logits(indices: Indices, values: Floats, weights: "array[float]") -> "array[float]":
    """What each arm says."""
    if not len(indices):
        return array("d", bytes(8 * ARMS))
    products = table(weights)[indices].astype(np.float64) * values.astype(np.float64)[:, None]
    return array("d", np.cumsum(products, axis=0)[-1].tolist())  # one after the other, as a loop adds


def shares(losses: Sequence[float]) -> list[float]:
    """What each arm counts in the mixture: the less, the more it has lost."""
    best, total = min(losses), 0.0
    counts = [exp(best - loss) for loss in losses]
    for count in counts:
        total += count
    return [count / total for count in counts]


def mixed(arm_logits: "array[float]", losses: list[float], certainty: float) -> float:
    """The logit of all arms together. `certainty`: what a logit is multiplied by."""
    logit = 0.0
    for share, arm_logit in zip(shares(losses), arm_logits, strict=True):
        logit += certainty * share * arm_logit
    return logit


def add_losses(losses: list[float], arm_logits: "array[float]", spam: bool, memory: float) -> None:
    """Add to each arm's losses what a label makes of what it said; all before counts `memory` times as much."""
    for arm, logit in enumerate(arm_logits):
        loss = log1p(exp(max(-SATURATED, min(SATURATED, -logit if spam else logit))))
        losses[arm] = losses[arm] * memory + loss


def learn(
    indices: Indices, values: Floats, weights: "array[float]", gradients: "array[float]", rates: "array[float]",
    target: float, push: float, touched: Marks,
) -> "array[float]":  # fmt: skip
    """One step of AdaGrad on the log loss for each arm, towards a probability; `push` multiplies the gradient, and
    `touched` gets a mark at each index. Returns what the arms said before.

    A push below 1 makes that share of the whole step: at an index that has not been seen, the root of the squares would
    make any step as large as any other."""
    touched[indices] = True
    arm_logits = logits(indices, values, weights)
    errors = [sigmoid(logit) - target for logit in arm_logits]
    if len(np.unique(indices)) < len(indices):
        for index, value in zip(indices, values, strict=True):  # where an index comes twice, one after the other
            _step(index[None], value[None], table(weights), table(gradients), rates, errors, push)
    else:
        _step(indices, values, table(weights), table(gradients), rates, errors, push)
    return arm_logits


def _step(
    indices: Indices, values: Floats, weights: Floats, gradients: Floats, rates: "array[float]", errors: list[float],
    push: float,
) -> None:  # fmt: skip
    column = values.astype(np.float64)[:, None]
    steps = (column * np.array([error * push for error in errors])).astype(np.float32)
    whole = (column * np.array([error * max(1.0, push) for error in errors])).astype(np.float32)
    squares = gradients[indices] + whole * whole
    gradients[indices] += steps * steps
    moves = np.frombuffer(rates).astype(np.float32) * steps / np.sqrt(squares + np.float32(START))
    weights[indices] -= moves


def table(flat: "array[float]") -> Floats:
    """The same memory with one row for each index."""
    return np.frombuffer(flat, np.float32).reshape(-1, ARMS)


def sigmoid(logit: float) -> float:
    """The probability of a logit."""
    return 1 / (1 + exp(-max(-SATURATED, min(SATURATED, logit))))
