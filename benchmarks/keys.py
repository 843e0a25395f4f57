"""What the keys of texts and links cost: `python -m benchmarks.keys`. Ordinary texts, and those that could cost most.

what                       median µs of CPU
"""

import time
from collections.abc import Callable
from statistics import median

from engine.keys.domains import registrable
from engine.keys.text import fingerprints
from engine.keys.urls import url_domains
from tests.corpus_links import HOSTILE

PITCH = "my sister finally lost twenty pounds thanks to these natural drops from the official shop. " * 4
LINKED = "look at https://www.evil.example/offer?id=5 and cheap-pills.example now, friends. " * 4
TEXTS = {
    "300 characters": PITCH[:300],
    "300 characters with links": LINKED[:300],
    "20,000 characters": (PITCH * 60)[:20_000],
    "20,000 characters with links": (LINKED * 70)[:20_000],
    "20,000 ligatures": "\ufdfa" * 20_000,
    "64 KB of blanks": " " * 65_000 + PITCH[:300],
}
EVENTS: dict[str, dict[str, object]] = {
    "9,000 Unicode hosts": {"urls": [f"http://\u0430\u0431{index}.\u0430\u0431" for index in range(9_000)]},
    "60,000 words in urls": {"urls": ["a"] * 60_000},
}
REPEATS = 15


def cost_us(work: Callable[[], object]) -> float:
    """Median CPU time of one call."""
    spent = []
    for _ in range(REPEATS):
        registrable.cache_clear()
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return median(spent) * 1e6


def main() -> None:
    """Print a line for each input."""
    for name, text in TEXTS.items():
        event = {"text": text}
        print(f"{name:32} links {cost_us(lambda event=event: url_domains(event)):9,.0f}", end="")  # type: ignore[misc]  # mypy cannot infer a lambda's default
        print(f"   text keys {cost_us(lambda event=event: fingerprints(event)):9,.0f}")  # type: ignore[misc]  # the same
    for name, many in EVENTS.items():
        print(f"{name:32} links {cost_us(lambda many=many: url_domains(many)):9,.0f}")  # type: ignore[misc]  # the same
    worst = max((cost_us(lambda unit=unit: url_domains({"text": (unit * 65_536)[:65_536]})), unit) for unit in HOSTILE)  # type: ignore[misc]  # the same
    print(f"{f'64 KB of {worst[1]!a}, the worst':32} links {worst[0]:9,.0f}")


if __name__ == "__main__":
    main()
