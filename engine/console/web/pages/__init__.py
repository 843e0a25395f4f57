"""One module for each part of the console, with its routes in `PAGES`."""

from engine.console.web.pages import (
    audit_log,
    decisions,
    deeds,
    exports,
    home,
    moderators,
    operations,
    people,
    programs,
    queue,
    reevaluations,
    signing_in,
)
from engine.console.web.visits import Page

_PARTS = (
    signing_in, home, operations, queue, decisions, reevaluations, exports, deeds, people, moderators, programs,
    audit_log,
)  # fmt: skip

PAGES: tuple[Page, ...] = tuple(page for part in _PARTS for page in part.PAGES)
"""All routes. Their names are those of `access.ACCESS`."""
