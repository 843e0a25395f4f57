"""Keywords are found as their reader sees them, whatever their writer does."""

import pytest

from engine.keys.keywords import MAX_READ, readings, unmasked


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("fr\u200bee money", "free money"),
        ("\uff26\uff32\uff25\uff25 \uff2d\uff2f\uff2e\uff25\uff39", "free money"),
        ("fr\u0435\u0435 m\u043eney", "free money"),
        ("F R E E  m o n e y", "free money"),
        ("\u0130ND\u0130R\u0130M", "indirim"),
        ("ind\u0131r\u0131m", "indirim"),
        ("caf\u00e9  \t CR\u00c8ME", "cafe creme"),
        ("Price: 50% off!", "price: 50% off!"),
        ("I am a b test", "i am a b test"),
        ("f.r.e.e m-o-n-e-y", "free money"),
        ("f  r  e  e   m  o  n  e  y", "free money"),
        ("f\tr\te\te m\to\tn\te\ty", "free money"),
        ("f\U0001f525r\U0001f525e\U0001f525e money", "free money"),
        ("\U0001f175\U0001f181\U0001f174\U0001f174 money", "free money"),
        ("\u0493\u0280\u1d07\u1d07 \u0192\u0280\u1d07\u1d07", "free free"),
        ("fr33 m0n3y, c4s1n0", "free money, casino"),
        ("ca$h, p@ypal, fr\u20ac\u20ac mone\xa5", "cash, paypal, free money"),
        ("f&#114;ee mo<b>ne</b>y fr**e**e", "free money free"),
        ("\u202eyenom eerf\u202c", "free money"),
        ("mp3 u2 area51 ps5 1st 10k $500 5\u20ac", "mp3 u2 area51 ps5 1st 10k $500 5"),
        ("me@mail.com v1.2.3 2**3", "me@mail.com v1.2.3 2**3"),
        ("f....r....e....e m....o....n....e....y", "free money"),
        ("fr(e)e m()ney (s)he foo(x) bar[0]", "free money (s)he foo(x) bar[0]"),
        ("fr&eacute;e AT&T &copy; &unknown;", "free at&t &copy; &unknown;"),
        ("f<a>ree</a>", "free</a>"),
        ("m\u25cbney m\u26aaney fr\u03a3\u2203", "money money free"),
        ("fr\U0001f1eae \U0001f1eb \U0001f1f7 \U0001f1ea \U0001f1ea \U0001f1eb\U0001f1f7", "free free "),
        ("fr\u0e48ee mon\u05b8ey", "free money"),
        ("FR\u0415\u0415 \u041c\u041eN\u0415Y, \u0412\u041dAR\u041aE\u0422", "free money, bharket"),
    ],
)
def test_keywords_are_read_through_a_disguise(text: str, read: str) -> None:
    assert unmasked(text) == read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fr-ee", ["fr-ee", "free"]), ("free-money", ["free-money", "freemoney"]), ("fr*ee!", ["fr*ee!", "free"]),
        ("mo_ney,", ["mo_ney,", "money"]), ("free_money", ["free_money", "freemoney"]),
        ("fr\U0001f525ee", ["free", "fr ee"]), ("FREE\U0001f4b0MONEY", ["freemoney", "free money"]),
        ("free\u2022money", ["freemoney", "free money"]), ("free, money", ["free, money"]), ("1-5-2", ["1-5-2"]),
        ("https://this-hit.example/a", ["https://this-hit.example/a"]), ("charset=us-ascii", ["charset=us-ascii"]),
        ("me@this-hit.example", ["me@this-hit.example"]),
    ],
)  # fmt: skip
def test_a_sign_within_a_word_parts_it_or_not(text: str, words: list[str]) -> None:
    assert readings(text).split("\n") == words
    assert unmasked(text) == words[0]


def test_in_words_of_their_own_letters_of_other_alphabets_are_no_latin_ones() -> None:
    assert "bot" not in unmasked("\u0432\u043e\u0442 \u0412\u041e\u0422")


def test_words_of_other_alphabets_are_unmasked_alike_on_both_sides() -> None:
    assert unmasked("КАЗИНО") == unmasked("казино") in unmasked("лучшее Казино тут")


def test_of_a_long_text_head_and_tail_are_read() -> None:
    text = "first " + "filler " * 10_000 + "last"
    assert unmasked(text).startswith("first ")
    assert unmasked(text).endswith(" last")
    assert len(unmasked(text)) <= MAX_READ + 1


def test_what_tags_say_is_read_too() -> None:
    assert "natural drops" in unmasked("hi <!-- the natural drops from the shop -->")


@pytest.mark.parametrize(
    "unit",
    ["a-", "a\U0001f4b0", "(a)", "a()", "\u043c a", "\u043ca", "ab.", "ab\u2022", "[", "a[", "\U0001f1ea", "\u25cba"],
)
def test_no_text_becomes_long(unit: str) -> None:
    assert len(readings(unit * 30_000)) <= 4 * MAX_READ
