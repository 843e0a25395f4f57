"""All pages: an attacker's event on them, by everybody, in light, dark and on a phone."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page

from engine.console.store.roles import Role
from engine.console.web.access import ACCESS
from engine.console.web.pages import PAGES
from tests.e2e.conftest import Desk, check_accessible, post

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>\"'{{7*7}}\u202e\x1b[2J"
NEED_MORE = (
    "/healthz", "/login", "/live", "/people", "/queue/alike", "/queue/standing", "/rules/like", "/rules/plan",
    "/rules/difference", "/models/quarantine", "/login/openid", "/login/openid/return",
)  # fmt: skip
"""Pages without an account, or of something that their address has to name."""

SCREENS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 375, "height": 800}, "color_scheme": "light"},
}


def own_pages(page: Page) -> list[str]:
    """Pages of each kind, with what an attacker has written on them."""
    decision = page.request.get("/api/decisions?rule=flood").json()["decisions"][0]["id"]
    plain = [
        one.path
        for one in PAGES
        if one.method == "GET" and not one.is_api and not re.search(r"{|\.(csv|parquet|json)$", one.path)
    ]
    return [
        *(path for path in plain if path not in NEED_MORE),
        f"/decisions/{decision}",
        "/rules/flood",
        f"/rules/like?decision={decision}",
    ]


def test_what_an_attacker_writes_runs_nowhere_and_every_page_is_for_everybody(desk: Desk) -> None:
    evil = [post(number, user_id=EVIL, text=EVIL, device_id=EVIL, **{EVIL: EVIL}) for number in range(6)]
    desk.publish([*evil, b"{" + EVIL.encode()])
    for screen, options in SCREENS.items():
        with desk.person("administrator", **options) as page:
            desk.wait_until_followed(page, "flood", 3)
            for path in own_pages(page):
                response = page.goto(path)
                assert response is not None
                assert response.status == 200, path
                check_accessible(page)
            page.goto("/decisions")
            bidi = page.evaluate("getComputedStyle(document.querySelector('main td a')).unicodeBidi")
            assert bidi == "isolate"  # a name that is written from the right turns no date beside it round
            page.get_by_role("link", name=re.compile("onerror")).first.click()
            page.wait_for_selector("[data-graph] canvas, [data-graph] li")
            check_accessible(page)
            assert page.evaluate("document.querySelectorAll('main img, main svg[onload]').length") == 0, screen


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MODERATOR, Role.ANALYST])
def test_each_role_sees_its_own_parts(desk: Desk, role: Role) -> None:
    with desk.person(role) as page:
        shown = {link.get_attribute("href") for link in page.locator("nav a").all()}
        by_path = {one.path: one.name for one in PAGES if one.method == "GET"}
        assert shown
        assert all(role in ACCESS[by_path[path]] for path in shown if path)
        assert ("/queue" in shown) == (role == Role.MODERATOR)
