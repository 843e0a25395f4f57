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
    queue,
    signing_in,
)
from engine.console.web.visits import Page

PAGES: tuple[Page, ...] = (
    *signing_in.PAGES,
    *home.PAGES,
    *operations.PAGES,
    *decisions.PAGES,
    *exports.PAGES,
    *deeds.PAGES,
    *people.PAGES,
    *queue.PAGES,
    *moderators.PAGES,
    *audit_log.PAGES,
)
"""All routes. Their names are those of `access.ACCESS`."""
