"""Jinja2 templates: everything is escaped, and a name that is not there is an error."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from engine.console.web.masking import Masker
from engine.console.web.pictures import in_pictures, without_bytes
from engine.core.values.shown import shown

ASSETS = Path(__file__).parent.parent / "assets"

NAVIGATION = (
    ("home", "/", "Overview", "g o"),
    ("queue", "/queue", "Queue", "g q"),
    ("decisions", "/decisions", "Decisions", "g d"),
    ("rules", "/rules", "Rules", "g r"),
    ("lists", "/lists", "Lists", "g l"),
    ("models", "/models", "Models", "g t"),
    ("simulator", "/simulator", "Simulator", "g s"),
    ("moderators", "/moderators", "Moderators", "g m"),
    ("audit", "/audit", "Audit log", "g a"),
)
"""The parts of the console: a route whose access tells who sees it, its path, its title, its keys."""


class Templates:
    """Renders templates by their path, such as queue/case.html. `masked_words`: stand masked in what users wrote;
    `blur_from`: with which score small pictures are blurred."""

    def __init__(self, masked_words: Iterable[str] = (), blur_from: float = 0.0) -> None:
        masker = Masker(masked_words)

        def masked_text(value: Any, most: int | None = None) -> Markup:
            """As `plain_text`, of at most so many characters, with slurs masked."""
            return masker.mask(plain_text(value)[:most])

        environment = Environment(
            loader=PackageLoader("engine.console.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "time": time_element, "day": day_text, "lasts": lasting_text, "count": count_text, "percent": percent_text,
            "plain": plain_text, "masked": masked_text, "sparkline": sparkline,
            "in_pictures": partial(in_pictures, blur_from=blur_from),
            "without_bytes": without_bytes,
        }  # fmt: skip
        environment.globals |= {"asset": asset_url, "navigation": NAVIGATION, "here": is_here}
        self._environment = environment

    def render(self, template: str, **values: Any) -> str:
        """The text of a page."""
        return self._environment.get_template(template).render(**values)


def is_here(visit: Any, path: str) -> bool:
    """Whether a page belongs to a part of the console."""
    place = visit.request.url.path
    return bool(place == path or (path != "/" and place.startswith(f"{path}/")))


def asset_url(name: str) -> str:
    """Where a browser finds an asset; another one after each change."""
    path = ASSETS / name
    version = sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "0"
    return f"/assets/{name}?v={version}"


def time_element(ts: int | None) -> Markup:
    """A time that the browser shows in its reader's zone."""
    if ts is None:
        return Markup("-")
    moment = datetime.fromtimestamp(ts / 1000, UTC)
    return Markup('<time datetime="{}" data-local>{} UTC</time>').format(
        moment.isoformat(timespec="milliseconds"), moment.strftime("%Y-%m-%d %H:%M:%S")
    )


def day_text(ts: int) -> str:
    """A day of UTC, which is the same for every reader."""
    return datetime.fromtimestamp(ts / 1000, UTC).strftime("%Y-%m-%d")


def lasting_text(ms: int) -> str:
    """How long something takes, in whole parts: 2m 35s."""
    left, parts = ms, []
    for name, length_ms in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        number, left = divmod(left, length_ms)
        parts += [f"{number}{name}"] if number else []
    return " ".join(parts) or f"{ms} ms"


def count_text(number: float | None, most: int | None = None) -> str:
    """1234567 as 1,234,567; at a bound that was counted to as 1,000+."""
    if number is None:
        return "-"
    return f"{number:,.0f}{'+' if most is not None and number >= most else ''}"


def percent_text(share: float | None) -> str:
    """.123 as 12.3 %."""
    return "-" if share is None else f"{100 * share:.1f} %"


def plain_text(value: Any) -> str:
    """What an event says, spelt out: characters that nobody sees, or that turn the text around, stand as escapes. What
    is no text stands as in JSON."""
    return shown(json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else str(value))


def sparkline(values: list[float], title: str = "") -> Markup:
    """A small chart without axes. `title`: what it shows, for those who do not see it."""
    high, width, height = max(values, default=0) or 1, 100, 24
    step = width / max(len(values) - 1, 1)
    heights = [height - 1 - value / high * (height - 2) for value in values]
    points = " ".join(f"{place * step:.1f},{at:.1f}" for place, at in enumerate(heights))
    return Markup(
        f'<svg class="sparkline" viewBox="0 0 {width} {height}" role="img" preserveAspectRatio="none">'
        f'<title>{escape(title)}</title><polyline points="{points}"/></svg>'
    )
