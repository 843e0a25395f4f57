"""What operators look after: dead letters, what is on its way out."""

from sqlalchemy import select
from starlette.responses import Response

from engine.console.store import outgoing
from engine.console.store.followed import DEAD_LETTERS
from engine.console.store.own import OUTGOING
from engine.console.web.visits import Page, Visit
from engine.errors import RequestError


def show_dead_letters(visit: Visit) -> Response:
    """The newest messages that could not be used."""
    limit, before = visit.limit(), visit.number("before", 0)
    query = select(DEAD_LETTERS).order_by(DEAD_LETTERS.c.id.desc()).limit(limit)
    with visit.store.read() as connection:
        letters = list(connection.execute(query.where(DEAD_LETTERS.c.id < before) if before else query))
    return visit.page("operations/dead_letters.html", letters=letters, limit=limit)


def show_outgoing(visit: Visit) -> Response:
    """What people have decided here, and is not out."""
    states = (outgoing.WAITING, outgoing.SENDING, outgoing.FAILED)
    with visit.store.read() as connection:
        rows = [
            row for state in states
            for row in connection.execute(
                select(OUTGOING).where(OUTGOING.c.state == state).order_by(OUTGOING.c.due_ms).limit(visit.limit())
            )
        ]  # fmt: skip
    return visit.page("operations/outgoing.html", rows=rows)


def retry_outgoing(visit: Visit) -> Response:
    """Let what has failed go out once more, as its reason is mended."""
    identity = visit.text("id", most=64)
    with visit.store.write() as connection:
        if not outgoing.retry(connection, identity, visit.now_ms):
            raise RequestError("only what has failed is sent once more: this has not, or somebody was faster", 409)
        visit.note(connection, "sent once more", f"outgoing:{identity}")
    return visit.see("outgoing", said="It goes out once more.")


PAGES = (
    Page("/dead-letters", "dead_letters", show_dead_letters),
    Page("/outgoing", "outgoing", show_outgoing),
    Page("/outgoing/retry", "outgoing_retry", retry_outgoing, "POST"),
)
