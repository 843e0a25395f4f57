"""Outcomes among partitions whose workers die: each is learned once, and is what a recount says."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import pytest

from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.outcomes import Answer, Mark
from engine.core.kernel import hash64
from engine.learning.labels import Example
from engine.learning.scorers import ModelScorer
from engine.learning.sources import LearnedSources
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.noted import MEETING, UNSCORED
from engine.state.store import PartitionState
from engine.state.timers import MEETING_TIMER, TIMER
from engine.stream.handlers.absences import user_of
from engine.stream.handlers.batches import Outcome, StateOutcome
from engine.stream.handlers.erasure import Forget
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.hop_messages import Tick, encode_request, encode_tick
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.label_messages import decode_example
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.outcomes import Outcomes, is_of
from engine.stream.offline.engine import Record

START_MS, MINUTE_MS = 1_760_000_000_000, 60_000
RULES = """
version: 1
outcomes:
  hidden:    {after: impression, is: [hide, report], by: [user_id, target_id], within: 10m}
  installed: {after: click, is: install, by: device_id, within: 10m}
  satisfied: {after: impression, is: answer, by: [user_id, target_id], within: 10m, value: event.stars >= 4, otherwise: unknown}
counters:
  seen:    {count: impression, by: user_id, over: 1h}
  clicked: {count: click, by: device_id, over: 1h}
models:
  negative: {outcome: hidden, numbers: [seen]}
  install:  {outcome: installed, numbers: [clicked]}
  survey:   {outcome: satisfied, numbers: [seen]}
