"""When an evaluation's labels come: so that counters see those, and no others, that the learner is shown."""

from collections.abc import Mapping, Sequence

import orjson

from engine.learning.evaluation import EvaluationCase, Scenario, evaluate
from engine.learning.labels import Example

LabelsBefore = Mapping[str, Sequence[bytes]]
"""Labels, by the id of the event before which they come."""


class _Recorder:
    """A learner that notes what it is shown, and when. It has no opinion."""

    def __init__(self, scenario: Scenario, known: Mapping[str, int]) -> None:
        self.before: dict[str, list[bytes]] = {}
        self._scenario, self._known = scenario, known
        self._shown: list[Example] = []

    def score(self, case: EvaluationCase) -> float:
        """A half. What was shown since the last event comes before this one."""
        if self._shown:
            self.before[case.event_id] = [self._label(example, case.ts_ms) for example in self._shown]
            self._shown = []
        return 0.5

    def learn(self, example: Example) -> None:
        """One label."""
        self._shown.append(example)

    def _label(self, example: Example, now_ms: int) -> bytes:
        own = self._known.get(example.event_id) if self._scenario.delay is None else None
        ts_ms = now_ms if own is None else own
        return orjson.dumps({"event_id": example.event_id, "label": example.verdict, "ts": ts_ms})


def labels_before(cases: Sequence[EvaluationCase], scenario: Scenario) -> LabelsBefore:
    """The labels that a learner is shown in a scenario that does not depend on scores, nor on what is presumed."""
    known = {case.event_id: case.known_ms for case in cases if case.known_ms is not None}
    recorder = _Recorder(scenario, known)
    evaluate(cases, recorder, scenario)
    return recorder.before
