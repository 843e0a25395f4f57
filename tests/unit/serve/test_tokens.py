"""Who may ask."""

import os
from pathlib import Path

import pytest

from engine.errors import SettingsError
from engine.serve import tokens
from engine.serve.tokens import ANYBODY, Tokens, new_token


def test_a_token_lets_in_whom_its_line_names_where_it_says(tmp_path: Path) -> None:
    (shop, shop_line), (site, site_line) = new_token("shop", ("payment",)), new_token("site", ())
    path = tmp_path / "tokens"
    path.write_text(f"# who may ask\n\n{shop_line}  # until spring\n{site_line}\n")
    known = Tokens(str(path))
    found = known.find(f"Bearer {shop}")
    assert found is not None
    assert (found.name, found.may_ask("payment"), found.may_ask("signup")) == ("shop", True, False)
    other = known.find(f"bearer {site}")
    assert other is not None
    assert other.may_ask("signup")
    assert shop not in path.read_text()
    for wrong in ("", f"Basic {shop}", f"Bearer {shop}x", "Bearer", "Bearer \udc80", f"Bearer {shop_line.split()[1]}"):
        assert known.find(wrong) is None


def test_without_a_file_anybody_may_ask() -> None:
    assert Tokens("").find("") is ANYBODY


def test_what_changes_in_the_file_counts_and_what_is_half_written_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LOOK_EVERY_S", 0.0)
    (old, old_line), (new, new_line) = new_token("old", ()), new_token("new", ())
    path = tmp_path / "tokens"
    path.write_text(old_line)
    known = Tokens(str(path))
    for text, is_old, is_new in ((new_line[:20], True, False), (new_line, False, True)):
        path.write_text(text)
        os.utime(path, ns=(0, len(text)))
        assert (known.find(f"Bearer {old}") is not None, known.find(f"Bearer {new}") is not None) == (is_old, is_new)
    path.unlink()
    assert known.find(f"Bearer {new}") is not None


@pytest.mark.parametrize("text", ["shop", "shop abc", f"shop {'0' * 64} a b"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    with pytest.raises(SettingsError, match="in line 1"):
        Tokens(str(path))
    with pytest.raises(SettingsError, match="cannot be read"):
        Tokens(str(tmp_path / "missing"))
