"""An operator who pauses a rule and revokes an action; on the embedded broker and on Apache Kafka."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Desk, check_accessible, post
from tests.system import wait_until


@pytest.mark.parametrize("where", ["desk", "desk_on_kafka"])
def test_a_rule_is_paused_and_an_action_revoked(where: str, request: pytest.FixtureRequest) -> None:
    desk: Desk = request.getfixturevalue(where)
    desk.publish([post(number) for number in range(20)])
    with desk.person("operator") as page:
        desk.wait_until_followed(page, "flood", 8)
        page.goto("/")
        page.get_by_role("link", name="flood", exact=True).first.click()
        wait_until(lambda: (page.reload(), page.get_by_label("Why").count())[1], "the rule is known")
        check_accessible(page)
        page.get_by_label("Why").fill("it meets too many")
        page.get_by_role("button", name="Pause it").click()
        page.locator("dialog[open] button.primary").click()
        wait_until(lambda: "paused rule: flood, by operator" in desk.system.status(), "it is paused")

        page.goto("/decisions?outcome=act")
        page.locator("tbody a").first.click()
        page.get_by_label("Why").first.fill("a mistake")
        page.get_by_role("button", name="Revoke").click()
        page.locator("dialog[open] button.primary").click()
        wait_until(lambda: any(one["kind"] == "revoke" for one in desk.system.actions()), "it is revoked")

        def is_told() -> bool:
            page.reload()
            return "revoked by operator" in page.content()

        wait_until(is_told, "the page says so")
        expect(page.get_by_role("button", name="Spam")).to_have_count(0)
