"""An analyst's way from a decision to a rule that is edited, tested, tried, pushed, and rolled back."""

from playwright.sync_api import expect

from tests.e2e.conftest import EVENTS, HITS, Desk, check_accessible, post
from tests.system import wait_until


def test_from_a_decision_to_a_rule_and_back(desk: Desk) -> None:
    desk.publish([post(number) for number in range(EVENTS)])
    with desk.person("analyst") as page:
        desk.wait_until_followed(page, "flood", HITS)
        page.goto("/decisions?rule=flood")
        page.locator("tbody a").first.click()
        check_accessible(page)
        page.get_by_role("link", name="A rule like this decision").click()
        check_accessible(page)
        page.get_by_role("button", name="Begin a draft with it").click()
        page.wait_for_url("**/rules/edit?draft=*")
        check_accessible(page)
        draft = page.url

        page.locator(".cm-content").click()
        page.keyboard.press("Control+End")
        page.keyboard.type("\nnonsense: 1\n")
        expect(page.locator(".cm-lint-marker-error")).to_be_visible()
        for _ in range(len("nonsense: 1") + 2):
            page.keyboard.press("Backspace")
        expect(page.locator(".cm-lint-marker-error")).to_be_hidden()
        page.get_by_role("button", name="Save the file").click()
        page.goto(draft)
        page.locator("[data-run-tests]").click()
        expect(page.locator("#checked")).to_contain_text("No errors")

        page.get_by_role("button", name="Backtest it").click()
        page.wait_for_url("**/backtests/*")
        expect(page.locator("#job")).to_contain_text(f"{EVENTS} events")
        check_accessible(page)

        page.get_by_role("link", name="What a push would change").click()
        check_accessible(page)
        page.get_by_label("Why").fill("seen in the queue")
        page.get_by_role("button", name="Push it").click()
        page.locator("dialog[open] button.primary").click()
        wait_until(lambda: "seen in the queue" in desk.system.run("rules", "history"), "it is out")

        def is_there() -> bool:
            page.goto("/rules/history")
            return "seen in the queue" in page.locator("tbody").inner_text()

        wait_until(is_there, "the console knows")
        check_accessible(page)
        row = page.locator("tbody tr").last
        row.get_by_label("Why").fill("too much")
        row.get_by_role("button", name="Roll back to it").click()
        page.locator("dialog[open] button.primary").click()
        wait_until(lambda: "too much" in desk.system.run("rules", "history"), "it is back")


def test_a_rule_without_yaml(desk: Desk) -> None:
    with desk.person("analyst") as page:
        wait_until(lambda: "flood" in (page.goto("/rules"), page.content())[1], "the rulebook is known")
        check_accessible(page)
        page.goto("/rules/edit")
        page.get_by_role("button", name="Begin a draft").click()
        page.get_by_text("Add a common rule without writing YAML").click()
        page.get_by_label("Name").fill("many_likes")
        page.get_by_label("On events of type").fill("like")
        page.get_by_label("More than").fill("20")
        page.get_by_role("button", name="Add the rule").click()
        page.wait_for_load_state()
        page.locator("[data-run-tests]").click()
        expect(page.locator("#checked")).to_contain_text("No errors")
        expect(page.locator("#checked")).to_contain_text("2 rules")
