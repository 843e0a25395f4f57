"""The first page."""

from starlette.responses import Response

from engine.console.web.visits import Page, Visit


def show_home(visit: Visit) -> Response:
    """What the engine does right now."""
    return visit.page("home.html")


PAGES = (Page("/", "home", show_home),)
