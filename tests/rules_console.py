"""A console whose control topics say what a test wants, and whose checks and jobs run at once."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.testclient import TestClient

from engine.console.following.control import Control, Standing
from engine.console.store import accounts
from engine.console.store.database import Store
from engine.console.trying.checking import Checker, raise_if_large
from engine.console.trying.findings import Checked, check
from engine.console.trying.jobs import DONE, FAILED, Job, Jobs, Work
from engine.console.web.app import make_app
from engine.errors import FloodgateError
from engine.learning.models import LearnedModel
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control.rulebooks import Version
from tests.console import PASSWORD, START_MS, csrf_in, settings_of, token_in

FLOOD = """version: 1
lists:
  banned: {live: true, values: [u0]}
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
rules:
  flood:
    event: post
    when: [posts_1m > 10]
    unless: [user_id in lists.banned]
    then: {suspend: user, for: 1h}
    meta: {owner: safety, reason: too many posts, why: Nobody writes so fast.}
    tests:
      - {send: {type: post}, times: 12, every: 1s, fires_at: [11, 12]}
"""


def version_of(sources: Mapping[str, str], number: int = 1) -> Version:
    """A version that ann has pushed."""
    identity = load_rulebook(sources).id
    return Version(number, f"version/{number}".encode(), identity, "ann", "a note", START_MS + number, dict(sources))


def standing_of(*pushed: Mapping[str, str], **values: Any) -> Standing:
    """What the topic says after these were pushed; the last is in use."""
    versions = tuple(version_of(sources, number) for number, sources in enumerate(pushed, 1))
    rulebook = load_rulebook(versions[-1].sources) if versions else None
    standing = Standing(
        version=versions[-1] if versions else None, rulebook=rulebook, versions=versions, paused={}, promotions={},
        entries={}, stops=(), event_us={"post": 20.0}, changes={},
    )  # fmt: skip
    return replace(standing, **values)


class SaidControl(Control):
    """Says what it was given."""

    def __init__(self, standing: Standing, models: Mapping[str, LearnedModel] | None = None) -> None:
        self.said, self.learned = standing, models or {}

    def standing(self) -> Standing:
        """As given."""
        return self.said

    def models(self) -> Mapping[str, LearnedModel]:
        """As given."""
        return self.learned

    @property
    def problem(self) -> str:
        """There is none."""
        return ""

    def expire(self) -> None:
        """Nothing is read."""


class DirectChecker(Checker):
    """Checks in this process."""

    def check(self, sources: Mapping[str, str]) -> Checked:
        """As the other does."""
        raise_if_large(sources)
        return check(sources)


class DirectJobs(Jobs):
    """Runs jobs at once."""

    def start(self, kind: str, work: Work, task: Mapping[str, Any], about: Mapping[str, Any], author: str) -> Job:
        """Run it to its end."""
        job = Job(f"{kind}-{len(self._jobs)}", kind, about, author, int(time.time() * 1000))
        self._jobs[job.id] = job
        try:
            job.result = work(self._settings, task, lambda done, total, seen: None)
            job.state = DONE
        except FloodgateError as error:
            job.state, job.error = FAILED, str(error)
        return job


def rules_client(
    store: Store, role: str, control: Control, name: str = "", settings: Settings | None = None, **console: Any
) -> TestClient:  # fmt: skip
    """A browser in which somebody of this role has signed in."""
    name = name or role
    with store.write() as connection:
        if accounts.find_account(connection, name) is None:
            accounts.add_account(connection, name, role, PASSWORD, START_MS)
    settings = settings or settings_of(**console)
    app = make_app(settings, store, control, DirectChecker(), DirectJobs(settings))
    client = TestClient(app, follow_redirects=False)
    given = {"name": name, "password": PASSWORD, "token": token_in(client.get("/login").text), "next": ""}
    assert client.post("/login", data=given).status_code == 303
    client.headers["x-csrf-token"] = csrf_in(client.get("/account").text)
    return client
