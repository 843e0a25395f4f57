"""What the console looks like, for the documentation: taken from a running one with the simulated day in it."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "pictures" / "console"
SCREENS = {
    "light": {"viewport": {"width": 1280, "height": 860}},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 375, "height": 780}},
}
PAGES = {
    "overview": "/", "queue": "/queue", "decisions": "/decisions", "rules": "/rules", "rule": "/rules/copy_paste_ring",
    "lists": "/lists", "models": "/models", "moderators": "/moderators", "simulator": "/simulator", "audit": "/audit",
}  # fmt: skip


def take(address: str, name: str, password: str) -> None:
    """Pictures of each page in light, dark and on a phone. `address`: of a console, such as `make demo` prints."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for screen, options in SCREENS.items():
            page = browser.new_context(base_url=address, **options).new_page()  # type: ignore[arg-type]  # as named there
            page.goto("/login")
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/")
            decision = page.request.get("/api/decisions?rule=copy_paste_ring").json()["decisions"][0]
            pages = {**PAGES, "decision": f"/decisions/{decision['id']}"}
            pages["person"] = f"/people/user_id?value={decision['user_id']}"
            for title, path in pages.items():
                page.goto(path)
                if title == "queue":  # leaving gives a case back, so each screen takes its own
                    page.keyboard.press("n")
                    page.locator("#verdict").wait_for()
                page.locator("main").wait_for()
                page.screenshot(path=PICTURES / f"{title}-{screen}.png")
        browser.close()


if __name__ == "__main__":
    take(*sys.argv[1:4])
