"""The scores of one event while it is decided: each model is asked at most once."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from engine.core.domain.decisions import Contribution
from engine.core.domain.events import Event
from engine.core.domain.programs import ModelNumbers, Scorer
from engine.core.domain.rules import threshold_of


@dataclass(slots=True)
class Tally:
    """What has happened so far; the caller publishes and resets it."""

    late: int = 0
    skewed: int = 0
    duplicates: int = 0
    conflicting: int = 0
    scored: int = 0
    unknown_scores: int = 0


class Models:
    """The scorers by the names of their models, and their thresholds by the names that rules know these by."""

    def __init__(self, scorers: Mapping[str, Scorer], tally: Tally) -> None:
        self.scorers, self.tally = scorers, tally
        self.thresholds = {threshold_of(name): scorer.threshold for name, scorer in scorers.items()}
        self.answered_by = {name: scorer.answered_by for name, scorer in scorers.items() if scorer.answered_by}

    def threshold(self, name: str, _: ModelNumbers) -> float | None:
        """What a generated `decide` may ask where no model is asked."""
        return self.thresholds.get(name)


class Scoring(msgspec.Struct):
    """What the models say of one event. `scores`: by model; None is unknown. `numbers`: what each was asked with."""

    models: Models
    event: Event
    scores: dict[str, float | None] = {}
    numbers: dict[str, ModelNumbers] = {}

    def ask(self, model: str, numbers: ModelNumbers) -> float | None:
        """What the generated `decide` calls for each model, or threshold, that its rules name."""
        if model in self.scores:
            return self.scores[model]  # the event names several entities: the first reading is scored
        if model in self.models.thresholds:
            threshold = self.scores[model] = self.models.thresholds[model]
            return threshold
        self.numbers[model] = numbers
        identity = self.event.identity or self.event.identify()
        score = self.models.scorers[model].score(self.event.place, identity, numbers)
        if model in self.models.answered_by:  # its challenger was asked before it
            said = self.scores.get(self.models.answered_by[model])
            score = said if said is not None else score
        self.scores[model] = score
        if score is None:
            self.models.tally.unknown_scores += 1
        else:
            self.models.tally.scored += 1
        return score

    def ask_if_known(self, model: str, _: ModelNumbers) -> float | None:
        """The same for a rulebook of before: what has been asked already, as its models may have read other things."""
        return self.scores.get(model, self.models.thresholds.get(model))

    def known(self) -> dict[str, float]:
        """The scores that are known, as decisions tell them."""
        if not self.scores:
            return {}
        scorers = self.models.scorers
        return {name: round(score, 6) for name, score in self.scores.items() if score is not None and name in scorers}

    def features(self) -> dict[str, dict[str, float | None]]:
        """What each model that was asked has read as numbers."""
        if not self.numbers:
            return {}
        scorers, place = self.models.scorers, self.event.place
        return {name: scorers[name].describe(place, numbers) for name, numbers in self.numbers.items()}

    def contributions(self) -> dict[str, list[Contribution]]:
        """What moved each score, where that can be told."""
        scorers, place = self.models.scorers, self.event.place
        parts: dict[str, list[Contribution]] = {}
        for name in self.numbers:
            rival = self.models.answered_by.get(name, name)
            who = rival if self.scores.get(rival) is not None else name
            parts[name] = scorers[who].contributions(place, self.numbers[who])
        return {name: moved for name, moved in parts.items() if moved}
