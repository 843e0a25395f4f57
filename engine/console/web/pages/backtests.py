"""Backtests of drafts: started, watched, stopped, read."""

from typing import Any

import msgspec
from starlette.datastructures import UploadFile
from starlette.responses import Response

from engine.backtest.comparison import Comparison
from engine.backtest.guard import exceeding
from engine.console.trying.backtests import try_draft
from engine.console.trying.jobs import DONE, Job
from engine.console.web.pages.rule_editor import seen_draft
from engine.console.web.visits import Page, Visit, json_response
from engine.errors import RequestError

KIND = "backtest"
_MOST_HOURS = 24 * 14
_MOST_SAMPLES = 5


def show_backtests(visit: Visit) -> Response:
    """The last backtests."""
    return visit.page("rules/backtests.html", jobs=visit.console.jobs.latest(KIND))


def start_backtest(visit: Visit) -> Response:
    """Try a draft on the last hours of the topic, or on an uploaded file."""
    draft, standing = seen_draft(visit, is_checked=False), visit.console.control.standing()
    checked = visit.console.checker.check(draft.files)
    if checked.rulebook is None:
        raise RequestError(f"the engine finds {len(checked.errors)} errors: mend them first", 409)
    hours, events = visit.number("hours", 24, 1, _MOST_HOURS), _uploaded(visit)
    title = f"Backtest of draft {draft.id}"
    task: dict[str, Any] = {
        "new": dict(draft.files),
        "old": dict(standing.sources) or None,
        "hours": hours,
        "events": events,
        "title": title,
    }
    over = "an uploaded file" if events is not None else f"the last {hours} h"
    about = {"draft": draft.id, "over": over, "rulebook": checked.rulebook, "is_recent": events is None}
    job = visit.console.jobs.start(KIND, try_draft, task, about, visit.person.name)
    with visit.store.write() as connection:
        visit.note(connection, "ran a backtest", f"draft:{draft.id}", over=about["over"])
    return visit.see("backtest", job=job.id)


def show_backtest(visit: Visit) -> Response:
    """One backtest: how far it is, or what came of it."""
    job = visit.console.jobs.get(visit.path["job"])
    template = "rules/backtest_part.html" if visit.is_partial else "rules/backtest.html"
    return visit.page(template, job=job, **_read(job))


def download_report(visit: Visit) -> Response:
    """The report as one HTML page, as `floodgate rules backtest --html` writes it: to keep, not to look at here."""
    job = visit.console.jobs.get(visit.path["job"])
    if job.result is None or "page" not in job.result:
        raise RequestError("this backtest has no report", 404)
    name = f"attachment; filename=backtest-{job.id}.html"
    return Response(job.result["page"], media_type="text/html", headers={"Content-Disposition": name})


def doubt_about(visit: Visit, rulebook: str | None) -> str:
    """Why a rulebook should not be pushed yet: it was not tried on recent events, or it would newly act on a larger
    share than `console.max_newly_share`. Empty: nothing speaks against it."""
    tried = next(
        (job for job in visit.console.jobs.latest(KIND)
         if job.about["rulebook"] == rulebook and job.about["is_recent"] and job.state == DONE), None,
    )  # fmt: skip
    if tried is None:
        return "it has not been tried on recent events as it is now"
    comparison = msgspec.convert(tried.result["comparison"], Comparison)
    most = exceeding(comparison, visit.settings.console.max_newly_share)
    if most is None:
        return ""
    whom = "users" if most.kind == "user" else f"values of {most.kind}"
    return f"it would newly act on {most.newly_count:,} of {most.active:,} {whom}"


def cancel_job(visit: Visit) -> Response:
    """Stop a backtest or a simulation."""
    job = visit.console.jobs.get(visit.path["job"])
    is_stopped = visit.console.jobs.cancel(job.id)
    with visit.store.write() as connection:
        visit.note(connection, f"stopped a {job.kind}", f"job:{job.id}")
    return visit.see(job.kind, job=job.id, said="It is stopped." if is_stopped else "It was over before.")


def list_backtests(visit: Visit) -> Response:
    """The last backtests, as JSON."""
    return json_response(
        {
            "backtests": [
                {**_facts(job), "comparison": job.result["comparison"] if job.result else None}
                for job in visit.console.jobs.latest(KIND)[: visit.limit(10)]
            ]
        }
    )


def _facts(job: Job) -> dict[str, Any]:
    return {"id": job.id, "about": job.about, "author": job.author, "state": job.state, "done": job.done,
            "total": job.total, "started_ms": job.started_ms, "error": job.error}  # fmt: skip


def _read(job: Job) -> dict[str, Any]:
    """What the page shows of a comparison: its document, a chart of the rules that met most, some samples of each."""
    found = job.result["comparison"] if job.result else None
    if found is None:
        return {"found": None, "chart": None, "samples": 0}
    met = sorted((rule for rule in found["rules"] if rule["met"]), key=lambda rule: -rule["met"])[:4]
    steps = max((len(rule["met_by_step"]) for rule in met), default=0)
    times = [found["first_ms"] + step * found["step_ms"] for step in range(steps)]
    chart = {"times": times, "series": [{"name": rule["rule"], "values": rule["met_by_step"]} for rule in met]}
    return {"found": found, "chart": chart, "samples": _MOST_SAMPLES}


def _uploaded(visit: Visit) -> bytes | None:
    """A file of JSON Lines, where one was sent."""
    given = visit.form.get("events")
    if not isinstance(given, UploadFile) or not given.filename:
        return None
    with given.file as file:
        return file.read()


PAGES = (
    Page("/backtests", "backtests", show_backtests),
    Page("/backtests", "backtest_start", start_backtest, "POST"),
    Page("/backtests/{job}", "backtest", show_backtest),
    Page("/backtests/{job}/report", "backtest_report", download_report),
    Page("/backtests/{job}/cancel", "job_cancel", cancel_job, "POST"),
    Page("/api/backtests", "api_backtests", list_backtests, is_api=True, summary="The last backtests"),
)
