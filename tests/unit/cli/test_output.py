"""Nothing that strangers write is executed by the terminal of whoever runs a command."""

import ast
import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

import engine.cli
from engine.cli.output import Console, complain, echo
from engine.core.values.shown import shown

TURNING = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = {"LEFT-TO-RIGHT MARK", "RIGHT-TO-LEFT MARK", "ARABIC LETTER MARK"}
HOSTILE = {
    "clears the screen": "\x1b[2J",
    "colours, in one character": "\x9b31m",
    "writes the clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "writes the clipboard, in one character": "\x9d52;c;ZXZpbA==\x9c",
    "links elsewhere": "\x1b]8;;https://evil.example\x1b\\bank\x1b]8;;\x1b\\",
    "is read backwards": "\u202egnp.exe",
    "is isolated": "\u2066user\u2069",
    "has marks": "a\u200eb\u200fc\u061c",
    "ends a line": "one\u2028two\u2029three",
    "writes over what was there": "denied\rgranted",
    "goes back": "bad\b\b\bgood",
    "deletes": "a\x7fb",
    "is half a character": "a\ud800b",
    "has a bell and a null": "\x07\x00",
}
MARKUP = ("[red]alert[/red]", "[link=https://evil.example]bank[/link]", "[/nothing]", ":warning:", "[[bold]]")


def is_executable(character: str) -> bool:
    """By Unicode's own tables."""
    return character not in "\t\n" and (
        unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")
        or unicodedata.bidirectional(character) in TURNING
        or unicodedata.name(character, "") in MARKS
    )


def executed(text: str) -> str:
    return "".join(character for character in text if is_executable(character))


@pytest.fixture(params=list(HOSTILE.values()), ids=list(HOSTILE))
def hostile(request: Any) -> str:
    return str(request.param)


def printed(what: Any, **options: Any) -> str:
    """What a console writes that is no terminal, so that nothing in it is its own."""
    file = io.StringIO()
    Console(file=file, width=200, **options).print(what)
    return file.getvalue()


@given(st.text(st.characters()))
def test_no_text_is_executed_and_all_else_stays_as_it_is(text: str) -> None:
    told = shown(text)
    assert executed(told) == ""
    kept = "".join(f"\\u{ord(one):04x}" if is_executable(one) else one for one in text)
    assert told == kept


def test_tabs_lines_and_other_scripts_stay() -> None:
    text = "a\tb\nдиньжж 你好 👩\u200d👩\u200d👧 नमस्ते"
    assert shown(text) == text


def test_what_is_echoed_is_not_executed(hostile: str, capfd: pytest.CaptureFixture[str]) -> None:
    echo(f"<{hostile}>")
    echo(f"<{hostile}>", err=True)
    complain(ValueError(f"<{hostile}>"))
    found = capfd.readouterr()
    assert found.out == f"<{shown(hostile)}>\n"
    assert found.err == f"<{shown(hostile)}>\nfloodgate: <{shown(hostile)}>\n"
    assert executed(found.out + found.err) == ""


def test_bytes_that_are_no_text_are_told_all_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    echo(b"\xff\x1b[2J\xc2\x9b31m", nl=False)
    assert capfd.readouterr().out == "\ufffd\\u001b[2J\\u009b31m"


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text(st.characters(exclude_categories=["Cs"])))))
def test_lines_of_json_stay_equal(document: dict[str, Any]) -> None:
    line = orjson.dumps(document)
    told = shown(line.decode())
    assert executed(told) == ""
    assert orjson.loads(told) == document


def test_printed_text_is_not_executed(hostile: str) -> None:
    assert printed(f"<{hostile}>") == f"<{shown(hostile)}>\n"


def test_tables_are_not_executed(hostile: str) -> None:
    table = Table(title=f"title {hostile}", caption=f"caption {hostile}")
    table.add_column(f"head {hostile}", footer=f"foot {hostile}")
    table.add_row(f"cell {hostile}")
    table.show_footer = True
    found = printed(table)
    assert executed(found) == ""
    assert all(f"{part} {shown(hostile)}" in found for part in ("title", "caption", "head", "foot", "cell"))


def in_a_cell(text: str) -> Table:
    table = Table()
    table.add_row(Text(text))
    return table


@pytest.mark.parametrize("what", [ValueError, Path, Text, in_a_cell])
def test_objects_that_have_their_own_text_are_not_executed(what: Any) -> None:
    assert executed(printed(what("a\x1b]52;c;ZXZpbA==\x9cb\u202ec"))) == ""


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_is_told_as_it_stands(markup: str) -> None:
    table = Table(title=f"title {markup}", caption=f"caption {markup}")
    table.add_column(f"head {markup}")
    table.add_row(f"cell {markup}")
    found = printed(table)
    assert all(f"{part} {markup}" in found for part in ("title", "caption", "head", "cell"))
    assert printed(markup) == f"{markup}\n"


def test_a_terminal_gets_the_styles_of_the_command_and_none_of_the_texts() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard")
    console.print("<\x1b[32m[green]>", style="red")
    assert file.getvalue() == "\x1b[31m<\\u001b[32m[green]>\x1b[0m\n"


WAYS_AROUND = {
    "click": {"echo", "secho", "style", "echo_via_pager", "prompt", "confirm", "progressbar"},
    "sys": {"stdout", "stderr", "__stdout__", "__stderr__"},
    "rich": {"print", "print_json", "inspect", "get_console"},
    "rich.console": {"Console"},
    "pprint": {"pprint", "pp"},
    "os": {"write"},
}


def around(source: str) -> Iterator[str]:
    """Where a module prints without `engine.cli.output`."""
    tree = ast.parse(source)
    modules = {
        (alias.asname or alias.name): alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            forbidden = WAYS_AROUND.get(node.module or "", set())
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name in forbidden)
        elif isinstance(node, ast.Attribute):
            whose = modules.get(ast.unparse(node.value), "")
            if node.attr in WAYS_AROUND.get(whose, set()):
                yield f"{whose}.{node.attr}"
        elif isinstance(node, ast.Name) and node.id == "print":
            yield "print"


@pytest.mark.parametrize(
    "source",
    [
        "print(1)", "import click\nclick.echo(1)", "from click import secho", "import sys\nsys.stdout.write('')",
        "from rich.console import Console", "import rich.console as r\nr.Console()", "from rich import print",
        "import builtins\nsay = print", "import rich.console\nrich.console.Console()",
        "import os as o\no.write(1, b'')",
    ],
)  # fmt: skip
def test_ways_around_are_found(source: str) -> None:
    assert list(around(source))


def test_no_command_prints_in_any_other_way() -> None:
    modules = sorted(path for root in engine.cli.__path__ for path in Path(root).rglob("*.py"))
    assert len(modules) > 20
    found = {path.name: list(around(path.read_text("utf-8"))) for path in modules if path.name != "output.py"}
    assert {name: ways for name, ways in found.items() if ways} == {}


@pytest.mark.parametrize("width", [40, None])
def test_ids_in_tables_are_not_cut_off(width: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    names = [letter * 60 for letter in "abc"]
    table = Table("one", "two", "three")
    table.add_row(*names)
    file = io.StringIO()
    console = Console(file=file, width=width) if width else Console(file=file)
    console.print(table)
    told = file.getvalue()
    assert "…" not in told
    assert [told.count(letter) for letter in "abc"] == [60, 60, 60]
    assert (names[0] in told) is (width is None)  # where there is no terminal, a line stays one line
