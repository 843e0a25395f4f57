# ruff: noqa: RUF001
"""Characters as a reader sees them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.keys.characters import squeezed, unstyled


@pytest.mark.parametrize("code", [0xAD, 0x34F, 0x61C, 0x115F, 0x17B4, 0x180B, 0x180E, 0x200B, 0x200F, 0x202E, 0x2060,
                                  0x2064, 0x206F, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF8, 0x1BCA0, 0x1D173,
                                  0xE0001, 0xE0020, 0xE01EF, 0xE0FFF, 0x0, 0x7F])  # fmt: skip
def test_what_cannot_be_seen_is_gone(code: int) -> None:
    assert squeezed(f"a{chr(code)}b", 10) == "ab"


def test_every_format_character_that_is_not_shown_is_gone() -> None:
    shown = {0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    for code in range(0x110000):
        if unicodedata.category(chr(code)) == "Cf" and code not in shown and not 0x13430 <= code <= 0x1345F:
            assert squeezed(f"a{chr(code)}b", 10) == "ab", hex(code)


def test_padding_is_collapsed_before_the_cut() -> None:
    for padding in (" ", "\n", "\u3000", "\u2800", "\u200b", " \u200b", "\u00a0\u2060"):
        assert squeezed(f"a{padding * 20_000}b", 10).replace(" ", "") == "ab"


def test_of_long_texts_head_and_tail_are_kept() -> None:
    assert squeezed("a" * 50 + "b" * 50, 20) == "a" * 10 + "\n" + "b" * 10


def test_styles_are_plain() -> None:
    for text in ("ｅｖｉｌ．ｃｏｍ", "𝐞𝐯𝐢𝐥.𝐜𝐨𝐦", "ⓔⓥⓘⓛ.ⓒⓞⓜ", "ᴇᴠɪʟ.ᴄᴏᴍ", "ᵉᵛⁱˡ.ᶜᵒᵐ", "🅴🆅🅸🅻.🅲🅾🅼", "⒠⒱⒤⒧.⒞⒪⒨"):
        assert unstyled(text).lower() == "evil.com"


@given(st.text())
def test_nothing_grows_or_raises(text: str) -> None:
    assert len(unstyled(text)) == len(text)
    assert len(squeezed(text, 8)) <= 9
