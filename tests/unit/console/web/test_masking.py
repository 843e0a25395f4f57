"""Slurs: masked as whole words, whatever the case; what is around them is text."""

from engine.console.web.masking import Masker


def masked(text: str, *words: str) -> str:
    """With what is masked in brackets."""
    page = str(Masker(words).mask(text))
    opened = page.replace('<span class="slur"><span class="mask">', "[").replace('</span><span class="word">', "|")
    return opened.replace("</span></span>", "]")


def test_words_are_masked_whole_and_in_any_case() -> None:
    assert masked("You Wretch, you wretches", "wretch") == "You [W•••|Wretch], you wretches"
    assert masked("wretch", "wretch") == "[w•••|wretch]"
    assert masked("wretch", *()) == "wretch"


def test_a_star_is_all_that_begin_so() -> None:
    assert masked("wretches and kretch", "wretch*") == "[w•••|wretches] and kretch"
    assert masked("a wretched wretch", "wretch", "wretch*") == "a [w•••|wretched] [w•••|wretch]"


def test_attackers_write_text_and_operators_no_patterns() -> None:
    assert masked("<b>wretch</b>", "wretch") == "&lt;b&gt;[w•••|wretch]&lt;/b&gt;"
    assert masked("wrxtch w.tch", "w.tch") == "wrxtch [w•••|w.tch]"
    assert masked("<x <x>", "<x") == "[&lt;•••|&lt;x] [&lt;•••|&lt;x]&gt;"
