"""Writes the functions that decide and explain rules: at their user, and once more for those that come back."""

from engine.core.domain.programs import Decider
from engine.core.domain.rules import threshold_of
from engine.rulebook.codegen.clauses import conditions
from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.codegen.explanations import counterfactual, trace, values
from engine.rulebook.codegen.functions import (
    CounterSource,
    Rules,
    ScoreSource,
    Vocabulary,
    compiled,
    function,
)
from engine.rulebook.codegen.readings import from_series
from engine.rulebook.codegen.runtime import RUNTIME
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Ref


class DeciderWriter:
    """Writes and compiles deciders."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._words = vocabulary

    def decider(
        self, event_type: str, rules: Rules, asked: list[str], counter: CounterSource, other: ScoreSource
    ) -> Decider:
        """What decides and explains these rules. `counter`: what reads counters; `asked`: the models to ask; `other`
        reads the scores of the others."""
        namespace = dict(RUNTIME)

        thresholds = {threshold_of(model) for model in self._words.models}

        def ask(scope: Scope, model: str) -> str:
            if model in thresholds:
                return f"ask({model!r}, ())"
            if model not in asked:
                return other(scope, model)
            return f"ask({model!r}, {self._words.numbers(scope, model)})"

        def recall(scope: Scope, model: str) -> str:
            return f"q.get({model!r})" if model in asked or model in thresholds else other(scope, model)

        source = [
            self._decide(self._words.scope(namespace, counter, ask), rules, asked, counter is from_series),
            self._explain(self._words.scope(namespace, counter, recall), rules),
            self._tell(self._words.scope(namespace, counter, recall), rules),
        ]
        for place, model in enumerate(asked):
            scope = self._words.scope(namespace, counter, other)
            source.append(function(f"texts{place}(f)", scope, [f" return {self._words.texts(scope, model)}"]))
        compiled(source, event_type, namespace)
        texts = {model: namespace[f"texts{place}"] for place, model in enumerate(asked)}
        return Decider(namespace["decide"], namespace["explain"], namespace["tell"], texts)

    def _decide(self, scope: Scope, rules: Rules, asked: list[str], together: bool) -> str:
        # The models are asked whether or not a rule gets so far: labels are to find a score for every event.
        with scope.reads.in_order():
            lines = [" hits = []", *self._words.assignments(scope, asked, together)]
            for name in asked:
                score = Ref(span=Span("", 0, 0), type="number", kind="score", target=name, written=f"score.{name}")
                lines.append(scope.assign([score]))
            for index, rule in rules:
                condition = conditions(scope, rule.when, rule.any, rule.unless)
                lines += scope.lines(f" if {condition}: hits.append({index})")
        return function("decide(f, s, now, ask)", scope, [*lines, " return hits"])

    def _explain(self, scope: Scope, rules: Rules) -> str:
        lines = []
        for index, rule in rules:
            traces = [trace(scope, clause, False) for clause in [*rule.when, *rule.any]]
            traces += [trace(scope, clause, True) for clause in rule.unless]
            explanation = (
                f"({' '.join(f'{source},' for source in traces)}), {counterfactual(rule, self._words.counters)!r}"
            )
            lines.append(f" if i == {index}: return {explanation}")
        return function("explain(i, f, s, now, q)", scope, scope.lines(*lines, " return (), None"))

    def _tell(self, scope: Scope, rules: Rules) -> str:
        lines: list[str] = []
        for index, rule in rules:
            if rule.told:
                told = values(scope, rule.told)
                lines += scope.lines(f" if i == {index}: return {told}")
        return function("tell(i, f, s, now, q)", scope, [*lines, " return {}"])
