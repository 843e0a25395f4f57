"""`make mutants N=100 SEED=1`: signs of the engine are flipped at random, one at a time; the quick tests should notice.

Each mutant lives in a copy of the tree. First those tests run that run its line; of lines that no test runs, all are
flipped at once and all tests run. What has a compiled twin and survives is tried again by all tests in pure Python.
Survivors are a missing test, or change nothing; those are kept in `tests/mutants/equivalent.txt` and not counted.
"""

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.mutants.places import Mutation, find_mutations
from tests.mutants.trials import SURVIVED, Outcome, Reach, Scratch, mirror_of

PACKAGES = ("core", "rulebook", "stream", "learning", "state")
TWINS = {
    *(f"engine/core/series/{name}.py" for name in ("counts", "distincts", "packing", "recent")),
    *(f"engine/core/values/{name}.py" for name in ("hashing", "identity")),
    "engine/learning/linear.py", "engine/core/kernel.py", "engine/learning/kernel.py",
}  # fmt: skip
"""What serves where nothing was compiled, and what chooses it: tests that hold both equal run it, and in pure Python
all others do."""

EQUIVALENT = Path(__file__).with_name("equivalent.txt")


def main() -> None:
    """Draw, try, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="what the paths of the mutated modules begin with")
    options = parser.parse_args()
    places = [one for one in every_mutation(Path()) if one.path.startswith(options.only)]
    drawn = Random(options.seed).sample(places, min(options.count, len(places)))
    known = read_equivalent(EQUIVALENT.read_text("utf-8"))
    tried = [one for one in drawn if (one.path, one.diff) not in known]
    print(f"{len(places):,} flips are possible; {len(drawn)} drawn, {len(drawn) - len(tried)} known to change nothing",
          flush=True)  # fmt: skip
    with Scratch.of(Path()) as scratch:
        outcomes = _try_all(scratch, tried)
    _tell(tried, outcomes)


def every_mutation(root: Path) -> list[Mutation]:
    """All flips of the engine's Python, in a fixed order."""
    return [
        mutation
        for package in PACKAGES
        for path in sorted((root / "engine" / package).glob("*.py"))
        for mutation in find_mutations(path.relative_to(root).as_posix(), path.read_text("utf-8"))
    ]


def read_equivalent(text: str) -> set[tuple[str, str]]:
    """Path and diff of each flip that changes nothing. Four lines each: the path, the line before, the line after, why.
    Raises ValueError."""
    found = set()
    told = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for block in told.strip().split("\n\n") if told.strip() else []:
        lines = block.strip().split("\n")
        if len(lines) < 4 or lines[1][:2] != "- " or lines[2][:2] != "+ ":
            raise ValueError(f"not a path, a line before, a line after and a reason: {block!r}")
        found.add((lines[0], f"{lines[1]}\n{lines[2]}"))
    return found


def _try_all(scratch: Scratch, tried: list[Mutation]) -> dict[Mutation, Outcome]:
    reach = scratch.reach()
    if reach.failed:
        print(f"not used, because they fail without any flip: {', '.join(reach.failed)}")
    outcomes, unreached = {}, []
    for number, one in enumerate(tried, 1):
        tests = reach.tests_of(one)
        if not tests:
            unreached.append(one)
            continue
        outcomes[one] = _told(f"{number}/{len(tried)}", one, scratch.run([one], tests, reach))
    outcomes |= _try_unreached(scratch, unreached, reach)
    for one in tried:
        if one.path in TWINS and outcomes[one].verdict == SURVIVED:
            everything = reach.ordered(list(reach.seconds), mirror_of(one.path))
            outcomes[one] = _told("pure", one, scratch.run([one], everything, reach, pure=True))
    return outcomes


def _try_unreached(scratch: Scratch, mutations: list[Mutation], reach: Reach) -> dict[Mutation, Outcome]:
    """All at once: they survive together, or each is tried alone."""
    outcomes: dict[Mutation, Outcome] = {}
    everything = reach.ordered(list(reach.seconds), "")
    rest = mutations
    while rest:
        together = list({(one.path, one.line): one for one in rest}.values())
        print(f"{len(together)} whose lines no test was seen to run, all at once", flush=True)
        outcome = scratch.run(together, everything, reach)
        alone = outcome.verdict != SURVIVED and len(together) > 1
        for one in together:
            shared = replace(outcome, tests=0, seconds=outcome.seconds / len(together))
            outcomes[one] = _told("unrun", one, scratch.run([one], everything, reach) if alone else shared)
        rest = [one for one in rest if one not in outcomes]
    return outcomes


def _told(progress: str, mutation: Mutation, outcome: Outcome) -> Outcome:
    """One line for each, as it comes."""
    print(f"{progress:>7} {outcome.verdict:9} {outcome.seconds:6.1f} s {outcome.tests:4} tests  {mutation.where} "
          f"`{mutation.old}` -> `{mutation.new}`  {outcome.by}", flush=True)  # fmt: skip
    return outcome


def _tell(tried: list[Mutation], outcomes: dict[Mutation, Outcome]) -> None:
    """The survivors, and the share of the others."""
    print("\nsurvivors:\n")
    for one in sorted(tried, key=lambda one: (one.path, one.line)):
        if outcomes[one].verdict == SURVIVED:
            print(f"{one.where}{'' if outcomes[one].tests else ' (no test runs it)'}\n{one.diff}\n")
    counts = Counter(outcome.verdict for outcome in outcomes.values())
    seconds = sum(outcome.seconds for outcome in outcomes.values())
    share = 1 - counts[SURVIVED] / max(1, len(tried))
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    print(f"{len(tried)} mutants: {told or 'none'}; {share:.0%} noticed; {seconds / max(1, len(tried)):.1f} s each")


if __name__ == "__main__":
    main()
