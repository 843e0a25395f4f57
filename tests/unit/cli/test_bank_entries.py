"""Pictures of banks in and out of files: what is refused, and what is told."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from engine.cli import bank_entries
from engine.cli.lists import command
from engine.rulebook.compiler import load_rulebook
from engine.stream.admin.pictures import Posted
from engine.stream.control.lists import Entry

HASH = "ec68b53670f18d2316d41bdf870656d31397258aac01d23dcc4907b8da3e248d"
FIXED = "e428b91678f98f207adf13df8f0656e313972d8aec01d23dcc4907b8da3e248d"
RULES = f"""
version: 1
lists: {{words: {{live: true}}}}
banks: {{live: {{live: true, values: [{FIXED}]}}, fixed: {{values: [{FIXED}]}}}}
rules: {{r: {{event: post, when: [image in banks.live], then: {{flag: x}}}}}}
"""


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    published: list[Any] = []
    over = {FIXED.upper(): Entry("mo", "a b", 0), HASH: Entry("mo", "gone", 0, 1), "word": Entry("mo", "", 0)}
    monkeypatch.setattr(bank_entries, "in_use", lambda _: (None, load_rulebook({"r.yaml": RULES})))
    monkeypatch.setattr(bank_entries, "show_in", lambda *_: None)
    monkeypatch.setattr(bank_entries, "read_entries", lambda _: {"live": over})
    monkeypatch.setattr(bank_entries, "publish_entries", lambda _, name, entries: published.append((name, entries)))
    return published


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_pictures_with_a_tag_are_added_with_their_tags_as_notes(tmp_path: Path, published: list[Any]) -> None:
    file = tmp_path / "theirs.csv"
    file.write_text(f"hash,type,tags\n{HASH},HASH_PDQ,scam raid\n{FIXED},HASH_PDQ,scam\n{'ab' * 32},HASH_PDQ,other\n")
    told = ran("import", "live", str(file), "--tag", "scam", "--for", "1d", "--author", "mo")
    assert told.output == "added to live: 1; 1 are in the rules\n"
    ((name, entries),) = published
    assert (name, [*entries]) == ("live", [HASH])
    entry = entries[HASH]
    assert (entry.author, entry.note) == ("mo", "scam raid")
    assert 86_000_000 < entry.until_ms - time.time() * 1_000 < 87_000_000
    assert ran("import", "live", str(file), "--dry-run").output.startswith("would be added to live: 2;")
    assert len(published) == 1


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("fixed", HASH, "have no live bank 'fixed'; live are: live. Declare `live: true`"),
        ("words", HASH, "have no live bank 'words'"),
        ("live", f"{HASH}\nabc\n", "nothing is added: 1 lines are wrong"),
        ("live", b"\xff\xfe", "cannot be read as UTF-8 text"),
    ],
)
def test_what_cannot_be_imported_is_told(
    tmp_path: Path, published: list[Any], name: str, text: str | bytes, told: str
) -> None:
    (tmp_path / "a.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    result = ran("import", name, str(tmp_path / "a.txt"))
    assert (result.exit_code, published) == (2, [])
    assert told in " ".join(result.output.replace("│", "").split())


def test_what_holds_is_exported(tmp_path: Path, published: list[Any]) -> None:
    assert ran("export", "live").output == f"hash,type,tags\n{FIXED},HASH_PDQ,a b\n"
    assert "1 pictures of fixed are in" in ran("export", "fixed", "--output", str(tmp_path / "a.csv")).output
    assert "they have: fixed, live" in ran("export", "nothing").output
    assert not published


def test_matches_are_told_the_newest_first(monkeypatch: pytest.MonkeyPatch, published: list[Any]) -> None:
    asked: list[Any] = []

    def find(_: Any, bank: Any, since: Any) -> list[Posted]:
        asked.append(SimpleNamespace(entries=set(bank), radius=bank.radius, since=since(90_000_000)))
        return [Posted(number, f"u{number % 3}", f"e{number}", "post", FIXED, number) for number in range(5)]

    monkeypatch.setattr(bank_entries, "find_posted", find)
    told = ran("matches", "live", "--limit", "2", "--radius", "9")
    assert "5 events of 3 users, the newest 2 are shown" in told.output
    assert [msgspec.json.decode(line)["event_id"] for line in ran("matches", HASH, "--json").output.splitlines()] == [
        "e4", "e3", "e2", "e1", "e0",
    ]  # fmt: skip
    assert [one.__dict__ for one in asked] == [
        {"entries": {FIXED}, "radius": 9, "since": 3_600_000}, {"entries": {HASH}, "radius": 31, "since": 3_600_000},
    ]  # fmt: skip
    assert not published
