"""Near-duplicates in all scripts, padded, and against who knows the method but not the secret."""

import unicodedata
from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.keys import text as module
from engine.keys.text import fingerprints, skeleton, text_keys
from tests.scripts import WORDS, edited, sentence, written

PITCH = "my sister finally lost twenty pounds thanks to these natural drops from the official shop"
LONG = f"{PITCH}, which you can only find there until the end of this week, so do not wait and tell all of your friends"


@pytest.mark.parametrize(
    "padding", [" ", "\u200b", "\u2800", ".", "1", "1 ", "\U0001f600", "\u3164", "\n", "\ufdd0", "-_"]
)
def test_padding_hides_nothing(padding: str) -> None:
    for padded in (
        f"{padding * 8_000} {PITCH}",
        f"{PITCH} {padding * 8_000}",
        f"{padding * 8_000} {PITCH} {padding * 8_000}",
    ):
        assert text_keys(padded) == text_keys(PITCH)


@pytest.mark.parametrize("script", WORDS)
def test_copies_in_every_script(script: str) -> None:
    rng, found = Random(3), 0
    for _ in range(20):
        words = sentence(rng, script)
        keys = set(text_keys(written(rng, script, words)))
        assert keys
        found += sum(bool(keys & set(text_keys(written(rng, script, edited(rng, script, words))))) for _ in range(10))
    assert found > 0.65 * 200


@pytest.mark.parametrize("script", WORDS)
def test_different_texts_in_every_script(script: str) -> None:
    rng = Random(4)
    groups = Counter(key for _ in range(300) for key in set(text_keys(written(rng, script, sentence(rng, script)))))
    pairs = sum(count * (count - 1) // 2 for count in groups.values())
    assert pairs < 2e-3 * 300 * 299 / 2  # of words from a list of eighty


def test_short_texts_have_none_whatever_their_script() -> None:
    for text in (
        "祝大家新年快乐",
        "ありがとうございます",
        "감사합니다 여러분",
        "बहुत अच्छा है",
        "สวัสดีครับทุกคน",
        "شكرا جزيلا لكم",
    ):
        assert text_keys(text) == ()
    for text in ("加微信领取免费福利现在就来吧", "हिन्दी में मुफ्त पैसे अभी जीतें दोस्तों"):
        assert len(text_keys(text)) == 2


def test_small_capitals_and_korean_letters_make_no_difference() -> None:
    small = PITCH.translate(str.maketrans("abcdefghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ"))
    assert text_keys(small) == text_keys(PITCH)
    assert skeleton("\u1112\u1161\u11ab\u1100\u116e\u11a8") == skeleton("한국")


@pytest.mark.parametrize("code", [0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0x2800, 0x0345, 0x200B, 0x2BC, 0x640])
def test_invisible_letters_make_no_difference(code: int) -> None:
    assert text_keys(PITCH.replace("i", f"i{chr(code)}").replace("t", f"{chr(code)}t")) == text_keys(PITCH)


def test_invisible_letters_inside_korean_ones_make_no_difference() -> None:
    assert skeleton("\u1112\u200b\u1161\u11ab\u3164\u1100\u116e\u11a8") == skeleton("한국")


@pytest.mark.parametrize(
    "mark", ["\u0e31", "\u0e35\u0e48", "\u0e30", "\u093f", "\u094d", "\u0bbe", "\u17b7", "\u102d\u102f"]
)
def test_marks_on_letters_of_another_script_make_no_difference(mark: str) -> None:
    assert text_keys(PITCH.replace("i", f"i{mark}").replace("e", f"e{mark}")) == text_keys(PITCH)


@pytest.mark.parametrize(
    "text",
    ["ที่นี่มีของดีราคาถูก", "हिन्दी में मुफ़्त पैसे", "ស្រុកខ្មែរមានទីក្រុង", "မြန်မာနိုင်ငံသူများ"],
)
def test_marks_on_letters_of_their_own_script_stay(text: str) -> None:
    marks = [one for one in text if unicodedata.category(one) in ("Mn", "Mc")]
    kept = skeleton(text)
    assert marks
    assert [one for one in kept if unicodedata.category(one) in ("Mn", "Mc")] == [
        one for one in unicodedata.normalize("NFKD", text) if one in marks
    ]
    assert skeleton(text.replace(marks[0], "")) != kept
    assert skeleton(" ".join(f"{word}\u0bbe" for word in text.split())) == kept


def _crafted(key: int, count: int) -> list[list[str]]:
    """Words of twelve letters whose hashes are the smallest of many, for each of the two functions."""
    letters = np.frombuffer(b"abcdefghkmnopqrstuvwxyz", dtype=np.uint8)
    block = letters[np.random.default_rng(1).integers(0, len(letters), (100_000, module.RUN))]
    low, high = (np.ascontiguousarray(block[:, at : at + 8]).view("<u8")[:, 0] for at in (0, 4))
    mix = module._mix(key)
    first = (low * mix[0]) ^ (high * mix[1])
    first = (first ^ (first >> module._SHIFT)) * mix[2]
    ranks = (first, module._again(first, mix))
    return [[block[at].tobytes().decode() for at in np.argsort(hashes)[:count]] for hashes in ranks]


def _grouped(known: int, used: int) -> float:
    """The share of forty copies, each with two crafted words, that a rule with a threshold of six sees."""
    copies = [text_keys(f"{PITCH} {one} {other}", used) for one, other in zip(*_crafted(known, 40), strict=True)]
    groups = Counter(key for keys in copies for key in keys)
    return sum(any(groups[key] >= 6 for key in keys) for keys in copies) / 40


def test_two_crafted_words_hide_copies_only_from_who_uses_the_known_hash() -> None:
    assert _grouped(77, 77) == 0
    assert sum(_grouped(77, secret) for secret in range(78, 88)) / 10 > 0.8


def test_keys_depend_on_the_secret() -> None:
    assert not set(text_keys(PITCH, 1)) & set(text_keys(PITCH, 2))
    assert len(fingerprints({"text": PITCH})) == 2
    assert fingerprints({"text": 5}) == ()


def test_long_junk_does_not_hide_what_is_copied() -> None:
    rng, vocabulary = Random(1), [chr(97 + one) + chr(97 + other) * 4 for one in range(26) for other in range(26)]
    for before in (True, False):
        junk = [" ".join(rng.choices(vocabulary, k=1_500)) for _ in range(20)]
        keys = [text_keys(f"{one} {LONG}" if before else f"{LONG} {one}") for one in junk]
        assert max(Counter(key for one in keys for key in one).values()) > 10


@given(st.text(), st.integers(0, 2**64 - 1))
def test_nothing_raises(text: str, key: int) -> None:
    assert len(text_keys(text, key)) in (0, 2)
    assert len(skeleton(text)) <= 4 * len(text)
