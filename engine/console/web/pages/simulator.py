"""The simulator: a draft, or the rulebook in use, on a recorded hour or on the simulated day, to watch."""

from starlette.responses import Response

from engine.console.store import drafts
from engine.console.trying.simulations import CAUGHT_FROM, simulate
from engine.console.web.pages.rule_editor import seen_draft
from engine.console.web.visits import Page, Visit
from engine.errors import RequestError

KIND = "simulation"
_MOST_HOURS = 48


def show_simulator(visit: Visit) -> Response:
    """What can be watched, and the last runs."""
    with visit.store.read() as connection:
        found = drafts.open_drafts(connection)
    return visit.page("simulator/simulator.html", drafts=found, jobs=visit.console.jobs.latest(KIND))


def start_simulation(visit: Visit) -> Response:
    """Run a draft, or the rulebook in use (draft 0)."""
    number, hours = visit.number("draft", 0), visit.number("hours", 0, 0, _MOST_HOURS)
    files = seen_draft(visit, is_checked=False).files if number else visit.console.control.standing().sources
    if not files or visit.console.checker.check(files).rulebook is None:
        raise RequestError("there is no rulebook that can run: mend the draft's errors first", 409)
    over = f"the last {hours} h of events" if hours else "the simulated day"
    about = {"draft": number or None, "over": over}
    task = {"new": dict(files), "hours": hours}
    job = visit.console.jobs.start(KIND, simulate, task, about, visit.person.name)
    return visit.see("simulation", job=job.id)


def show_simulation(visit: Visit) -> Response:
    """One run: how far it is, what came of it, and at its end the verdict."""
    job = visit.console.jobs.get(visit.path["job"])
    template = "simulator/run_part.html" if visit.is_partial else "simulator/run.html"
    return visit.page(template, job=job, seen=job.result or job.seen, caught_from=CAUGHT_FROM)


PAGES = (
    Page("/simulator", "simulator", show_simulator),
    Page("/simulator", "simulator_start", start_simulation, "POST"),
    Page("/simulator/{job}", "simulation", show_simulation),
)
