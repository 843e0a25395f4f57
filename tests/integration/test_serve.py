"""`floodgate serve`: questions over HTTP, real topics, decisions back."""

from collections.abc import Iterator

import pytest

from tests.serving import SURFACES, Serving, event
from tests.system import RULEBOOKS, System


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("serve"), serve={"surfaces": SURFACES}) as made:
        made.push_rules(RULEBOOKS / "surfaces")
        made.start_worker("one")
        made.wait_until_decided()
        yield made


@pytest.fixture(scope="module")
def serving(system: System) -> Iterator[Serving]:
    one = Serving(system)
    yield one
    one.kill()


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
