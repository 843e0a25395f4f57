"""`make pictures`: each page of the console in light, in dark and on a phone, taken from a demonstration."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, expect, sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "pictures" / "console"
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 860}},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 375, "height": 780}},
}
PAGES = {
    "overview": "/", "queue": "/queue", "my-work": "/queue/mine", "moderators": "/moderators",
    "decisions": "/decisions", "rules": "/rules", "rule": "/rules/copy_paste_ring", "history": "/rules/history",
    "backtests": "/backtests", "lists": "/lists", "models": "/models", "simulator": "/simulator",
    "dead-letters": "/dead-letters", "outgoing": "/outgoing", "audit": "/audit", "account": "/account",
}  # fmt: skip
"""What always has the same address."""

_SAYS = re.compile(r"the console: (\S+) \(name (\S+), password (.+)\)")
_STAYS = "the console stays up"
_PATIENCE_MS = 300_000


class Place(NamedTuple):
    """Where a console is, and who may come in."""

    address: str
    name: str
    password: str


@contextmanager
def demonstration() -> Iterator[Place]:
    """The simulated day has run through the engine, and the console is still up."""
    command = [sys.executable, "-m", "engine.cli", "demo", "--console-for", "1h"]
    process, place = subprocess.Popen(command, stdout=subprocess.PIPE, text=True), None
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said = _SAYS.search(line)
            place = Place(*said.groups()) if said is not None else place
            if _STAYS in line and place is not None:
                break
        assert place is not None, "the demonstration told of no console"
        yield place
    finally:
        process.send_signal(signal.SIGINT)  # as by Ctrl-C: it ends all that it has started
        process.wait()


def take() -> None:
    """All pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with demonstration() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        pages = _prepare(_signed_in(browser, place, SCREENS["light"]))
        for screen, options in SCREENS.items():
            _take_login(browser, place, screen, options)
            page = _signed_in(browser, place, options)
            for title, path in pages.items():
                page.goto(path)
                if title == "queue":  # leaving gives a case back, so each screen takes its own
                    page.keyboard.press("n")
                    page.locator("#verdict").wait_for()
                if title == "person":
                    page.locator("[data-graph] canvas, [data-graph] li").first.wait_for()
                page.locator("main").wait_for()
                page.screenshot(path=PICTURES / f"{title}-{screen}.png")
            page.context.close()
        browser.close()


def _take_login(browser: Browser, place: Place, screen: str, options: dict[str, Any]) -> None:
    page = browser.new_context(base_url=place.address, **options).new_page()
    page.goto("/login")
    page.screenshot(path=PICTURES / f"login-{screen}.png")
    page.context.close()


def _signed_in(browser: Browser, place: Place, options: dict[str, Any]) -> Page:
    page = browser.new_context(base_url=place.address, **options).new_page()
    page.goto("/login")
    page.get_by_label("Name").fill(place.name)
    page.get_by_label("Password").fill(place.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    return page


def _prepare(page: Page) -> dict[str, str]:
    """Do what a moderator and an analyst do, so that there is something to see; all pages by their names."""
    decision = page.request.get("/api/decisions?rule=copy_paste_ring").json()["decisions"][0]
    event = page.request.get(f"/api/decisions/{decision['id']}").json()["event"]
    _label_some(page)
    page.goto(f"/rules/like?decision={decision['id']}")
    page.get_by_role("button", name="Begin a draft with it").click()
    page.wait_for_url("**/rules/edit?draft=*")
    editor = page.url
    draft = re.sub(r".*draft=(\d+).*", r"\1", editor)
    page.get_by_role("button", name="Backtest it").click()
    page.wait_for_url("**/backtests/*")
    expect(page.locator("#job")).to_contain_text("labelled", timeout=_PATIENCE_MS)
    backtest = page.url
    page.goto("/simulator")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/simulator/*")
    expect(page.locator("#job")).to_contain_text("What was caught", timeout=_PATIENCE_MS)
    number, user, device = decision["id"], decision["user_id"], event["device_id"]
    return {
        **PAGES, "decision": f"/decisions/{number}", "person": f"/people/user_id?value={user}",
        "device": f"/people/device_id?value={device}", "editor": editor, "like": f"/rules/like?decision={number}",
        "plan": f"/rules/plan?draft={draft}", "backtest": backtest, "simulation": page.url,
    }  # fmt: skip


def _label_some(page: Page) -> None:
    page.goto("/queue")
    page.keyboard.press("n")
    for key in ("s", "h", "s", "s"):
        page.locator("#verdict").wait_for()
        before = page.locator("#verdict").inner_html()
        page.keyboard.press(key)
        page.wait_for_function("(before) => document.querySelector('#verdict')?.innerHTML !== before", arg=before)


if __name__ == "__main__":
    take()
