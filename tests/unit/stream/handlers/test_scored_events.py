"""What models have scored is presumed to be ham, or put up for a look."""

import msgspec
import orjson
import pytest

from engine.core.domain.events import Event
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.entities import EntityRecord
from engine.rulebook.compiler import load_rulebook
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.label_messages import decode_example
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.scored_events import ScoredEvents, Source
from tests.events import START_MS

HIDDEN = PrivacySettings(key="k" * 40)


def kept(topic: int, partition: int, settings: Settings, presume: float = 0.0, after: str = "") -> list[Message]:
    """What is sent when one event has been scored in a batch."""
    learned = f"{{texts: [text], presume: {presume}{after}}}" if presume else "{texts: [text]}"
    rules = f"version: 1\nmodels: {{spam: {learned}}}\n"
    rules += "rules: {r: {event: post, when: [score.spam > 2], then: {flag: x}}}"
    rules_in_use = load_rulebook({"rules.yaml": rules})
    evaluator = Evaluator(rules_in_use, FollowedModels().scorers(rules_in_use))
    event = Event("e", "post", "ann", START_MS, {"text": "hello"})
    pseudonyms = settings.pseudonyms()
    if pseudonyms is not None:
        pseudonyms.conceal(event)
        assert event.user_id != "ann"
    program = rules_in_use.program("post")
    assert program is not None
    evaluator.evaluate(event, program, EntityRecord())
    state = PartitionState(MemoryDatabase, 10)
    outcome = StateOutcome(state=state)
    scored = ScoredEvents(topic, settings, Metrics())
    scored.use(evaluator)
    scored.keep(outcome, evaluator, Source(partition, [(event.identify(), 7)]))
    assert len(outcome.scored) == 1
    return outcome.messages


def test_what_is_presumed_has_a_source_of_its_own_for_each_topic_and_partition() -> None:
    sources = []
    for topic, partition in ((0, 0), (1, 0), (0, 1), (1, 1), (0, 2)):
        (message,) = kept(topic, partition, Settings(review_share=0.0), presume=1.0)
        sources.append(decode_example(message.value, partitions=3).source)
    assert sources == [(-1, 7), (-2, 7), (-3, 7), (-4, 7), (-5, 7)]  # labels have those from 0 on


@pytest.mark.parametrize("privacy", [PrivacySettings(), HIDDEN], ids=["open", "hidden"])
def test_moderators_are_asked_about_the_user_whose_event_it_is(privacy: PrivacySettings) -> None:
    (message,) = kept(0, 0, msgspec.structs.replace(Settings(review_share=1.0), privacy=privacy))
    assert (message.topic, message.key, orjson.loads(message.value)["user_id"]) == ("review", b"ann", "ann")


def test_who_is_waited_for_is_told_to_the_trainer_with_the_time_of_the_event() -> None:
    settings = Settings(review_share=0.0)
    (message,) = kept(0, 0, settings, presume=1.0, after=", presume_after: learned")
    awaited = decode_example(message.value).awaited
    assert awaited is not None
    assert (awaited.event_ms, awaited.due_ms) == (START_MS, START_MS)  # nobody knows how long labels take
    assert awaited.identity == Event("e", "post", "ann", START_MS, {}).identify()
    (message,) = kept(0, 0, settings, presume=1.0)
    assert decode_example(message.value).awaited is None
