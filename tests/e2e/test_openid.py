"""Signing in at an OpenID provider of another site, in a real browser: its rules for cookies, and our policy."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from engine.console.store import accounts
from engine.console.store.database import Store
from engine.console.web.app import make_app
from engine.dev.pages import free_port
from tests.console import open_store, settings_of
from tests.e2e.conftest import PATIENCE_MS, check_accessible
from tests.openid import OpenIDProvider
from tests.system import wait_until


@pytest.fixture
def provider() -> Iterator[OpenIDProvider]:
    """On `localhost`: to browsers another site than 127.0.0.1, where the console is."""
    with OpenIDProvider("localhost") as running:
        running.asks = True
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Ann has an account, without a password."""
    opened = open_store(tmp_path)
    with opened.write() as connection:
        accounts.add_account(connection, "ann", "moderator", None, int(time.time() * 1000))
    yield opened
    opened.close()


@pytest.fixture
def address(store: Store, provider: OpenIDProvider) -> Iterator[str]:
    """Of a console without topics."""
    port = free_port()
    app = make_app(settings_of(**provider.settings()), store)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started, "it listens")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
    app.state.console.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Somebody's browser, in which nothing goes wrong."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page, wrong = context.new_page(), list[str]()
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert [one for one in wrong if "status of 403" not in one] == []


def test_the_browser_goes_there_and_comes_back_signed_in(address: str, page: Page, provider: OpenIDProvider) -> None:
    page.goto(f"{address}/decisions?user=u1")
    check_accessible(page)
    page.get_by_role("link", name="Sign in with localhost").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{provider.issuer}/**")
    page.get_by_role("link", name="That is me").click()
    page.wait_for_url(f"{address}/decisions?user=u1")
    expect(page.get_by_role("link", name="ann (moderator)")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{address}/login")


def test_who_may_not_come_in_reads_why(address: str, page: Page, provider: OpenIDProvider) -> None:
    provider.person["preferred_username"] = "eve</p><script>alert(1)</script>"
    page.goto(f"{address}/login")
    page.get_by_role("link", name="Sign in with localhost").click()
    page.get_by_role("link", name="That is me").click()
    expect(page.get_by_role("alert")).to_contain_text("has no account here")
    check_accessible(page)
    provider.person["preferred_username"] = "ann"
    page.get_by_role("link", name="Sign in with localhost").click()
    page.get_by_role("link", name="That is me").click()
    page.wait_for_url(f"{address}/")
