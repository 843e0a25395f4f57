"""What is flipped, and what is left alone."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.mutants.campaign import EQUIVALENT, read_equivalent
from tests.mutants.places import apply, find_mutations
from tests.mutants.trials import Reach, mirror_of

ROOT = Path(__file__).parents[2]


def flips_of(source: str) -> list[str]:
    """Each flipped line."""
    return [one.changed.strip() for one in find_mutations("m.py", dedent(source))]


@pytest.mark.parametrize(
    ("line", "flipped"),
    [
        ("a < b", ["a <= b", "a >= b"]),
        ("a >= b", ["a > b", "a < b"]),
        ("a == b", ["a != b"]),
        ("(a) is (not b)", ["(a) is (b)", "(a) is not (not b)"]),
        ("a is not b", ["a is b"]),
        ("a not in b", ["a in b"]),
        ("0 < a <= b", ["0 <= a <= b", "0 >= a <= b", "0 < a < b", "0 < a > b"]),
        ("a and b or c", ["a or b or c", "a and b and c"]),
        ("(a + 1) - -b", ["(a - 1) - -b", "(a + 1) + -b", "(a + 1) - +b"]),
        ("a += 1", ["a -= 1"]),
        ("f(not a, b=True)", ["f(a, b=True)", "f(not a, b=False)"]),
        ('f("█", a < b)', ['f("█", a <= b)', 'f("█", a >= b)']),
        ("lambda: [a for a in b if a is c]", ["lambda: [a for a in b if a is not c]"]),
    ],
)
def test_every_sign_is_flipped_alone(line: str, flipped: list[str]) -> None:
    assert sorted(flips_of(line)) == sorted(flipped)


@pytest.mark.parametrize(
    "source",
    [
        '"""Whether a < b and not c."""',
        "a: Literal[True, -1]",
        "def f(a: Literal[True]) -> Literal[-1]: ...",
        "if TYPE_CHECKING:\n    a = 1 < 2",
        '__slots__ = ("a", *b) if c < d else ()',
        "@dataclass(frozen=True)\nclass C(Struct, frozen=True): ...",
        '_log.warning("a", b=c - 1)',
        'self.log.error("a", b=c - 1)',
        "zip(a, b, strict=True)",
        'a + "text" + b',
        'f"{a - 1}"',
        "[1] + a",
    ],
)
def test_what_decides_nothing_is_left_alone(source: str) -> None:
    assert flips_of(source) == []


SOURCE = """
LIMIT = 5 - 1

def early(value):
    return (
        value < LIMIT
        and value
    )
"""


def test_a_flip_knows_its_expression_and_whether_a_call_runs_it() -> None:
    found = {(one.line, one.new): (one.first, one.last, one.called) for one in find_mutations("m.py", SOURCE)}
    assert found[2, "+"] == (2, 2, False)
    assert found[6, "<="] == found[7, "or"] == (6, 7, True)


def test_the_tests_that_run_a_flip_are_its_own_first_and_then_the_quickest() -> None:
    ran = {
        "tests/a.py::slow": {2, 6},
        "tests/a.py::quick": {7},
        "tests/unit/test_m.py::own": {6},
        "tests/a.py::no": {3},
    }
    lines = {name: {"engine/m.py": frozenset(found)} for name, found in ran.items()}
    seconds = {name: 0.1 if name.endswith("quick") else 9.0 for name in ran}
    reach = Reach({**lines, "tests/b.py::other": {}}, {**seconds, "tests/b.py::other": 0.0}, [])
    at_import, called = (one for one in find_mutations("engine/m.py", SOURCE) if one.new in ("+", "<="))
    assert reach.tests_of(called) == ["tests/unit/test_m.py::own", "tests/a.py::quick", "tests/a.py::slow"]
    assert len(reach.tests_of(at_import)) == 4  # a constant may matter to whatever runs something of the module


def test_flips_are_put_into_the_source() -> None:
    flips = [one for one in find_mutations("m.py", SOURCE) if one.new in ("+", "<=")]
    assert apply(SOURCE, flips) == SOURCE.replace("5 - 1", "5 + 1").replace("< LIMIT", "<= LIMIT")


def test_what_is_known_to_change_nothing_is_read() -> None:
    flip = find_mutations("m.py", "a = b is c")[0]
    text = f"# about it\nm.py\n{flip.diff}\nb is c, always\n"
    assert read_equivalent(text) == {("m.py", flip.diff)}
    assert read_equivalent("# nothing yet\n") == set()
    with pytest.raises(ValueError, match="not a path"):
        read_equivalent(f"m.py\n{flip.diff}\n")


def test_what_is_kept_as_changing_nothing_is_still_in_the_engine() -> None:
    for path, diff in read_equivalent(EQUIVALENT.read_text("utf-8")):
        assert diff in {one.diff for one in find_mutations(path, (ROOT / path).read_text("utf-8"))}, path


def test_a_module_has_a_test_file_of_its_own() -> None:
    assert mirror_of("engine/core/series/counts.py") == "tests/unit/core/series/test_counts.py"
