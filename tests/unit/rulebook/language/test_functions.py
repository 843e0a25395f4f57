"""The functions as they are told to people, and as generated code finds them."""

from engine.rulebook.codegen.conditions import _METHODS
from engine.rulebook.codegen.runtime import RUNTIME
from engine.rulebook.language.functions import FIXED, FUNCTIONS


def test_a_function_is_written_with_what_may_be_left_out() -> None:
    assert FUNCTIONS["hour"].written("hour") == 'hour(time[, "Europe/Berlin"])'
    assert FUNCTIONS["share"].written("share") == 'share(text, "[A-Z]"[, "[A-Z]"])'
    assert FUNCTIONS["contains_any"].written("contains_any") == "contains_any(text, lists.x)"


def test_each_of_them_can_be_called() -> None:
    callable_ones = {name for name, function in FUNCTIONS.items() if not set(function.takes) & set(FIXED)}
    built_in = {*RUNTIME, *RUNTIME["__builtins__"]}
    assert callable_ones - built_in - _METHODS.keys() == {"known"}
