"""A candidate: a second version of the engine or of the rules that follows the same events beside the first."""

import re
from collections.abc import Iterable

import msgspec

OWN_TOPICS = ("actions", "decisions", "hops", "dead_letters", "examples", "review", "scores", "replies")
"""What a candidate writes, by our names of the topics; and `models`, where it learns for itself."""

_BESIDE = "-as-"
_NAME = re.compile(r"(?!.*-as-)[A-Za-z0-9_-]{1,40}")


class CandidateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `floodgate worker --as NAME` sets; nobody else does. `name`: the candidate's, empty of all other workers;
    `rules`: the rulebook that it decides by, where that is not the one in use; `learns`: whether it has models of its
    own, which learn from the labels, in the place of those in use."""

    name: str = ""
    rules: str = ""
    learns: bool = False

    def __post_init__(self) -> None:
        """Refuse names that topics and groups cannot have."""
        if self.name and not may_be_called(self.name):
            raise ValueError("a candidate's name is up to 40 letters, digits, _ and -, without -as-")

    def own(self, name: str) -> str:
        """What this candidate has in the place of a topic or a group."""
        return own_name(name, self.name)

    @property
    def own_topics(self) -> tuple[str, ...]:
        """Which topics it has of its own, by our names of them."""
        return (*OWN_TOPICS, "models") if self.learns else OWN_TOPICS

    def raise_if_shared(self, group: str, topics: Iterable[str]) -> None:
        """Raise ValueError unless a group and the topics that the candidate writes are its own."""
        shared = [name for name in (group, *topics) if name != self.own(name)]
        if shared:
            raise ValueError(
                f"a candidate would disturb {', '.join(shared)}: `candidate` is set by `floodgate worker --as` alone"
            )


def may_be_called(name: str) -> bool:
    """Whether a candidate may have this name."""
    return bool(_NAME.fullmatch(name))


def own_name(name: str, candidate: str) -> str:
    """What a candidate has in the place of a topic or a group, also where that was another candidate's before. Of no
    candidate: what such names begin with."""
    return f"{name.split(_BESIDE, maxsplit=1)[0]}{_BESIDE}{candidate}"
