"""Debian's Chromium, a running system, and people who have signed in by typing."""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from engine.dev.kafka.cluster import KafkaCluster
from engine.dev.system import FOR_GOOD_DAYS
from engine.settings import RETENTION_DAYS
from tests.console import PASSWORD, ConsoleProcess
from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
counters: {posts_1m: {count: post, by: user_id, over: 1m}}
rules:
  flood:
    event: post
    when: [posts_1m > 3]
    then: {limit: posting, for: 1h, needs: review}
    meta: {owner: spam-policy, reason: posting_too_fast}
    tests:
      - {send: {type: post}, times: 4, every: 1s, fires_at: [4]}
"""
EVENTS = 600
HITS = 2 * EVENTS // 5
PATIENCE_MS = 90_000
"""Playwright's own is five seconds for what is expected, which a browser may take to get its turn."""

expect.set_options(timeout=PATIENCE_MS)


def post(number: int, **fields: Any) -> bytes:
    """Five posts of each user, a second apart: the last two are a flood."""
    one = {"event_id": f"e{number}", "type": "post", "user_id": f"u{number // 5}", "ts": START_MS + number * 1_000}
    text = f"some words of number {number}"
    return orjson.dumps({**one, "device_id": f"d{number // 50}", "text": text, **fields})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Skips, and says so in the summary, where it is not installed. It ends with its module: while it is
    there, an event loop runs in this thread (playwright/sync_api/_context_manager.py), and tests can start no other."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("NOT TESTED IN A BROWSER: there is no Chromium (apt-get install chromium)", stacklevel=1)
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"], timeout=PATIENCE_MS)
        yield launched
        launched.close()


class Desk:
    """A console with people at it. `kafka`: the address of Apache Kafka, in place of the embedded broker."""

    def __init__(self, directory: Path, browser: Browser, kafka: str | None = None, **console: Any) -> None:
        (directory / "rules.yaml").write_text(RULES)
        self._browser = browser
        self.system = System(directory, kafka, retention_days=dict.fromkeys(RETENTION_DAYS, FOR_GOOD_DAYS))
        self.system.push_rules(directory / "rules.yaml")
        worker = self.system.start_worker("one")
        self.console = ConsoleProcess(self.system.settings, directory, **console)
        for role in ("viewer", "moderator", "senior", "analyst", "operator", "administrator"):
            self.console.add_user(role, role)
        self.console.add_user("second", "moderator")
        self.console.start()
        wait_until(worker.ready, "it is ready")

    def publish(self, events: list[bytes]) -> None:
        """Events that the worker decides."""
        self.system.publish(events)
        self.system.wait_until_decided()

    @contextmanager
    def person(self, name: str, **options: Any) -> Iterator[Page]:
        """Somebody's browser, signed in. At its end nothing has gone wrong there: no error, nothing that our policy
        forbids, no dialog of an attacker's."""
        context = self._browser.new_context(base_url=self.console.address, **options)
        context.set_default_timeout(PATIENCE_MS)
        page, wrong = context.new_page(), list[str]()
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))

        def refuse(dialog: Dialog) -> None:
            wrong.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on("dialog", refuse)
        page.goto("/login")
        expect(page.get_by_label("Name")).to_be_focused()  # which comes after the page
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/")
        yield page
        context.close()
        assert wrong == []

    def wait_until_followed(self, page: Page, rule: str, hits: int) -> None:
        """Until the console knows so many hits of a rule."""

        def known() -> int:
            answer = page.request.get(f"/api/decisions?rule={rule}&limit=500").json()
            return len(answer["decisions"])

        wait_until(lambda: known() >= hits, "the hits are followed")

    def stop(self) -> None:
        """End everything."""
        self.console.stop()
        self.system.__exit__(None, None, None)


@pytest.fixture
def desk(tmp_path: Path, browser: Browser) -> Iterator[Desk]:
    """On the embedded broker."""
    made = Desk(
        tmp_path, browser, policies=["scam", "hate"], masked_words=["wretch"], golden_share=0.0,
        second_review_share=0.0, undo_s=4,
    )  # fmt: skip
    yield made
    made.stop()


@pytest.fixture
def desk_on_kafka(tmp_path: Path, browser: Browser, kafka: KafkaCluster) -> Iterator[Desk]:
    """On Apache Kafka."""
    made = Desk(tmp_path, browser, kafka.address, undo_s=0)
    yield made
    made.stop()


_WIDER = """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
    [...document.querySelectorAll("main *")].filter((one) => !one.closest(".scroll"))
        .filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML.slice(0, 120))"""
"""What is wider than the window, where that has to be scrolled."""


def check_accessible(page: Page) -> None:
    """axe-core finds nothing, and nothing is wider than the window."""
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == [], page.url
    wide = page.evaluate(_WIDER)
    assert wide == [], page.url
