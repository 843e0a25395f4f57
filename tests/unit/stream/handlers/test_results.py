"""What is published of an evaluation, and who is named in it."""

import msgspec
import orjson
import pytest
from structlog.testing import capture_logs

from engine.core.domain.decisions import Action, Decision, Hit
from engine.core.evaluation.deciding import Evaluation
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.results import Results
from tests.events import START_MS, routed_event

HIDDEN = msgspec.structs.replace(Settings(), privacy=PrivacySettings(key="k" * 40))
ROUTED = routed_event()


def decision(*, user: str = "ann", acts: bool = True) -> Decision:
    """One rule has held, and acted or not."""
    action = Action("a1", START_MS, "flag", None, "user", user, "e", user, "r", "", None, "", "1", {}, event=5)
    hit = Hit("r", "enforce", "acted" if acts else "cooldown", (), None)
    return Decision(
        "e",
        user,
        START_MS,
        "post",
        "act" if acts else "cooldown",
        (hit,),
        {},
        "1",
        {},
        actions=(action,) if acts else (),
    )


def made(settings: Settings) -> tuple[Results, StateOutcome, Metrics]:
    metrics = Metrics()
    return Results(settings, metrics), StateOutcome(state=PartitionState(MemoryDatabase, 10)), metrics


@pytest.mark.parametrize(
    ("evaluation", "topics"),
    [
        (Evaluation(None), []),
        (Evaluation(None, ROUTED), []),
        (Evaluation(decision()), ["actions", "decisions"]),
        (Evaluation(decision(acts=False)), ["decisions"]),
        (Evaluation(decision(), ROUTED), ["actions"]),
        (Evaluation(decision(acts=False), ROUTED), []),
    ],
    ids=["nothing", "on its way", "acted", "held", "acted, on its way", "held, on its way"],
)
def test_actions_go_out_at_once_and_the_decision_of_what_is_on_its_way_waits(
    evaluation: Evaluation, topics: list[str]
) -> None:
    results, outcome, metrics = made(Settings())
    results.collect(outcome, evaluation)
    results.count()
    assert [one.topic for one in outcome.messages] == topics
    counted = metrics.registry.get_sample_value("floodgate_actions_total", {"rule": "r", "kind": "flag"}) or 0
    assert counted == topics.count("actions")


def test_a_label_finds_the_event_of_an_action() -> None:
    results, outcome, _ = made(Settings())
    results.publish(outcome, decision(), ())
    assert outcome.state is not None
    assert outcome.state.events_of_actions(["a1"]) == {"a1": (5, "e")}
    assert outcome.scored == outcome.changes != []


def test_without_a_state_it_is_published_all_the_same() -> None:
    results, _, _ = made(Settings())
    outcome = StateOutcome()
    results.publish(outcome, decision(), ())
    assert ([one.topic for one in outcome.messages], outcome.scored) == (["actions", "decisions"], [])


@pytest.mark.parametrize(
    ("log_actions", "acts", "lines"), [(True, True, ["acted"]), (True, False, []), (False, True, [])]
)
def test_what_acts_is_a_line_in_the_log_unless_nobody_wants_it(log_actions: bool, acts: bool, lines: list[str]) -> None:
    results, outcome, _ = made(Settings(log_actions=log_actions))
    with capture_logs() as told:
        results.publish(outcome, decision(acts=acts), ())
    assert [one["event"] for one in told] == lines


@pytest.mark.parametrize("settings", [Settings(), HIDDEN], ids=["open", "hidden"])
def test_actions_alone_name_people(settings: Settings) -> None:
    pseudonyms = settings.pseudonyms()
    known = "ann" if pseudonyms is None else pseudonyms.of("ann")
    results, outcome, _ = made(settings)
    results.publish(outcome, decision(user=known), ())
    action, told = outcome.messages
    document = orjson.loads(action.value)
    assert (action.key, document["user_id"], document["target"]["id"]) == (b"ann", "ann", "ann")
    assert (told.key, orjson.loads(told.value)["user_id"]) == (known.encode(), known)
