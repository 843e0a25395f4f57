"""What is prepared once: the same automaton for all clauses that look for one list."""

from engine.keys.phrases import Phrases
from engine.keys.text import unmasked
from engine.rulebook.codegen.searches import prepared
from engine.rulebook.language.diagnostics import Diagnostics, Span
from engine.rulebook.language.nodes import Call, Expr, Ref, Search
from engine.rulebook.sections.declarations import Declarations

HERE = Span("", 0, 0)
TEXT = Ref(span=HERE, type="text", kind="field", target="text", written="text")


def search(function: str, *fixed: str, subject: Expr = TEXT) -> Search:
    return Search(HERE, "bool", function, subject, fixed)


def no_phrases(name: str, fold: object) -> Phrases:
    raise AssertionError(name, fold)


def test_patterns_are_compiled() -> None:
    assert prepared(search("count", "a"), no_phrases)("aba") == 2
    assert prepared(search("share", "[a]"), no_phrases)("ab") == 0.5
    assert prepared(search("count", "a"), no_phrases) is prepared(search("count", "a"), no_phrases)


def test_a_list_is_read_as_the_text_is() -> None:
    made = Declarations(Diagnostics({}), lists={"bots": frozenset({"Curl"})})
    folded = Call(HERE, "text", "skeleton", [TEXT])
    assert prepared(search("contains_any", "bots"), made.phrases_of)("a Curl")
    assert not prepared(search("contains_any", "bots"), made.phrases_of)("a curl")
    assert prepared(search("contains_any", "bots", subject=folded), made.phrases_of)("a curl")
    assert made.phrases_of("bots", unmasked) is made.phrases_of("bots", unmasked)
    assert len(made.phrases) == 2
