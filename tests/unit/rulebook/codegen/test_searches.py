"""What is prepared once: the same automaton for all clauses that look for one list."""

from engine.keys.keywords import unmasked
from engine.keys.phrases import Phrases
from engine.rulebook.codegen.searches import prepared
from engine.rulebook.language.diagnostics import Diagnostics, Span
from engine.rulebook.language.nodes import Call, Expr, Ref, Search
from engine.rulebook.sections.declarations import Declarations

HERE = Span("", 0, 0)
TEXT = Ref(span=HERE, type="text", kind="field", target="text", written="text")


def search(function: str, *fixed: str, subject: Expr = TEXT) -> Search:
    return Search(HERE, "bool", function, subject, fixed)


def no_phrases(name: str, fold: object, are_words: bool) -> Phrases:
    raise AssertionError(name, fold, are_words)


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
    assert made.phrases_of("bots", unmasked, False) is made.phrases_of("bots", unmasked, False)
    assert len(made.phrases) == 2
    assert prepared(search("contains_word", "bots"), made.phrases_of)("a Curl!")
    assert not prepared(search("contains_word", "bots"), made.phrases_of)("a Curler")


def test_what_is_extracted_is_the_first_group_or_the_whole() -> None:
    assert prepared(search("extract", "v([0-9]+)"), no_phrases)("v10 v20") == "10"
    assert prepared(search("extract", "v[0-9]+"), no_phrases)("v10 v20") == "v10"
    assert prepared(search("extract", "v([0-9]+)?"), no_phrases)("v v20") == ""
    assert prepared(search("extract", "v([0-9]+)"), no_phrases)("w") == ""
