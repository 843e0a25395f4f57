"""The models as workers have them: followed from the models topic."""

from collections.abc import Mapping

import structlog

from engine.core.domain.rules import Rulebook
from engine.errors import SnapshotError
from engine.learning.models import LearnedModel
from engine.learning.scorers import ModelScorer, scorer
from engine.learning.snapshots import SnapshotReader, seed_of

_log = structlog.stdlib.get_logger("floodgate")

MAX_MODELS = 32
"""Seeds among them. Each is held in memory as a whole, whoever has published it."""

MAX_NAME_CHARS = 200
"""Of a model."""


class FollowedModels:
    """The newest state of each model, as followed from the models topic."""

    def __init__(self) -> None:
        self.followers: dict[str, SnapshotReader] = {}
        self._learned: dict[str, LearnedModel] = {}
        self._declared: frozenset[str] = frozenset()

    def use(self, rulebook: Rulebook) -> None:
        """The models of this rulebook, and their seeds, have their places before all others."""
        self._declared = frozenset(name for model in rulebook.models for name in (model, seed_of(model)))

    def receive(self, key: str, value: bytes) -> LearnedModel | None:
        """A message of the models topic: the model that it completes, if it does. Raises SnapshotError."""
        name = key.partition("/")[0]
        if not 0 < len(name) <= MAX_NAME_CHARS or len(key) > 2 * MAX_NAME_CHARS:
            raise SnapshotError(f"{name[:100]!r} is not the name of a model")
        follower = self.followers.get(name)
        if follower is None:
            if len(self.followers) >= MAX_MODELS and not (name in self._declared and self._make_room()):
                raise SnapshotError(f"there are {MAX_MODELS} models already; {name[:100]!r} would be one more")
            follower = SnapshotReader()
        is_whole = follower.receive(key, value)
        self.followers[name] = follower  # not before: what is refused takes no model's place
        if not is_whole:
            return None
        self._learned[name] = follower.model()
        return self._learned[name]

    def _make_room(self) -> bool:
        """Forget a model that nobody asks for, one that is not whole if there is one; False where all are wanted."""
        undeclared = [name for name in self.followers if name not in self._declared]
        if not undeclared:
            return False
        name = min(undeclared, key=lambda candidate: self.followers[candidate].head is not None)
        del self.followers[name]
        self._learned.pop(name, None)
        return True

    def adopt(self, learned: Mapping[str, LearnedModel]) -> None:
        """Score with models that are still learning, with nothing published in between."""
        self._learned.update(learned)

    def scorers(self, rulebook: Rulebook) -> dict[str, ModelScorer]:
        """A scorer for each model that a rulebook declares."""
        made = {name: scorer(spec, self._learned.get(name)) for name, spec in rulebook.models.items()}
        for name, spec in rulebook.models.items():
            compared = self._learned[name].compared if name in self._learned else None
            if compared is not None and compared.promoted and compared.challenger == spec.challenger in made:
                made[name].let_answer(spec.challenger, made[spec.challenger])
        return made
