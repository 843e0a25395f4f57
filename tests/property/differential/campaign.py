"""`python -m tests.property.differential.campaign --cases 100000 --seed 1`: many random rulebooks and streams.

A case is one comparison: of one event, and one clause or rule. The first difference is made small and printed. With
`--as-before` what cannot be read counts as if it were not there, as it did once; without, such differences are counted.
"""

import argparse
import random
import sys
import time
from collections import Counter

from tests.property.differential.making import KINDS, make
from tests.property.differential.running import Case, Difference, run
from tests.property.differential.shrinking import shrink, told


def main() -> None:
    """Run until so many cases are compared, or one differs; exit code 1 when one does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--as-before", action="store_true")
    parser.add_argument("--keep-going", type=int, default=1, metavar="N", help="show so many differing streams")
    parser.add_argument("--kind", choices=KINDS, help="streams of one kind alone")
    options = parser.parse_args()
    sys.exit(campaign(options.cases, options.seed, options.as_before, options.keep_going, options.kind))


def campaign(cases: int, seed: int, as_before: bool, shown: int, kind: str | None = None) -> int:
    """Run and print; the exit code."""
    began, compared, untold, streams, known, told_of = time.monotonic(), 0, 0, 0, 0, 0
    answers: Counter[bool | None] = Counter()
    while compared < cases:
        case = make(random.Random(f"{seed} {streams}"), kind)
        try:
            outcome = run(case)
        except Exception:
            print(f"seed {seed}, stream {streams}:\n{case.rulebook().yaml()}", flush=True)
            raise
        compared, untold, streams = compared + outcome.compared, untold + outcome.untold, streams + 1
        answers.update(outcome.answers)
        known += sum(one.known for one in outcome.differences)
        wrong = [one for one in outcome.differences if not (as_before and one.known)]
        if wrong:
            told_of += 1
            print(f"\nseed {seed}, stream {streams - 1}:\n{smallest(case, wrong, as_before)}", flush=True)
            if told_of == shown:
                break
        if streams % 200 == 0:
            pace = compared / (time.monotonic() - began)
            print(f"{compared:>12,} cases of {streams:,} streams, {pace:,.0f} a second", flush=True)
    print(f"{compared:,} cases of {streams:,} streams in {time.monotonic() - began:.0f} s: "
          f"{told_of} streams differ; {known} answers are as before; of {untold} cases nothing is told; "
          f"{answers[True]:,} true, {answers[False]:,} false, {answers[None]:,} unknown")  # fmt: skip
    return 1 if told_of else 0


def smallest(case: Case, wrong: list[Difference], as_before: bool) -> str:
    """A small case that differs in the same way, for people."""
    known = all(one.known for one in wrong)

    def differs(one: Case) -> Difference | None:
        found = [each for each in run(one).differences if each.known == known or not (as_before or known)]
        return found[0] if found else None

    return told(*shrink(case, differs))


if __name__ == "__main__":
    main()
