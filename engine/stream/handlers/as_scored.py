"""What models saw and said of events, found again for what is known of them now."""

from collections.abc import Iterable

from engine.errors import StateError
from engine.learning.scored import ScoredModel, read_scored
from engine.state.scored import Found, payload_of
from engine.state.store import PartitionState


def scored_models(state: PartitionState, found: Iterable[Found]) -> dict[int, list[ScoredModel] | StateError]:
    """What models saw and said of these events, by identity; an error where that cannot be read."""
    scored: dict[int, list[ScoredModel] | StateError] = {}
    identities_by_block: dict[bytes, list[int]] = {}
    for event in found:
        if not event.is_kept:
            identities_by_block.setdefault(event.block, []).append(event.identity)
    for name, block in state.scored_blocks(identities_by_block).items():
        own = identities_by_block[name]
        try:
            for key, model in read_scored(payload_of(block), own):
                known = scored.setdefault(key, [])
                if isinstance(known, list):
                    known.append(model)
        except StateError as error:
            scored.update(dict.fromkeys(own, error))
    return scored
