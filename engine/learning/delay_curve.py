"""How long labels take, as a line of text."""

from engine.core.domain.units import duration_text
from engine.learning.delays import LEAST_MS, MOST_MS, Delays

_SPARKS = "▁▂▃▄▅▆▇█"
_ANY, _ALL = 0.005, 0.995
_TOLD = (0.5, 0.9, 0.99)


def delay_curve(delays: Delays) -> str:
    """The share of labels that has come by a time, which doubles from step to step, and by when most have."""
    if not delays.is_known:
        return "nobody knows how long: there are too few"
    times = [LEAST_MS]
    while times[-1] < MOST_MS:
        times.append(2 * times[-1])
    shares = {ms: delays.come_by(ms) for ms in times}
    last = min(ms for ms in times if shares[ms] >= _ALL)
    seen = {ms: share for ms, share in shares.items() if ms <= last and (share >= _ANY or ms == last)}
    sparks = "".join(_SPARKS[min(len(_SPARKS) - 1, int(share * len(_SPARKS)))] for share in seen.values())
    by = ", ".join(f"{share:.0%} within {_rounded(delays.time_of(share))}" for share in _TOLD)
    return f"{_rounded(min(seen))} {sparks} {_rounded(last)}; {by}"


def _rounded(ms: int) -> str:
    """In two digits."""
    text = str(duration_text(ms))
    unit = text.lstrip("0123456789.e+-")
    return f"{float(text.removesuffix(unit)):.2g}{unit}"
