"""A worker is killed while questions are under way: the policy answers, nothing is lost, nothing counts twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.serving import Answered, Serving, event
from tests.system import RULEBOOKS, Oracle, System, wait_until

KINDS = ["payment", "signup"]
SURFACES = {
    "hasty": {"types": KINDS, "timeout_ms": 250, "otherwise": "challenge"},
    "patient": {"types": KINDS, "timeout_ms": 20_000},
}
USERS, EACH = 12, 15


def test_a_worker_killed_while_questions_wait_loses_none_and_counts_none_twice(tmp_path: Path) -> None:
    asked = {
        (kind, number): event(kind, number, f"user-{number % USERS}", amount=1, ip=f"203.0.113.{number % USERS}")
        for number in range(USERS * EACH)
        for kind in KINDS
    }
    with System(tmp_path, serve={"surfaces": SURFACES}) as system, ThreadPoolExecutor(8) as pool:
        system.push_rules(RULEBOOKS / "surfaces")
        worker = system.start_worker("one")
        wait_until(worker.ready, "the worker is ready")
        serving = Serving(system)

        def ask(at: tuple[str, int], surface: str = "patient") -> Answered:
            return serving.ask(surface, asked[at])

        begun = [pool.submit(ask, at, "hasty") for at in asked]
        wait_until(lambda: worker.metric("floodgate_events_total") > len(asked) / 12, "some are decided")
        worker.kill()
        assert system.lag() > 0, "the kill came too late to prove anything"
        first = [one.result().document for one in begun]
        assert {(one["answered"], one.get("why")) for one in first} >= {(True, None), (False, "timeout")}
        assert {one["verdict"] for one in first if not one["answered"]} == {"challenge"}
        worker.restart()
        system.wait_until_decided()
        again = [one.document for one in pool.map(ask, asked)]
        assert all(one["answered"] for one in again)
        for one, later in zip(first, again, strict=True):
            assert not one["answered"] or one | {"surface": "patient"} == later
        serving.kill()
        published = {action["action_id"] for action in system.actions()}
        assert Counter(action["action_id"] for one in again for action in one["actions"]) == Counter(published)
        streamed = [record.value for record in system.read(system.settings.topics.events)]
        assert len(streamed) > len(asked), "no event was asked twice"
        assert published == Oracle(RULEBOOKS / "surfaces", system.settings, dict.fromkeys(streamed)).action_ids
