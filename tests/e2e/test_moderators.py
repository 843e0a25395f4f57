"""A moderator's hour, by keyboard alone."""

from playwright.sync_api import Page, expect

from tests.e2e.conftest import EVENTS, HITS, Desk, check_accessible, post
from tests.system import wait_until


def begin(page: Page) -> None:
    """To the queue, and the first case."""
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.wait_for_url("**/queue")
    take(page)
    expect(page.locator("#verdict")).to_be_visible()


def take(page: Page) -> None:
    """The next case, if there is one: when this returns, the page listens to keys."""
    with page.expect_navigation():
        page.keyboard.press("n")


def shown(page: Page) -> str:
    """The event that somebody looks at."""
    return page.locator("#verdict [name=event_id]").input_value()


def say(page: Page, key: str) -> str:
    """A verdict by its key, and then the next case; returns the event."""
    event_id = shown(page)
    with page.expect_navigation():
        page.keyboard.press(key)
    expect(page.locator(".toast")).to_contain_text(f"{event_id} is ")
    return event_id


def labels(page: Page) -> dict[str, int]:
    """How many labels of each kind have come back on their topic."""
    counts: dict[str, int] = page.request.get("/api/overview?span=7d").json()["labels"]
    return counts


def test_a_moderators_hour(desk: Desk) -> None:
    desk.publish([post(number) for number in range(EVENTS)])
    with desk.person("moderator") as page, desk.person("second") as other:
        desk.wait_until_followed(page, "flood", HITS)
        begin(page)
        check_accessible(page)
        page.keyboard.press("v")
        expect(page.locator("#event-text")).to_have_class("blurred shown")
        page.keyboard.press("2")
        expect(page.get_by_label("hate")).to_be_checked()
        page.keyboard.press("p")
        expect(page.get_by_label("hate")).to_be_focused()
        page.keyboard.press("0")
        expect(page.get_by_label("none in particular")).to_be_checked()
        begin(other)
        assert shown(other) != shown(page), "two people never have the same"

        said = [say(page, "s" if number % 3 else "h") for number in range(100)]
        assert len(set(said)) == 100
        taken_by_other = shown(other)
        assert taken_by_other not in said

        with page.expect_navigation():
            page.keyboard.press("u")
        expect(page.locator(".said").first).to_have_text("Undone: 1.")
        wait_until(lambda: sum(labels(page).values()) == 99, "99 labels are out, and have come back")

        page.goto("/queue")
        expect(page.locator(".toast button.after")).to_be_visible()
        page.keyboard.press("u")
        page.locator("dialog[open] button.primary").press("Enter")
        expect(page.locator(".said").first).to_contain_text("Retracted: 1.")
        wait_until(lambda: labels(page).get("retracted") == 1, "the retraction is out, and has come back")

        left = shown(page)
        with page.expect_navigation():
            page.keyboard.press("Space")
        with other.expect_navigation():
            other.keyboard.press("s")
        assert left != taken_by_other
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_contain_text("take the next")


def test_those_like_it_are_labelled_together(desk: Desk) -> None:
    copies = [
        post(number, user_id="u", text="Win a phone today, click the link and register now", device_id="d")
        for number in range(8)
    ]
    desk.publish(copies)
    with desk.person("moderator") as page:
        desk.wait_until_followed(page, "flood", 5)
        begin(page)
        with page.expect_navigation():
            page.keyboard.press("b")
        check_accessible(page)
        page.locator("input[name=event]").first.uncheck()
        page.keyboard.press("s")
        page.locator("dialog[open] button.primary").click()
        expect(page.locator(".said").first).to_have_text("Labelled as spam: 6.")
        wait_until(lambda: labels(page) == {"spam": 6}, "the labels are out, and have come back")


def test_who_leaves_gives_the_case_back(desk: Desk) -> None:
    desk.publish([post(number) for number in range(4)])
    with desk.person("moderator") as page, desk.person("second") as other:
        desk.wait_until_followed(page, "flood", 1)
        begin(page)
        assert shown(page) == "e3"
        other.goto("/queue")
        take(other)
        expect(other.locator(".said").first).to_have_text("Nothing waits.")
        page.reload()
        assert shown(page) == "e3", "a reload keeps it"
        page.wait_for_load_state("networkidle")
        take(other)
        expect(other.locator(".said").first).to_have_text("Nothing waits.")
        page.goto("/decisions")

        def is_free() -> bool:
            other.goto("/queue")
            take(other)
            return other.locator("#verdict").count() == 1

        wait_until(is_free, "the other has it")
        assert shown(other) == "e3"


def test_slurs_are_masked_until_somebody_asks(desk: Desk) -> None:
    desk.publish([post(number, text="you wretch") for number in range(4)])
    with desk.person("moderator", viewport={"width": 375, "height": 800}, color_scheme="dark") as page:
        desk.wait_until_followed(page, "flood", 1)
        page.goto("/queue")
        expect(page.get_by_role("region", name="What waits")).to_contain_text("late")
        check_accessible(page)
        page.goto("/decisions")
        begin(page)
        check_accessible(page)
        word = page.locator("#event-text .slur .word")
        expect(word).to_be_hidden()
        page.keyboard.press("m")
        expect(word).to_be_visible()
        page.keyboard.press("m")
        expect(word).to_be_hidden()
        page.keyboard.press("m")
        page.reload()
        expect(word).to_be_hidden()
