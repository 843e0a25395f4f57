"""An event that is settled at its last entity would bring nothing about at its user, so it need not go back."""

from collections import Counter
from pathlib import Path

import orjson
from pytest import MonkeyPatch

from engine.core.domain.events import Event, FieldMapping
from engine.core.evaluation.deciding import Evaluation
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.routing import RoutedEvent
from engine.core.state.entities import EntityRecord
from engine.core.state.records import dump_record
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage, scorer_of
from engine.sim.world import simulate_day
from engine.stream.handlers.messages import arrived_ms, decode_event

RULES = Path(__file__).parents[2] / "rules"
EVENTS = 12_000


def test_whatever_is_settled_would_have_changed_nothing(monkeypatch: MonkeyPatch) -> None:
    """The starter rules, on a part of a simulated day with its attacks; one decision of a hundred is reported."""
    decide, seen = Evaluator.decide_returned, Counter[str]()

    def watched(
        self: Evaluator, routed: RoutedEvent, event: Event, record: EntityRecord, ledger: EntityRecord | None = None
    ) -> Evaluation:
        is_settled, before = self.is_settled(routed), dump_record(record)
        result = decide(self, routed, event, record, ledger)
        if is_settled:
            assert result.decision is None
            assert dump_record(record) == before
        seen["settled" if is_settled else "goes back"] += 1
        return result

    monkeypatch.setattr(Evaluator, "decide_returned", watched)
    rulebook = load_rulebook(RULES)
    stage = ExampleStage(rulebook, {name: scorer_of(spec, None) for name, spec in rulebook.models.items()}, 0.01)
    for simulated in simulate_day(people=300)[:EVENTS]:
        message = orjson.dumps(simulated.event)
        stage.send(decode_event(message, FieldMapping(), 1 << 20, arrived_ms(message)))
    assert seen["settled"] > seen["goes back"] > 1_000
