"""How well near-duplicate keys work on real texts: `python -m benchmarks.near_duplicates EVENTS.jsonl.gz LABELS…`.

False matches: pairs of texts that share a key though less than a fifth of the shorter one's five-letter runs
occur in the other. Recall: of forty copies of one text, each with so many random edits and in disguise, the
share that lies in a group of at least six by one of its keys, which is what a rule with a threshold sees.
"""

import sys
import time
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from random import Random

import orjson

from engine.cli.recordings import read_lines
from engine.keys.text import skeleton, text_keys
from engine.sim.text import disguise

COPIES, GROUP, EDITS = 40, 6, (0, 1, 3, 5)
_WORDS = "amazing great nice best super today here now people easy quick really honestly".split()  # noqa: SIM905


def main(events: Path, labels: Path) -> None:
    """Measure and print."""
    verdicts = {one["event_id"]: one["label"] for one in map(orjson.loads, read_lines(labels))}
    documents = [one for one in map(orjson.loads, read_lines(events)) if one.get("text")]
    ham = [one["text"] for one in documents if verdicts.get(one["event_id"]) == "ham"]
    started = time.process_time()
    keys = [text_keys(text) for text in ham]
    micros = (time.process_time() - started) / len(ham) * 1e6
    matched = [index for index, found in enumerate(keys) if found]
    pairs = _sharing(keys)
    false = sum(_containment(ham[one], ham[other]) < 0.2 for one, other in pairs)
    possible = len(matched) * (len(matched) - 1) // 2
    print(f"{events.parent.name}: {len(ham)} ham texts, {len(matched)} long enough, {micros:.0f} µs each")
    print(f"  pairs that share a key: {len(pairs)}, false: {false}, {false / possible:.1e} of all pairs")
    texts = [one["text"] for one in documents if 40 <= len(one["text"]) <= 400] or [text[:400] for text in ham]
    for edits in EDITS:
        print(f"  recall with {edits} edits and disguise: {_recall(texts, edits):.2f}")


def _sharing(keys: list[tuple[str, ...]]) -> set[tuple[int, int]]:
    groups = defaultdict(list)
    for index, found in enumerate(keys):
        for key in found:
            groups[key].append(index)
    return {pair for group in groups.values() for pair in combinations(group[:80], 2)}


def _containment(one: str, other: str) -> float:
    first, second = (_runs(skeleton(text)) for text in (one, other))
    return len(first & second) / max(1, min(len(first), len(second)))


def _runs(letters: str) -> set[str]:
    return {letters[at : at + 5] for at in range(len(letters) - 4)}


def _recall(texts: list[str], edits: int) -> float:
    rng, found = Random(5), 0.0
    chosen = rng.sample(texts, min(60, len(texts)))
    for text in chosen:
        keys = [text_keys(disguise(rng, _edited(rng, text, edits))) for _ in range(COPIES)]
        groups: dict[str, int] = defaultdict(int)
        for key in (key for some in keys for key in some):
            groups[key] += 1
        found += sum(any(groups[key] >= GROUP for key in some) for some in keys) / COPIES
    return found / len(chosen)


def _edited(rng: Random, text: str, edits: int) -> str:
    words = text.split()
    for _ in range(edits):
        at = rng.randrange(len(words))
        way = rng.randrange(3)
        if way == 0:
            words[at] = rng.choice(_WORDS)
        elif way == 1:
            words.insert(at, rng.choice(_WORDS))
        elif len(words) > 5:
            del words[at]
    return " ".join(words)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
