"""What is prepared once for the functions that look for something fixed in a text: compiled patterns, lists."""

from collections.abc import Callable
from typing import Any

from engine.keys.keywords import unmasked
from engine.keys.measures import counting, extracting, sharing
from engine.keys.phrases import Phrases
from engine.rulebook.language.nodes import Call, Expr, Search
from engine.rulebook.sections.declarations import Fold

PhrasesOf = Callable[[str, Fold | None, bool], Phrases]
"""Gives the entries of the list of a name, folded as the texts are in which they are looked for, and whether as words
of their own."""

_FOLDS: dict[str, Fold] = {"skeleton": unmasked, "lower": str.lower}


def prepared(search: Search, phrases: PhrasesOf) -> Callable[[str], Any]:
    """A function of the text."""
    match search.function:
        case "count":
            return counting(*search.fixed)
        case "share":
            return sharing(*search.fixed)
        case "extract":
            return extracting(*search.fixed)
        case "contains_any" | "contains_word":
            return phrases(search.fixed[0], _fold_of(search.subject), search.function == "contains_word").are_in
    raise AssertionError(f"nothing is fixed in {search.function}()")


def _fold_of(subject: Expr) -> Fold | None:
    return _FOLDS.get(subject.function) if isinstance(subject, Call) else None
