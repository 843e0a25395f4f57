"""BG/NBD on purchases from standard input, progressively: its scores. Run by its own interpreter.

The parameters are fitted anew every 30 days, to all that was bought until then. Just after a purchase somebody may have
bought for the last time; else they buy on at a rate of their own. So the chance of another purchase within 90 days is
that of being alive times that of not waiting longer, both given how often and since when they have bought.
"""

import json
import sys
import warnings

import pandas
from lifetimes import BetaGeoFitter

WITHIN_DAYS, EVERY_DAYS = 90.0, 30.0

warnings.simplefilter("ignore")


def fitted(history: dict[str, tuple[int, float, float]], now: float) -> dict[str, float] | None:
    """The parameters, by what is known of each customer: repeats, first and last day."""
    rows = [(repeats, last - first, now - first) for repeats, first, last in history.values() if now > first]
    frame = pandas.DataFrame(rows, columns=["frequency", "recency", "T"])
    for penalty in (0.0, 0.001, 0.01):
        try:
            model = BetaGeoFitter(penalizer_coef=penalty)
            model.fit(frame["frequency"], frame["recency"], frame["T"])
        except Exception:  # it does not converge: a little stricter
            continue
        return {name: float(value) for name, value in model.params_.items()}
    return None


def chance(known: dict[str, float], repeats: int, days: float) -> float:
    """The probability of another purchase, just after one."""
    alive = 1 / (1 + known["a"] / (known["b"] + repeats - 1)) if repeats else 1.0
    silent = ((known["alpha"] + days) / (known["alpha"] + days + WITHIN_DAYS)) ** (known["r"] + repeats)
    return float(alive * (1 - silent))


def main() -> None:
    """Read users and days, write scores."""
    history: dict[str, tuple[int, float, float]] = {}
    known, next_fit, scores = None, None, []
    for user, day in json.load(sys.stdin):
        if next_fit is None:
            next_fit = day + EVERY_DAYS
        if day >= next_fit:
            known, next_fit = fitted(history, day) or known, day + EVERY_DAYS
        repeats, first, _ = history.get(user, (-1, day, day))
        history[user] = repeats + 1, first, day
        scores.append(chance(known, repeats + 1, day - first) if known is not None else 0.5)
    json.dump(scores, sys.stdout)


if __name__ == "__main__":
    main()
