"""`floodgate serve`: questions over HTTP, real topics, decisions back."""

import contextlib
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme

from engine.serve.tokens import new_token
from tests.enriching import EnrichWorker
from tests.serving import SURFACES, Serving, event
from tests.system import RULEBOOKS, System, wait_until
from tests.unit.enrich.classifiers.served import LOOPBACK, classifier

PAGE = Path(__file__).parents[2] / "docs" / "operators" / "serve.md"
HASTY = {"types": ["payment"], "timeout_ms": 3_000, "otherwise": "deny"}

BY_A_CLASSIFIER = """
version: 1
fields: {spam: {type: number, from: enriched.toxic.spam}}
counters: {orders: {count: payment, by: user_id, over: 1h}}
rules:
  spam: {event: payment, when: [spam >= 0.5], then: {suspend: user}}
  third: {event: payment, when: [orders >= 3], then: {review: payments}}
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    own = {"surfaces": {**SURFACES, "hasty": HASTY}}
    with System(tmp_path_factory.mktemp("serve"), serve=own, security={"worker_key": "w" * 40}) as made:
        made.push_rules(RULEBOOKS / "surfaces")
        wait_until(made.start_worker("one").ready, "the worker is ready")
        yield made


@pytest.fixture(scope="module")
def serving(system: System) -> Iterator[Serving]:
    one = Serving(system)
    yield one
    assert one.stop() == 0


def test_a_question_is_answered_by_its_decision(serving: Serving) -> None:
    said = [serving.ask("payment", event("payment", n, "bea", amount=5 + n)).document for n in range(6)]
    assert [one["verdict"] for one in said] == ["allow"] * 3 + ["deny"] * 3  # the fifth rests, and holds as well
    assert all(one["answered"] and one["published"] for one in said)
    assert [one["outcome"] for one in said] == ["none"] * 3 + ["act", "cooldown", "cooldown"]
    (action,) = said[3]["actions"]
    assert (action["kind"], action["scope"], action["rule"]) == ("limit", "paying", "many_payments")
    assert serving.ask("payment", event("payment", 9, "carl", amount=5_000)).document["verdict"] == "review"
    swarm = [serving.ask("signup", event("signup", n, f"new-{n}", ip="203.0.113.9")).document for n in range(5)]
    assert [one["verdict"] for one in swarm] == ["allow"] * 3 + ["deny"] * 2


def test_asked_or_streamed_here_or_there_an_event_counts_once_and_has_one_answer(
    system: System, serving: Serving
) -> None:
    events = [event("payment", n, "dora", amount=n) for n in range(4)]
    streamed, *asked = events
    with ThreadPoolExecutor(6) as pool:
        other = Serving(system, "other")
        system.publish([streamed, asked[0]])
        system.wait_until_decided()
        first = [serving.ask("payment", one).document for one in events]
        assert [one["verdict"] for one in first] == ["allow"] * 3 + ["deny"]
        both = list(pool.map(lambda to: to.ask("payment", events[3]).document, [serving, other] * 3))
        other.kill()
        other.start()
        again = [other.ask("payment", one).document for one in events]
        other.kill()
    assert [first[3]] * 6 == both
    assert again == first
    assert [action["event_id"] for action in system.actions() if action["user_id"] == "dora"] == ["payment-3"]


def test_without_a_decision_in_time_the_policy_answers_and_the_event_counts_all_the_same(
    system: System, serving: Serving
) -> None:
    (worker,) = system.workers
    late = event("payment", 1, "eve", amount=5_000)
    worker.pause()
    try:
        said = serving.ask("hasty", late).document
    finally:
        worker.resume()
    assert said == {
        "event_id": "payment-1", "type": "payment", "surface": "hasty", "verdict": "deny", "answered": False,
        "published": True, "why": "timeout", "hits": [], "actions": [], "scores": {},
    }  # fmt: skip
    found = serving.ask("payment", late).document
    assert (found["verdict"], found["answered"]) == ("review", True)
    assert serving.metric("floodgate_serve_following") == 1


def test_who_waits_is_answered_before_it_stops(system: System) -> None:
    one, (worker,) = Serving(system, "stopping"), system.workers
    worker.pause()
    try:
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(one.ask, "hasty", event("payment", 1, "hugo"))
            wait_until(lambda: one.metric("floodgate_serve_waiting") == 1, "the question waits")
            assert one.stop() == 0
            assert asked.result().document["verdict"] == "deny"
    finally:
        worker.resume()


def test_what_fails_at_an_entity_is_answered_at_once_and_counts_once(tmp_path: Path) -> None:
    with System(tmp_path, serve={"surfaces": SURFACES}) as system:
        system.push_rules(RULEBOOKS / "surfaces")
        wait_until(system.start_worker("one", "fail_visit").ready, "the worker is ready")
        one, bad = Serving(system), event("signup", 1, "gus", ip="192.0.2.66")
        said = [one.ask("signup", bad).document for _ in range(2)]  # far sooner than its twenty seconds, or it would be
        assert {(each["verdict"], each["answered"], each["published"], each["why"]) for each in said} == {
            ("challenge", False, True, "failed")
        }
        assert one.metric("floodgate_serve_seconds_sum") < 15
        assert one.ask("signup", event("signup", 2, "gus", ip="192.0.2.1")).document["verdict"] == "allow"
        dead = [dict(record.headers) for record in system.read(system.settings.topics.dead_letters)]
        assert [(letter["topic"], letter["reason"]) for letter in dead] == [(b"hops", b"evaluation_failed")]
        assert one.stop() == 0


def test_with_enrichers_a_question_goes_through_their_stage(tmp_path: Path) -> None:
    with classifier() as scoring:
        options = {
            "url": scoring.url, "allow_networks": LOOPBACK, "send": {"text": "text"}, "answers": {"spam": "scores.spam"}
        }  # fmt: skip
        toxic = {"kind": "http", "limit_ms": 20_000, "turn_ms": 3_000, "options": options}
        own = {"surfaces": {**SURFACES, "hasty": HASTY}}
        with System(tmp_path, partitions=1, serve=own, enrichment={"enrichers": {"toxic": toxic}}) as system:
            system.publish_rulebook({"rules.yaml": BY_A_CLASSIFIER})
            worker, stage = system.start_worker("engine"), EnrichWorker(system, "enrich")
            try:
                wait_until(lambda: worker.ready() and stage.ready(), "both are ready")
                _ask_through_the_stage(Serving(system), stage)
                stage.stop()
            finally:
                stage.kill()


def _ask_through_the_stage(one: Serving, stage: EnrichWorker) -> None:
    def ask(number: int, text: str, surface: str = "payment") -> dict[str, Any]:
        return one.ask(surface, event("payment", number, "ida", text=text, ts=1_790_000_000_000 + number)).document

    fine, spam = ask(1, "hello"), ask(2, "buy buy buy buy")
    assert (fine["verdict"], fine["answered"]) == ("allow", True)
    assert (spam["verdict"], [hit["rule"] for hit in spam["hits"]]) == ("deny", ["spam"])
    assert ask(2, "buy buy buy buy") == spam  # asked once more, it has counted once
    assert ask(3, "HANG")["verdict"] == "review"  # what the classifier does not say is unknown: the third event counts
    stage.pause()
    try:
        late = ask(4, "good morning", "hasty")
    finally:
        stage.resume()
    assert (late["verdict"], late["published"], late["why"]) == ("deny", True, "timeout")
    found = ask(4, "good morning")
    assert (found["verdict"], found["answered"]) == ("review", True)
    assert one.stop() == 0


def test_tls_tokens_and_what_the_command_prints(system: System, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    for name, blob in (
        ("ca", authority.cert_pem),
        ("cert", issued.cert_chain_pems[0]),
        ("key", issued.private_key_pem),
    ):
        blob.write_to_path(tmp_path / name)
    token, line = new_token("shop", ())
    (tmp_path / "tokens").write_text(line)
    files = {"certificate_file": "cert", "key_file": "key", "tokens_file": "tokens"}
    one = Serving(system, "tls", **{name: str(tmp_path / file) for name, file in files.items()})
    one.trust(str(tmp_path / "ca"))
    assert one.ask("payment", event("payment", 1, "finn")).status == 401
    assert one.ask("payment", event("payment", 1, "finn"), token).document["verdict"] == "allow"
    assert one.stop() == 0
    printed = dict(text.split(":", 1) for text in system.run("serve", "token", "shop", "--surface", "pay").splitlines())
    assert printed["line"].split()[0::2] == ["shop", "pay"]
    assert "verdict" in system.run("serve", "schema")


def test_whoever_does_not_end_the_headers_is_closed(system: System) -> None:
    one = Serving(system, "slow", headers_timeout_s=0.5)
    with socket.create_connection(("127.0.0.1", one.port), timeout=60) as slow:
        slow.sendall(b"POST /v1/ask/payment HTTP/1.1\r\nHost: here\r\n")
        with contextlib.suppress(ConnectionError):
            assert slow.recv(1) == b""
    closed = 'floodgate_serve_connections_closed_total{reason="slow_headers"}'
    wait_until(lambda: one.metric(closed) == 1, "it is counted")
    one.kill()


def test_the_page_for_operators_shows_how_to_ask(serving: Serving) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    shown: dict[str, Any] = {}
    exec(block, shown)  # noqa: S102  # it is ours
    may_go_through, address = shown["may_go_through"], f"http://127.0.0.1:{serving.port}"
    asked = [orjson.loads(event("payment", n, "gail")) for n in range(4)]
    assert [may_go_through(one, "payment", "none", address) for one in asked] == [True, True, True, False]
