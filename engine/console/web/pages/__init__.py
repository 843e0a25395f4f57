"""One module for each part of the console, with its routes in `PAGES`."""

from engine.console.web.pages import (
    audit_log,
    backtests,
    breaks,
    decisions,
    deeds,
    exports,
    home,
    lists,
    models,
    moderators,
    openid,
    operations,
    people,
    programs,
    pushing,
    queue,
    queue_programs,
    reevaluations,
    rule_editor,
    rules,
    signing_in,
    simulator,
)
from engine.console.web.visits import Page

_PARTS = (
    signing_in, openid, home, operations, queue, queue_programs, breaks, decisions, reevaluations, exports, deeds,
    people, rule_editor, pushing, rules, backtests, lists, models, simulator, moderators, programs, audit_log,
)  # fmt: skip

PAGES: tuple[Page, ...] = tuple(page for part in _PARTS for page in part.PAGES)
"""All routes. Their names are those of `access.ACCESS`."""
