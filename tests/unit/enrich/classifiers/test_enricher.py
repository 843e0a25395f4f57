"""The enricher `http`, under the kit and with a service that does what it should not."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.enrich.answers import Missing
from engine.enrich.classifiers.enricher import Http
from engine.enrich.enricher import RawEvent
from engine.enrich.running import Running
from engine.enrichment_settings import EnricherSettings
from engine.errors import SettingsError
from engine.testing import EnricherTests
from tests.unit.enrich.classifiers.served import LOOPBACK, Classifier, classifier

ANSWERS = {"spam": "scores.spam", "verdict": {"at": "verdict", "one_of": ["good", "bad"]}}
FOUND = {"spam": 0.25, "verdict": "bad"}


@pytest.fixture
def server() -> Iterator[Classifier]:
    with classifier() as running:
        yield running


def options(server: Classifier, **more: Any) -> dict[str, Any]:
    return {"url": server.url, "allow_networks": LOOPBACK, "send": {"text": "text"}, "answers": ANSWERS, **more}


def asked(given: dict[str, Any], *texts: Any, together: bool = False, **settings: Any) -> list[Any]:
    """What is found in events with these texts, or why nothing is: one after the other, or side by side."""

    async def one(running: Running, number: int, text: Any) -> Any:
        event = RawEvent({"text": text, "card": "4242", "type": "post"}, "post", f"u{number}", f"e{number}")
        try:
            return await running.ask(event) if running.is_about(event) else "not asked"
        except Missing as missing:
            return missing.reason

    async def go() -> list[Any]:
        limits = {"limit_ms": 60_000, "turn_ms": 30_000, "at_once": 64, **settings}
        running = Running("tested", Http(given), EnricherSettings(**limits), 65_536)
        await running.start(1)
        try:
            if together:
                return list(await asyncio.gather(*(one(running, *each) for each in enumerate(texts))))
            return [await one(running, *each) for each in enumerate(texts)]
        finally:
            await running.enricher.stop()

    return asyncio.run(go())


class TestHttp(EnricherTests):
    """What holds of each enricher."""

    kind = Http
    events = (
        {"event_id": "1", "type": "post", "user_id": "u", "text": "buy now", "card": "4242"},
        {"event_id": "2", "type": "post", "user_id": "u", "text": "hello"},
    )
    finds = (FOUND, {"spam": 0.0, "verdict": "good"})

    @pytest.fixture(autouse=True)
    def _ask_server(self, server: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "options", options(server))


def test_nothing_is_sent_but_what_is_declared(server: Classifier, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("Bearer s3cret\n")
    given = options(server, secret_file=str(tmp_path / "key"), send={"text": "text", "kind": "type"})
    assert asked(given, "buy") == [FOUND]
    assert (server.asked, server.headers["Authorization"]) == ([{"text": "buy", "kind": "post"}], "Bearer s3cret")
    assert asked({**options(server, send_all=True), "send": {}}, "buy") == [FOUND]
    assert server.asked[1] == {"text": "buy", "card": "4242", "type": "post"}


def test_the_same_is_asked_once(server: Classifier) -> None:
    assert asked(options(server), "buy", "buy", "buy", together=True) == [FOUND] * 3
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("GARBAGE", "no_json"), ("POISON", "server_error"), ("HUGE", "too_large"), ("ELSEWHERE", "redirected"),
        ("DROP", "not_reached"), ("REFUSED", "refused"), ("ODD", "unexpected_answer"),
    ],
)  # fmt: skip
def test_an_answer_that_says_nothing_says_why(server: Classifier, text: str, reason: str) -> None:
    assert asked(options(server, max_answer_bytes=10_000), text, "buy") == [reason, FOUND]


def test_one_that_hangs_holds_nobody_up(server: Classifier) -> None:
    told = asked(
        options(server),
        *(f"HANG {n}" for n in range(12)),
        "buy",
        together=True,
        limit_ms=60_000,
        turn_ms=2_000,
        at_once=12,
    )
    assert told == ["timeout"] * 12 + [FOUND]
    assert server.most_hanging == 12


def test_nobody_there_and_private_addresses(server: Classifier) -> None:
    assert asked(options(server, allow_networks=[]), "buy") == ["private_address"]
    named = server.url.replace("127.0.0.1", "localhost")
    assert asked(options(server, url=named, allow_networks=[]), "buy") == ["private_address"]
    assert asked(options(server, url="http://127.0.0.1:1/"), "buy") == ["not_reached"]
    assert server.asked == []


def test_what_is_dropped_is_tried_again_as_far_as_the_budget_goes(server: Classifier) -> None:
    assert set(asked(options(server, breaker={"failures": 1_000}), *(f"DROP {n}" for n in range(30)))) == {
        "not_reached"
    }
    assert 40 <= len(server.asked) <= 43  # ten to begin with, and a tenth of what is asked


def test_a_service_that_fails_is_left_alone_until_it_answers(server: Classifier) -> None:
    async def go() -> tuple[list[str], dict[str, Any] | None]:
        enricher = Http(options(server, breaker={"failures": 3, "seconds": 1}, example={"text": "an example"}))
        running = Running("tested", enricher, EnricherSettings(limit_ms=5_000), 65_536)
        await running.start(1)
        server.is_broken = True
        told: list[str] = []
        try:
            while not enricher.is_resting:
                with pytest.raises(Missing) as caught:
                    await running.ask(RawEvent({"text": f"text {len(told)}"}))
                told.append(caught.value.reason)
            before = len(server.asked)
            with pytest.raises(Missing, match="resting"):
                await running.ask(RawEvent({"text": "buy"}))
            assert len(server.asked) == before
            server.is_broken = False
            assert enricher._breaker._looking is not None
            await enricher._breaker._looking
            return told, await running.ask(RawEvent({"text": "buy"}))
        finally:
            await enricher.stop()

    told, found = asyncio.run(go())
    assert (set(told), len(told) >= 3, found) == ({"server_error"}, True, FOUND)
    assert {"text": "an example"} in server.asked


def test_what_people_write_does_not_make_it_left_alone(server: Classifier) -> None:
    told = asked(options(server, breaker={"failures": 3, "seconds": 60}), *(f"POISON {n}" for n in range(20)), "buy")
    assert told == ["server_error"] * 20 + [FOUND]


def test_events_go_together_and_one_that_fails_costs_itself(server: Classifier) -> None:
    given = options(server, batch={"most": 8, "wait_ms": 50, "answers_at": "results"})
    texts = [f"buy {n}" for n in range(7)]
    assert asked(given, *texts, together=True) == [FOUND] * 7
    assert [len(body) for body in server.asked] == [7]
    assert asked(given, *texts, "POISON", together=True) == [FOUND] * 7 + ["server_error"]
    assert asked(given, *texts, "HANG", together=True, turn_ms=2_000) == [FOUND] * 7 + ["timeout"]


def test_so_many_are_asked_about_in_an_hour(server: Classifier) -> None:
    given = options(server, budget={"per_hour": 3, "per_user_hour": 1})
    assert asked(given, *(f"buy {n}" for n in range(5))) == [FOUND] * 3 + ["over_budget"] * 2


def test_only_those_that_a_condition_selects(server: Classifier) -> None:
    given = options(server, only='type == "post" and "buy" in event.text')
    assert asked(given, "buy", "hello", ["buy"]) == [FOUND, "not asked", FOUND]


def test_long_texts_are_cut_and_too_much_is_not_sent(server: Classifier) -> None:
    given = options(server, max_text_chars=20, max_sent_bytes=100)
    nested: Any = "x"
    for _ in range(300):
        nested = [nested]
    assert asked(given, "a" * 5_000 + "z" * 5_000, ["b" * 100], nested)[1:] == ["too_large", "cannot_be_sent"]
    assert server.asked == [{"text": "a" * 10 + "\n" + "z" * 10}]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "ftp://x/"}, "url"), ({"url": "http://"}, "url"), ({"send": {}}, "send"), ({"odd": 1}, "odd"),
        ({"allow_networks": ["10.0.0.0/99"]}, "10.0"), ({"only": "type =="}, "only"),
        ({"only": "posts_1m > 3"}, "only"),
        ({"request": {"a": "$txt"}}, r"\$txt"), ({"request": {"a": "b"}}, "nothing that is sent"),
        ({"prompt_file": "/not/there"}, "prompt_file"), ({"send": {"sent": "text"}}, "sent"),
        ({"ca_file": "/not/there"}, "ca_file"), ({"batch": {"most": 1}}, "most"), ({"budget": {"per_hour": 0}}, "hour"),
        ({"breaker": {"seconds": 0}}, "seconds"), ({"retries": 9}, "retries"),
    ],
)  # fmt: skip
def test_options_that_cannot_work_are_refused(server: Classifier, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Http(options(server, **wrong))


def test_a_secret_that_is_no_header_is_told(server: Classifier, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a\nb")
    with pytest.raises(SettingsError, match="secret_file"):
        asked(options(server, secret_file=str(tmp_path / "key")), "buy")
