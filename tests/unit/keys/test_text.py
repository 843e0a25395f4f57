"""Near-duplicate texts share a key; different and short ones do not."""

import time

import pytest

from engine.keys.text import MAX_READ, MIN_LETTERS, skeleton, text_keys, unmasked

PITCH = "my sister finally lost twenty pounds thanks to these natural drops from the official shop"


@pytest.mark.parametrize(
    "copy",
    [
        PITCH.upper(),
        PITCH.replace(" ", "   ").replace("pounds", "pounds!!!,"),
        "\u200b".join(PITCH),
        PITCH.replace("a", "\u0430").replace("o", "\u043e").replace("e", "\u0435"),
        PITCH.replace("o", "0").replace("e", "3"),
        PITCH.replace("i", "\u00ed"),
        f"{PITCH} https://x.example/abc 4711",
        f"{PITCH} 💯💯",
        " ".join(PITCH),
        "".join(chr(ord(letter) + 0x1D41A - ord("a")) if letter.isalpha() else letter for letter in PITCH),
    ],
)
def test_disguises_make_no_difference_at_all(copy: str) -> None:
    assert text_keys(copy) == text_keys(PITCH)


def test_small_edits_leave_a_key_in_common_more_often_than_not() -> None:
    words = PITCH.split()
    copies = [[*words[:at], "really", *words[at + 1 :]] for at in range(len(words))]
    alike = sum(bool(set(text_keys(" ".join(copy))) & set(text_keys(PITCH))) for copy in copies)
    assert alike > 0.6 * len(copies)


def test_different_texts_have_different_keys() -> None:
    other = "does anybody know whether the library is open on sunday mornings in the winter"
    assert not set(text_keys(other)) & set(text_keys(PITCH))


def test_short_texts_have_none() -> None:
    assert text_keys("a" * (MIN_LETTERS - 1)) == ()
    assert text_keys("love this!!! 1234567890 " + "." * 100) == ()
    assert text_keys("") == ()
    assert len(text_keys("abcdefghij" * 2)) == 2


def test_other_alphabets_count_by_their_letters() -> None:
    russian = "подпишись на мой канал и получи подарок прямо сейчас друзья"
    assert text_keys(russian)
    assert text_keys(russian) == text_keys(russian.upper() + "!!!")


def test_the_skeleton_is_what_is_seen() -> None:
    disguised = "Ch\u0435ck 0ut my n3w v\u200bid\u00e9o!!! at https://x.io/abc for 500$, c@ll me"
    assert skeleton(disguised) == "checkoutmynewvideoatforcaiime"  # l, i and 1 are one letter


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "1",
        ".",
        "0a",
        "http://",
        "\u0300",
        "\u0300\u0316",
        "a.",
        "\u00e9.",
        ".co",
        ".com",
        ".1",
        "$",
        "@.",
        "\U0001d41a",
    ],
)
def test_hostile_texts_take_no_time(unit: str) -> None:
    started = time.process_time()
    text_keys(unit * 60_000)
    assert time.process_time() - started < 0.2


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
    ],
)
def test_keywords_are_read_through_a_disguise(text: str, read: str) -> None:
    assert unmasked(text) == read


def test_words_of_other_alphabets_are_unmasked_alike_on_both_sides() -> None:
    assert unmasked("КАЗИНО") == unmasked("казино") in unmasked("лучшее Казино тут")


def test_of_a_long_text_head_and_tail_are_read() -> None:
    text = "first " + "filler " * 10_000 + "last"
    assert unmasked(text).startswith("first ")
    assert unmasked(text).endswith(" last")
    assert len(unmasked(text)) <= MAX_READ + 1
