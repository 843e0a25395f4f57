"""How much moderators do, how often they are right, and how often they agree.

Accuracy is on golden items, whose right answer is known. Agreement between two is Cohen's kappa (1960); of all together
Krippendorff's alpha for nominal data (Content Analysis, 1980): both are 1 where all agree, and 0 where people agree no
more than by chance.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from engine.backtest.comparison import Estimate, estimate
from engine.console.store import offers
from engine.console.store.own import VERDICTS

_LOOKED_AT = 20_000
_DAY_MS = 86_400_000
_MOST_DAYS = 30


class Day(NamedTuple):
    """What somebody did on a day (UTC, its first moment), how much of it was spam, and how long they took for half of
    it at most."""

    ts: int
    verdicts: int
    spam: int
    median_ms: float | None


class Moderator(NamedTuple):
    """One of those who decide. `accuracy`: on golden items, None without any."""

    name: str
    verdicts: int
    spam: int
    median_ms: float | None
    accuracy: Estimate | None
    last_ms: int


def moderators(connection: Connection) -> list[Moderator]:
    """All who have given verdicts of late, by name."""
    by_name: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in _latest(connection):
        by_name[row.account].append(row)
    return [_moderator(name, rows) for name, rows in sorted(by_name.items())]


def throughput(connection: Connection, account: str) -> list[Day]:
    """What somebody did on each of the last days on which they did something, the newest first."""
    by_day: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in _latest(connection, account):
        by_day[row.ts // _DAY_MS * _DAY_MS].append(row)
    newest = sorted(by_day.items(), reverse=True)[:_MOST_DAYS]
    return [Day(day, len(rows), _spam(rows), _median_ms(rows)) for day, rows in newest]


def opinions(connection: Connection) -> dict[str, dict[str, str]]:
    """By event, what each of those has said who were asked about it: of events that more than one was asked about."""
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for row in _latest(connection):
        if row.kind in (offers.FIRST, offers.SECOND, offers.SENIOR):
            said[row.event_id][row.account] = row.label
    return {event_id: labels for event_id, labels in said.items() if len(labels) > 1}


def kappas(said: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], tuple[float | None, int]]:
    """Cohen's kappa of each pair, and on how many events; None where chance alone would have them agree."""
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for labels in said.values():
        for left, right in combinations(sorted(labels), 2):
            pairs[left, right].append((labels[left], labels[right]))
    return {pair: (kappa(both), len(both)) for pair, both in sorted(pairs.items())}


def kappa(both: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa of what two have said of the same things; None where it is not defined."""
    if not both:
        return None
    agreed = sum(left == right for left, right in both) / len(both)
    lefts, rights = Counter(left for left, _ in both), Counter(right for _, right in both)
    by_chance = sum(lefts[label] * rights[label] for label in lefts) / len(both) ** 2
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else None


def alpha(units: Iterable[Sequence[str]]) -> float | None:
    """Krippendorff's alpha of what several have said of each unit; None where it is not defined."""
    coincidences: dict[tuple[str, str], float] = defaultdict(float)
    for labels in units:
        if len(labels) < 2:
            continue
        counts = Counter(labels)
        for left, lefts in counts.items():
            for right, rights in counts.items():
                pairs = lefts * (rights - (left == right))
                coincidences[left, right] += pairs / (len(labels) - 1)
    totals: dict[str, float] = defaultdict(float)
    for (left, _), count in coincidences.items():
        totals[left] += count
    number = sum(totals.values())
    if number <= 1:
        return None
    observed = sum(count for (left, right), count in coincidences.items() if left != right)
    expected = sum(totals[left] * totals[right] for left in totals for right in totals if left != right) / (number - 1)
    return 1 - observed / expected if expected else None


def _latest(connection: Connection, account: str | None = None) -> list[Row[Any]]:
    query = select(VERDICTS).where(VERDICTS.c.undone_ms.is_(None), VERDICTS.c.label != "retracted")
    query = query.where(VERDICTS.c.account == account) if account is not None else query
    order = VERDICTS.c.ts.desc() if account is not None else VERDICTS.c.id.desc()
    return list(connection.execute(query.order_by(order).limit(_LOOKED_AT)))


def _moderator(name: str, rows: Sequence[Row[Any]]) -> Moderator:
    golden = [row for row in rows if row.kind == offers.GOLDEN_ITEM and row.expected is not None]
    right = sum(row.label == row.expected for row in golden)
    return Moderator(
        name=name,
        verdicts=len(rows),
        spam=_spam(rows),
        median_ms=_median_ms(rows),
        accuracy=estimate(right, len(golden)),
        last_ms=max(row.ts for row in rows),
    )


def _spam(rows: Sequence[Row[Any]]) -> int:
    return sum(row.label == "spam" for row in rows)


def _median_ms(rows: Sequence[Row[Any]]) -> float | None:
    took = [row.took_ms for row in rows if row.took_ms is not None]
    return median(took) if took else None