"""  # noqa: E501
WITHIN_MS = 10 * MINUTE_MS
Event = dict[str, Any]


class Partitions:
    """Some partitions with their topics. What is published stays; what is under way is lost in part in a crash."""

    def __init__(self, many: int = 1, rules: str = RULES) -> None:
        self.many, self.rulebook = many, load_rulebook({"r.yaml": rules})
        self.settings, self.metrics = Settings(partitions=many, review_share=0.0), Metrics()
        self.databases = [MemoryDatabase() for _ in range(many)]
        self.logs: dict[tuple[str, int], list[Record]] = {
            (topic, at): [] for topic in ("events", "hops") for at in range(many)
        }
        self.read: Counter[tuple[str, int]] = Counter()
        self.committed: Counter[tuple[str, int]] = Counter()
        self.under_way: list[list[Outcome]] = [[] for _ in range(many)]
        self.examples: list[Example] = []
        self.workers = [self.begin(at) for at in range(many)]

    def begin(self, at: int) -> tuple[EventWorker, HopWorker]:
        """As after a crash."""
        state, place = PartitionState(lambda: self.databases[at], 100), self.place
        events = EventWorker(self.settings, lambda _: state, lambda _: None, self.metrics)
        hops = HopWorker(self.settings, lambda _: state, self.metrics, self.many, place=place)
        scorers = {name: ModelScorer(spec, None) for name, spec in self.rulebook.models.items()}
        for worker in (events, hops):
            worker.use(Evaluator(self.rulebook, scorers))
        return events, hops

    def place(self, key: bytes) -> int:
        return hash64(key.hex()) % self.many

    def send(self, event: Event) -> None:
        key = event["user_id"].encode()
        self._append("events", self.place(key), key, orjson.dumps(event))

    def tell(self, minute: float) -> None:
        for at in range(self.many):
            ts_ms = START_MS + round(minute * MINUTE_MS)
            self._append("hops", at, b"", encode_tick(Tick(at, ts_ms)), ts_ms)

    def _append(self, topic: str, at: int, key: bytes, value: bytes, ts_ms: int | None = None) -> None:
        log = self.logs[topic, at]
        log.append(Record(topic, at, len(log), key, value, ts_ms))

    def waiting(self) -> list[tuple[str, int]]:
        return [place for place, log in self.logs.items() if self.read[place] < len(log)]

    def step(self, place: tuple[str, int], most: int, rng: random.Random | None = None) -> None:
        """One batch of a partition. With a `rng`, it may stay under way with those after it, and its worker may die."""
        topic, at = place
        records = self.logs[place][self.read[place] : self.read[place] + most]
        events, hops = self.workers[at]
        self.under_way[at].append((events if topic == "events" else hops).process(at, records))
        self.read[place] += len(records)
        chance = rng.random() if rng is not None else 1.0
        if rng is not None and chance < 0.3:
            self.crash(at, rng)
        elif chance > 0.6:
            self.store(at, commits=chance > 0.7)

    def store(self, at: int, commits: bool = True) -> None:
        """All that is under way becomes durable; what has been read may be committed later."""
        for outcome in self.under_way[at]:
            self._publish(outcome.messages)
        for outcome in self.under_way[at]:
            self.databases[at].apply(outcome.changes)
            outcome.settle()
        self.under_way[at] = []
        if commits:
            self.committed |= Counter({place: self.read[place] for place in self.logs if place[1] == at})

    def crash(self, at: int, rng: random.Random) -> None:
        """Of what is under way a part has been published or, if all has been, a part has been kept."""
        messages = [message for outcome in self.under_way[at] for message in outcome.messages]
        changes = [change for outcome in self.under_way[at] for change in outcome.changes]
        if rng.random() < 0.5:
            self._publish(messages[: rng.randrange(len(messages) + 1)])
        else:
            self._publish(messages)
            self.databases[at].apply(changes[: rng.randrange(len(changes) + 1)])
        self.under_way[at], self.workers[at] = [], self.begin(at)
        for place in self.logs:
            if place[1] == at:
                self.read[place] = self.committed[place]

    def _publish(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if message.topic == "hops":
                at = message.partition if message.partition is not None else self.place(message.key or b"")
                self._append("hops", at, message.key or b"", message.value)
            elif message.topic == "examples":
                self.examples.append(decode_example(message.value, self.many))

    def run(self) -> None:
        while waiting := self.waiting():
            self.step(waiting[0], 100)

    def run_in_any_order(self, rng: random.Random, crashes: bool) -> None:
        while waiting := self.waiting():
            self.step(rng.choice(waiting), rng.randrange(1, 40), rng if crashes else None)
            if not self.waiting():
                for at in range(self.many):
                    self.store(at)

    def learned(self) -> Iterator[Example]:
        """What the trainer learns."""
        sources: dict[str, LearnedSources] = {}
        for example in self.examples:
            if sources.setdefault(example.model, LearnedSources()).take(example.source, example.answered):
                yield example

    def answers(self) -> dict[str, list[str]]:
        """By model, what has been learned of which events."""
        answers: dict[str, list[str]] = {}
        for example in self.learned():
            answers.setdefault(example.model, []).append(f"{example.event_id} {example.verdict}")
        return {model: sorted(said) for model, said in answers.items()}

    def kept(self, prefix: bytes) -> int:
        return sum(key.startswith(prefix) for database in self.databases for key in database.values)


def event(kind: str, user: str, minute: float, **more: Any) -> Event:
    ts_ms = START_MS + round(minute * MINUTE_MS)
    return {"event_id": f"{kind}-{user}-{minute}", "type": kind, "user_id": user, "ts": ts_ms, **more}


def made_up(seed: int) -> list[Event]:
    """Half an hour, a little out of order, some of it twice."""
    rng, made = random.Random(seed), list[Event]()
    for at in range(400):
        kind = rng.choice(("impression", "impression", "click", "hide", "report", "install", "answer", "other"))
        more = {"target_id": f"t{rng.randrange(4)}", "device_id": f"d{rng.randrange(6)}", "stars": rng.randrange(1, 6)}
        made.append(event(kind, f"u{rng.randrange(8)}", at * 0.075, **more))
    sent = sorted(made, key=lambda one: one["ts"] + rng.randrange(3 * MINUTE_MS))
    return [*sent, *rng.sample(sent, 5)]


def recounted(made: list[Event], after: str, comes: set[str], by: tuple[str, ...]) -> dict[str, str]:
    answers = {}
    events = {one["event_id"]: one for one in made}.values()
    for one in events:
        if one["type"] == after:
            met = [
                other for other in events
                if other["type"] in comes and all(other[name] == one[name] for name in by)
                and one["ts"] < other["ts"] <= one["ts"] + WITHIN_MS
            ]  # fmt: skip
            answers[one["event_id"]] = "spam" if met else "ham"
    return answers


def surveyed(made: list[Event]) -> dict[str, str]:
    answers = {}
    events = sorted({one["event_id"]: one for one in made}.values(), key=lambda one: one["ts"])
    for one in events:
        for other in events:
            same = all(other[name] == one[name] for name in ("user_id", "target_id"))
            in_time = one["ts"] < other["ts"] <= one["ts"] + WITHIN_MS
            if one["type"] == "impression" and other["type"] == "answer" and same and in_time:
                answers[one["event_id"]] = "spam" if other["stars"] >= 4 else "ham"
                break
    return answers


@pytest.mark.parametrize("seed", [*range(6), 1007, 1010, 1016, 1017, 1028, 2026, 2467])
def test_each_outcome_is_learned_once_and_right_though_workers_die(seed: int) -> None:
    made, rng = made_up(seed), random.Random(seed)
    cluster = Partitions(1 + seed % 3)
    for one in made:
        cluster.send(one)
    cluster.run_in_any_order(rng, crashes=seed > 0)
    cluster.tell(120)
    cluster.run_in_any_order(rng, crashes=seed > 0)
    learned = [f"{example.model} {example.event_id}" for example in cluster.learned()]
    assert len(learned) == len(set(learned))
    said = {model: dict(each.split(" ") for each in answers) for model, answers in cluster.answers().items()}
    assert said["negative"] == recounted(made, "impression", {"hide", "report"}, ("user_id", "target_id"))
    assert said["install"] == recounted(made, "click", {"install"}, ("device_id",))
    first = surveyed(made)
    assert said["survey"].keys() == first.keys()
    assert cluster.kept(MEETING) == cluster.kept(UNSCORED) == 0
    cluster.tell(8 * 24 * 60)
    cluster.run()
    assert cluster.kept(TIMER) == cluster.kept(MEETING_TIMER) == 0


@pytest.mark.parametrize("many", [1, 3])
def test_those_that_read_far_ahead_make_nothing_late_where_events_meet(many: int) -> None:
    """After an outage of a day: one partition after the other, and messages to entities last of all."""
    rng, cluster, made = random.Random(many), Partitions(many), list[Event]()
    for at in range(600):
        kind, device = rng.choice(("click", "click", "install")), f"d{rng.randrange(20)}"
        made.append(event(kind, f"u{rng.randrange(30)}", at * 2.4, device_id=device))
    for one in made:
        cluster.send(one)
    for place in [place for place in cluster.waiting() if place[0] == "events"]:
        while place in cluster.waiting():
            cluster.step(place, 50)
            cluster.store(place[1])
    cluster.run()
    for at in range(many):
        cluster.store(at)
    cluster.tell(24 * 60 + 120)
    cluster.run()
    for at in range(many):
        cluster.store(at)
    cluster.run()
    said = dict(each.split(" ") for each in cluster.answers()["install"])
    assert said == recounted(made, "click", {"install"}, ("device_id",))


def test_of_what_too_much_has_come_after_nothing_is_said() -> None:
    """More came than is kept for events that are late: it may have been the one that would have answered."""
    cluster, users = Partitions(2), [f"u{at}" for at in range(9)]
    ahead, behind = (next(user for user in users if cluster.place(user.encode()) == at) for at in (0, 1))
    for at in range(20):
        cluster.send(event("install", ahead, 60 + at, device_id="d"))
    cluster.run()
    for at in (0, 1):
        cluster.store(at)
    for minute in (51, 52.5, 62.5, 75.5):
        cluster.send(event("click", behind, minute, device_id="d"))
    for told in (300, 301):
        cluster.run()
        for at in (0, 1):
            cluster.store(at)
        cluster.tell(told)
    assert cluster.answers()["install"] == [f"click-{behind}-62.5 spam", f"click-{behind}-75.5 spam"]


def test_an_event_that_cannot_meet_takes_along_nothing_that_was_due_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    meet, cluster = Outcomes.meet, Partitions(1)

    def fail(self: Outcomes, outcome: StateOutcome, mark: Mark) -> list[Answer]:
        if mark.ts_ms > START_MS:
            raise RuntimeError("a fault of the engine")
        return meet(self, outcome, mark)

    monkeypatch.setattr(Outcomes, "meet", fail)
    for minute in (0, 60):
        cluster.send(event("click", "ann", minute, device_id="d"))
    for _ in range(2):
        cluster.run()
        cluster.store(0)
    assert cluster.answers()["install"] == ["click-ann-0 ham"]


def run(*sent: Event, until: float = 60, rules: str = RULES) -> Partitions:
    partitions = Partitions(1, rules)
    for one in sent:
        partitions.send(one)
    partitions.run()
    partitions.tell(until)
    partitions.run()
    return partitions


def seen(user: str, minute: float, target: str = "t") -> Event:
    return event("impression", user, minute, target_id=target)


def hidden(user: str, minute: float, target: str = "t") -> Event:
    return event("hide", user, minute, target_id=target)


@pytest.mark.parametrize(
    ("minute", "verdict"),
    [(0.0, "ham"), (0.001, "spam"), (10.0, "spam"), (10.001, "ham")],
    ids=["with it", "after it", "at the end", "behind the end"],
)
def test_what_comes_in_time_says_yes(minute: float, verdict: str) -> None:
    assert run(seen("ann", 0), hidden("ann", minute)).answers()["negative"] == [f"impression-ann-0 {verdict}"]


def test_nothing_is_known_before_the_time_and_the_tolerance_are_over() -> None:
    assert run(seen("ann", 0), until=14).answers() == {}
    assert run(seen("ann", 0), until=14.1).answers()["negative"] == ["impression-ann-0 ham"]


def test_what_comes_early_or_twice_or_for_others_is_told_apart() -> None:
    twice = hidden("ann", 1), seen("ann", 0), hidden("ann", 1), seen("ann", 0)
    assert run(*twice).answers()["negative"] == ["impression-ann-0 spam"]
    assert run(seen("ann", 0), hidden("bob", 1)).answers()["negative"] == ["impression-ann-0 ham"]
    assert run(seen("ann", 0), hidden("ann", 1, "other")).answers()["negative"] == ["impression-ann-0 ham"]


def test_an_event_that_is_too_late_does_not_wait() -> None:
    partitions = run(event("other", "ann", 5, target_id="t"), hidden("ann", 5), seen("ann", 0.9), until=60)
    assert partitions.answers().get("negative") is None
    assert partitions.metrics.outcomes.labels("late")._value.get() == 2  # of two outcomes


def test_the_first_answer_stands() -> None:
    answers = [event("answer", "ann", at, target_id="t", stars=stars) for at, stars in ((1, 2), (2, 5))]
    assert run(seen("ann", 0), *answers).answers()["survey"] == ["impression-ann-0 ham"]
    silent = [event("answer", "ann", 1, target_id="t"), answers[1]]
    assert run(seen("ann", 0), *silent).answers()["survey"] == ["impression-ann-0 spam"]
    assert "survey" not in run(seen("ann", 0)).answers()


def test_one_user_cannot_let_the_state_grow() -> None:
    sent = [seen("ann", 0.001 * at, f"t{at}") for at in range(1_100)]
    partitions = Partitions()
    for one in sent:
        partitions.send(one)
    partitions.run()
    assert partitions.kept(MEETING) == 2 * 999  # for each outcome
    sent = [hidden("eve", 0.001 * at, f"t{at}") for at in range(1_100)]
    partitions = run(*sent, until=0)
    assert partitions.kept(MEETING) == 64
    partitions.tell(30)
    partitions.run()
    assert partitions.kept(MEETING) == partitions.kept(TIMER) == partitions.kept(MEETING_TIMER) == 0


def test_an_outcome_that_is_declared_anew_knows_nothing_of_what_was_before() -> None:
    partitions = Partitions()
    partitions.send(seen("ann", 0))
    partitions.run()
    partitions.rulebook = load_rulebook({"r.yaml": RULES.replace("[hide, report]", "hide")})
    partitions.workers = [partitions.begin(0)]
    for one in (hidden("ann", 1), seen("bob", 2), seen("bob", 9), hidden("bob", 10)):
        partitions.send(one)
    partitions.run()
    partitions.tell(60)
    partitions.run()
    # Nobody watched hides under the new declaration before bob's first impression, nor for certain shortly after.
    assert partitions.answers()["negative"] == ["impression-bob-9 spam"]
    assert partitions.kept(MEETING) == 0


def test_a_user_is_forgotten() -> None:
    partitions = Partitions()
    for one in (seen("ann", 0), seen("bob", 0), event("click", "ann", 0, device_id="d"), hidden("ann", 1, "x")):
        partitions.send(one)
    partitions.send(event("click", "bob", 1, device_id="d"))
    partitions.run()
    kept = partitions.databases[0].values
    keys = [key for key, value in kept.items() if key.startswith(MEETING) and is_of(value, "ann")]
    keys += [key for key, value in kept.items() if key.startswith((TIMER, MEETING_TIMER)) and user_of(value) == "ann"]
    assert len(keys) == 4 + 3
    partitions._append("hops", 0, b"", encode_request(Forget("ann", keys)))
    partitions.run()
    assert not [key for key, value in kept.items() if key.startswith(MEETING) and is_of(value, "ann")]
    partitions.send(event("install", "bob", 2, device_id="d"))
    partitions.run()
    partitions.tell(120)
    partitions.run()
    assert partitions.answers()["install"] == ["click-bob-1 spam"]
    assert partitions.answers()["negative"] == ["impression-bob-0 ham"]


def test_an_answer_waits_for_the_score_of_its_event() -> None:
    partitions = Partitions()
    partitions.send(event("click", "ann", 0, device_id="d"))
    partitions.send(event("install", "ann", 1, device_id="d"))
    partitions.step(("events", 0), 2)
    hops = partitions.logs["hops", 0]
    assert len(hops) == 3  # the click's mark, the click on its way to its device, the install's mark
    partitions.run()
    assert partitions.answers() == {"install": ["click-ann-0 spam"]}
    assert partitions.kept(UNSCORED) == 0


def test_a_damaged_meeting_stops_nothing() -> None:
    partitions = Partitions()
    partitions.send(seen("ann", 0))
    partitions.run()
    kept = partitions.databases[0].values
    kept.update({key: b"\xff" for key in kept if key.startswith(MEETING)})
    partitions.send(seen("ann", 1))
    partitions.run()
    partitions.tell(60)
    partitions.run()
    assert partitions.answers()["negative"] == ["impression-ann-1 ham"]


def test_a_user_is_forgotten_though_others_meet_at_the_same_entity_in_the_same_batch() -> None:
    partitions = Partitions()
    partitions.send(event("click", "ann", 0, device_id="d"))
    partitions.run()
    kept = partitions.databases[0].values
    keys = [key for key, value in kept.items() if key.startswith(MEETING) and is_of(value, "ann")]
    partitions.send(event("click", "bob", 1, device_id="d"))
    partitions.step(("events", 0), 1)  # the mark is under way
    partitions._append("hops", 0, b"", encode_request(Forget("ann", keys)))
    partitions.run()
    meetings = [value for key, value in kept.items() if key.startswith(MEETING)]
    assert [is_of(meeting, "bob") for meeting in meetings] == [True]
    assert not any(is_of(meeting, "ann") for meeting in meetings)


def test_what_came_lately_is_cleared_though_the_last_who_came_is_forgotten() -> None:
    partitions = Partitions()
    for user in ("ann", "bob"):
        partitions.send(event("install", user, 0, device_id="d"))
    partitions.run()
    kept = partitions.databases[0].values
    keys = [key for key, value in kept.items() if key.startswith(MEETING) and is_of(value, "bob")]
    keys += [key for key, value in kept.items() if key.startswith((TIMER, MEETING_TIMER)) and user_of(value) == "bob"]
    partitions._append("hops", 0, b"", encode_request(Forget("bob", keys)))
    partitions.run()
    assert partitions.kept(MEETING) == 1
    partitions.tell(120)
    partitions.run()
    assert partitions.kept(MEETING) == 0


def test_what_waits_through_another_declaration_is_not_answered_by_half() -> None:
    partitions = Partitions()
    partitions.send(seen("ann", 0))
    partitions.run()
    between = RULES.replace("[hide, report]", "report")
    for rules, sent in ((between, seen("bob", 1)), (RULES, hidden("ann", 2))):
        partitions.rulebook = load_rulebook({"r.yaml": rules})
        partitions.workers = [partitions.begin(0)]
        partitions.send(sent)
        partitions.run()
    partitions.tell(60)
    partitions.run()
    assert "impression-ann-0 spam" not in partitions.answers().get("negative", [])


DEEP = RULES + "rules:\n  deep: {event: click, when: [clicked > 0, known(event.meta.x)], then: {flag: deep}}\n"


def test_an_event_that_cannot_travel_takes_no_outcome_of_others_along() -> None:
    partitions = Partitions(1, DEEP)
    partitions.send(seen("ann", 0))
    partitions.send(event("click", "eve", 30, device_id="d", meta={"x": "DEEP"}))
    log = partitions.logs["events", 0]
    log[1] = log[1]._replace(value=(log[1].value or b"").replace(b'"DEEP"', b"[" * 1_000 + b"]" * 1_000))
    partitions.run()
    refused = [partitions.metrics.dead_letters.labels("events", "cannot_travel")._value.get()]
    refused.append(partitions.metrics.dead_letters.labels("hops", "evaluation_failed")._value.get())
    assert sum(refused) <= 1  # how deep is too deep depends on the Python
    partitions.tell(60)
    partitions.run()
    assert partitions.answers()["negative"] == ["impression-ann-0 ham"]


def test_one_user_cannot_fill_the_entity_of_others() -> None:
    sent = [event("click", "eve", 0.001 * at, device_id="d") for at in range(300)]
    partitions = run(*sent, event("click", "ann", 1, device_id="d"), event("install", "ann", 2, device_id="d"))
    assert "click-ann-1 spam" in partitions.answers()["install"]


def test_an_answer_waits_for_no_model_that_never_scores_its_event() -> None:
    rules = RULES.replace("after: impression, is: [hide, report]", "after: [impression, view], is: [hide, report]")
    rules = rules.replace("{outcome: hidden,", "{outcome: hidden, of: impression,")
    partitions = Partitions(1, rules)
    partitions.send(event("view", "ann", 0, target_id="t"))
    partitions.send(seen("ann", 1))
    partitions.send(hidden("ann", 2))
    partitions.run()
    assert partitions.answers()["negative"] == ["impression-ann-1 spam"]
    assert partitions.kept(UNSCORED) == 0


def test_an_answer_under_another_declaration_teaches_nothing() -> None:
    partitions = Partitions()
    partitions.send(seen("ann", 0))
    partitions.send(hidden("ann", 1))
    partitions.step(("events", 0), 2)
    assert len(partitions.logs["hops", 0]) == 1  # the answer is under way
    partitions.rulebook = load_rulebook({"r.yaml": RULES.replace("[hide, report]", "report")})
    partitions.workers = [partitions.begin(0)]
    partitions.run()
    partitions.tell(60)
    partitions.run()
    assert partitions.answers() == {}
    assert partitions.kept(UNSCORED) == 0
