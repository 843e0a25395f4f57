"""A setting is refused, by name, where it is not what its declaration says."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from engine.limits import PORT, SHARE, at_least, between, check_limits, matching, one_of


@dataclass(frozen=True)
class Declared:
    """One setting of each kind, and one that may be anything."""

    least: Annotated[int, at_least(3, ", above two")] = 3
    within: Annotated[int, between(2, 4)] = 2
    text: Annotated[str, matching("[a-z]{1,3}", "is one to three letters"), one_of("a", "b", "abc")] = "a"
    share: Annotated[float, SHARE] = 1.0
    port: Annotated[int, PORT] = 65_535
    free: int = -1


@pytest.mark.parametrize(
    "changes", [{}, {"within": 4}, {"text": "abc"}, {"share": 0}, {"port": 1}, {"least": 10**9}, {"free": -5}]
)
def test_what_is_within_is_taken(changes: dict[str, Any]) -> None:
    check_limits(Declared(**changes))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"least": 2}, "`x.least` is at least 3, above two, not 2"), ({"within": 1}, "`x.within` is 2 to 4, not 1"),
        ({"within": 5}, "`x.within` is 2 to 4, not 5"), ({"text": "ab"}, "`x.text` is a, b or abc, not 'ab'"),
        ({"text": "abcd"}, "`x.text` is one to three letters, not 'abcd'"),
        ({"share": 1.01}, "`x.share` is a share between 0 and 1, not 1.01"),
        ({"port": 0}, "`x.port` is a port number, not 0"), ({"port": 65_536}, "`x.port` is a port number, not 65536"),
    ],
)  # fmt: skip
def test_what_is_not_is_refused_by_its_name(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match="^" + told.replace("'", ".") + "$"):
        check_limits(Declared(**changes), "x.")
