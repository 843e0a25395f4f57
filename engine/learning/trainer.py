"""The one learner of each model. It learns from examples in their order, each exactly once.

What is published carries how far it has learned, in the examples topic and in what examples come from. A trainer
that starts from it therefore continues exactly behind it, and an example that a crash has sent twice is recognised
by the place that it came from.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine.errors import SnapshotError
from engine.learning.labels import Example
from engine.learning.models import LearnedModel, new_learner
from engine.learning.ngrams import HashedNgrams
from engine.learning.snapshots import SnapshotReader, SnapshotWriter, seed_of
from engine.learning.sources import LearnedSources
from engine.learning.waiting import Waiting


class Trainer:
    """Learns every model of the rulebook. Models are created when their first example comes, or restored from a seed:
    what has been published under the name that `seed_of` gives."""

    def __init__(self, followers: Mapping[str, SnapshotReader] | None = None) -> None:
        self.models: dict[str, LearnedModel] = {}
        self._followers = followers if followers is not None else {}
        self.changed: set[str] = set()
        self.unpublished: dict[str, str] = {}  # models that cannot be written, and why
        self.promoted: list[tuple[str, bool]] = []  # whose challengers stand by now, or do not any more
        self._writers: dict[str, SnapshotWriter] = {}

    def restore(self, known: Mapping[str, SnapshotReader]) -> int:
        """Begin from these models, forgetting anything else. Returns the first offset not learned."""
        copies = {name: follower.copy() for name, follower in known.items() if follower.head is not None}
        self.models = {name: model for name, (model, _) in copies.items()}
        self._writers = {name: writer for name, (_, writer) in copies.items()}
        self.changed.clear()
        if any(follower.head is None and follower.outdated is not None for follower in known.values()):
            return 0  # what another version has learned is learned anew, from the first example that there is
        waited = (
            follower.head.waits_from
            for follower in known.values()
            if follower.head is not None and follower.head.waits_from is not None
        )
        return min((*(model.next_offset for model in self.models.values()), *waited), default=0)

    def learn(
        self, example: Example, offset: int, expression: str | None = None, promotes: bool = False,
        surveys: bool = False,
    ) -> bool:  # fmt: skip
        """Learn from the example at an offset of the examples topic; False when it is known already. `expression`: the
        pipeline that the rulebook has for the model; with another one it begins anew; `promotes`: whether the better of
        the model and its challenger is to stand; `surveys`: whether its labels are answers to a survey."""
        model = self.models.get(example.model)
        if model is None:
            model = self._known(example.model, expression)
        elif model.expression != expression and not model.pinned:
            model = self._begun_anew(replace(model, begins=offset, seeded=False), expression)
        if offset < model.next_offset:
            model.read_again(example, offset)
            return False
        model.next_offset = offset + 1
        if not model.sources.take(example.source, example.answered):
            return False
        self.changed.add(example.model)
        if model.pinned or example.moderator in model.quarantined:
            return False
        compared, stands = model.compared.labels, (model.compared.challenger, model.compared.promoted)
        model.surveys = surveys
        model.learn(example)
        if offset < model.command_offset and stands[0] not in (None, model.compared.challenger):
            model.compared.begin(*stands)  # it is learned anew, and this was said of an earlier challenger
        if promotes and model.compared.labels != compared and model.compared.judge():
            self.promoted.append((model.name, model.compared.promoted))
        return True

    def _known(self, name: str, expression: str | None) -> LearnedModel:
        """A model that has not been learned here: as it was published, or new."""
        follower = self._followers.get(name)
        if follower is not None and follower.head is not None:
            self.models[name], self._writers[name] = follower.copy()
        else:
            self.models[name] = model = LearnedModel(name, learner=new_learner(expression))
            for other in self.models.values():  # what has been command_offset holds for all
                model.quarantined |= other.quarantined
                model.command_offset = max(model.command_offset, other.command_offset)
                model.command_sequence = max(model.command_sequence, other.command_sequence)
            if follower is not None and follower.outdated is not None:
                self._writers[name] = SnapshotWriter(number=follower.outdated + 1)
        return self.models[name]

    # -- commands: what people decide, at an offset of the examples topic; what was signed once counts once -------

    def quarantine(self, moderator: str, quarantined: bool, offset: int, sequence: int = 0) -> int | None:
        """From the first example to the last, a moderator's labels count or do not. The offset from which all has to be
        learned again; None when it has been."""
        begins = []
        for model in list(self.models.values()):
            if not self._is_new(model, offset, sequence):
                continue
            model.command_sequence = sequence
            names = model.quarantined | {moderator} if quarantined else model.quarantined - {moderator}
            if model.pinned:  # it stays as it is
                model.quarantined, model.command_offset, model.next_offset = names, offset, offset + 1
                self.changed.add(model.name)
                continue
            anew = self._begun_anew(model, model.expression)
            anew.quarantined, anew.command_offset = names, offset
            begins.append(model.begins)
        return min(begins, default=None)

    def restore_seed(self, name: str, number: int, pinned: bool, offset: int, sequence: int = 0) -> bool:
        """A model goes on from the seed that this publication brings. False while that has not been read."""
        model = self.models.get(name) or self._known(name, None)
        if not self._is_new(model, offset, sequence):
            return True
        seed = self._followers.get(seed_of(name))
        newest = seed.head.publications[-1][0] if seed is not None and seed.head is not None else -1
        if newest < number:
            return False
        model.begins, model.seeded = offset + 1, True
        if newest == number:  # else another one has taken its place, and the model command about that comes later
            model = self._begun_anew(model)
        model.command_offset, model.next_offset, model.pinned = offset, offset + 1, pinned
        model.command_sequence = sequence
        return True

    def pin(self, name: str, pinned: bool, offset: int, sequence: int = 0) -> None:
        """A model stays as it is, or learns again."""
        model = self.models.get(name)
        if model is not None and self._is_new(model, offset, sequence):
            model.pinned, model.command_offset, model.next_offset = pinned, offset, offset + 1
            model.command_sequence, model.waiting = sequence, Waiting(model.waiting.now_ms)  # it waits for nothing
            self.changed.add(name)

    def promote(self, name: str, challenger: str, promoted: bool, offset: int, sequence: int = 0) -> None:
        """A model's challenger stands in its place, or does not any more. Both go on learning."""
        model = self.models.get(name) or self._known(name, None)
        if self._is_new(model, offset, sequence):
            if model.compared.challenger != challenger:
                model.compared.begin(challenger)
            model.compared.promoted = promoted
            model.command_offset, model.next_offset, model.command_sequence = offset, offset + 1, sequence
            self.changed.add(name)

    def _is_new(self, model: LearnedModel, offset: int, sequence: int) -> bool:
        if offset == model.command_offset and model.next_offset <= offset:  # it has learned again all that was before
            model.next_offset = offset + 1
            self.changed.add(model.name)
        return offset > model.command_offset and not 0 < sequence <= model.command_sequence

    def _begun_anew(self, model: LearnedModel, expression: str | None = None) -> LearnedModel:
        """The model as it was before its first example, in the place of this one."""
        name, seed = model.name, self._followers.get(seed_of(model.name))
        if model.seeded and seed is not None and seed.head is not None:
            anew, _ = seed.copy()
            anew.name, anew.waiting = name, Waiting()
            if isinstance(anew.learner, HashedNgrams):
                anew.learner.touch_all()
        else:
            anew = LearnedModel(name, learner=new_learner(expression))
        anew.next_offset = anew.begins = model.begins
        anew.seeded, anew.sources = model.seeded, LearnedSources()
        anew.quarantined, anew.command_offset, anew.pinned = set(model.quarantined), model.command_offset, model.pinned
        anew.command_sequence = model.command_sequence
        anew.compared.begin(model.compared.challenger, model.compared.promoted)  # who stands stays until it is known
        self.models[name] = anew
        self._writers[name] = self._writers.get(name, SnapshotWriter()).anew()
        self.changed.add(name)
        return anew

    # -- publishing -------------------------------------------------------------------------------

    def ready(self) -> bool:
        """Whether there is something to publish, and no model is being learned anew."""
        return bool(self.changed) and all(model.next_offset > model.command_offset for model in self.models.values())

    def publications(self) -> Iterator[tuple[str, bytes]]:
        """Keys and values that tell what has changed since the last call. New models first: where a trainer begins
        again is the earliest offset of the models that there are."""
        changed = sorted(self.changed, key=lambda name: (name in self._writers, name))
        self.changed.clear()
        for name in changed:
            writer = self._writers.setdefault(name, SnapshotWriter())
            try:
                messages = list(writer.publish(self.models[name]))
            except SnapshotError as error:  # what was published last stays in use
                self.unpublished[name] = str(error)
                continue
            self.unpublished.pop(name, None)
            yield from messages
