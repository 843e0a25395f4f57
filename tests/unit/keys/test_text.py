"""Near-duplicate texts share a key, different and short ones do not: in all scripts, padded, disguised, and against who
knows the method but not the secret."""

import unicodedata
from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.values import min_hashes
from engine.keys import text as module
from engine.keys.text import MIN_LETTERS, fingerprints, own_fingerprints, skeleton, text_keys
from tests.costs import cost_by_length
from tests.scripts import WORDS, edited, sentence, written

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


def test_short_texts_of_one_user_are_compared_by_their_letters_or_their_signs() -> None:
    [key] = own_fingerprints({"text": "follow me back"})
    assert own_fingerprints({"text": "FOLLOW me, back!! 7"}) == (key,)
    assert own_fingerprints({"text": "follow me"}) != (key,)
    assert own_fingerprints({"text": "!? !?"}) == own_fingerprints({"text": "!?!?"}) != own_fingerprints({"text": "?"})
    assert own_fingerprints({"text": " "}) == own_fingerprints({"text": 7}) == own_fingerprints({}) == ()
    assert own_fingerprints({"text": PITCH}) == fingerprints({"text": PITCH})


def test_signs_of_one_user_are_told_apart_by_what_is_seen() -> None:
    signs = own_fingerprints({"text": "\U0001f525!!"})
    assert own_fingerprints({"text": "\u200b\U0001f525\u2060!\u200b!"}) == signs
    assert own_fingerprints({"text": " " * 5_000 + "\U0001f525!!"}) == signs
    unseen = own_fingerprints({"text": "\u200b"})
    assert own_fingerprints({"text": "\u200b" * 7}) == unseen != ()


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
    with cost_by_length():
        text_keys(unit * 300_000)


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
    marks = [one for one in text if unicodedata.category(one) in ("Mn", "Mc") and not unicodedata.combining(one)]
    kept = skeleton(text)
    assert marks
    assert [one for one in kept if unicodedata.category(one) in ("Mn", "Mc")] == [
        one for one in unicodedata.normalize("NFKD", text) if one in marks
    ]
    assert skeleton(text.replace(marks[0], "")) != kept
    assert skeleton(" ".join(f"{word}\u0bbe" for word in text.split())) == kept


@pytest.mark.parametrize("word", ["_!_", "_$_", "@_@", "__", "404", "_7_"])
def test_a_word_without_letters_tells_nothing_whatever_else_is_there(word: str) -> None:
    assert skeleton(f"hello {word} there") == skeleton("hello there") == skeleton(f"hello {word} there 5")


def _crafted(key: int, count: int) -> list[list[str]]:
    """Words of twelve letters whose hashes are the smallest of many, for each of the two functions."""
    letters = np.frombuffer(b"abcdefghkmnopqrstuvwxyz", dtype=np.uint8)
    block = letters[np.random.default_rng(1).integers(0, len(letters), (100_000, min_hashes.RUN))]
    low, high = (np.ascontiguousarray(block[:, at : at + 8]).view("<u8")[:, 0] for at in (0, 4))
    one, two, three, four = map(np.uint64, module._factors(key))
    first = (low * one) ^ (high * two)
    first = (first ^ (first >> np.uint64(29))) * three
    second = (first ^ (first >> np.uint64(29))) * four
    ranks = (first, second ^ (second >> np.uint64(29)))
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


def test_the_text_of_pictures_has_keys_too() -> None:
    keys, caption = fingerprints({"text": PITCH}), fingerprints({"text": PITCH[::-1]})
    assert fingerprints({"media": {"text": PITCH}}) == keys
    assert fingerprints({"text": PITCH[::-1], "media": {"text": PITCH.upper()}}) == (*caption, *keys)
    assert fingerprints({"text": PITCH, "media": {"text": PITCH}}) == keys
    assert own_fingerprints({"text": "lol", "media": {"text": PITCH}}) == (*own_fingerprints({"text": "lol"}), *keys)
    assert own_fingerprints({"media": {"text": "lol"}}) == ()


@pytest.mark.parametrize("media", [None, [], "x", {"text": 7}, {"text": [PITCH]}, {}])
def test_what_is_no_text_of_a_picture_has_no_key(media: object) -> None:
    assert fingerprints({"media": media}) == own_fingerprints({"media": media}) == ()


_COPIED = {
    "English": "make easy money from home today join my private channel and win",
    "Russian": "заработай легкие деньги из дома вступай в канал",
    "Hindi": "हिन्दी में मुफ्त पैसे अभी जीतें दोस्तों आज ही जुड़ें",
    "Thai": "สมัครวันนี้รับโบนัสฟรีทันทีเข้าร่วมกลุ่ม",
    "Hebrew": "הצטרפו עכשיו לערוץ הפרטי שלנו וזכו בפרסים",
    "Chinese": "加微信领取免费福利现在就来吧今天注册",
}
_BETWEEN_LETTERS = {
    "signs": ".,-_*~|!;:'()#^`+=", "digits in circles": "\u2460\u2461\u2776", "blanks": "\u2800\u3000\u00a0 ",
    "marks of Thai": "\u0e48\u0e49\u0e4a", "marks of Hindi": "\u093c\u0951\u0952", "lines": "\u2500\u2502\u2514",
    "dead letters": "\U00012000\U00012001\U00012002", "private": "\ue000\ue001",
    "entities": ("&shy;", "&zwj;", "&#8203;"), "tags": ("<b>", "</b>", "<i id=1>"),
}  # fmt: skip


@pytest.mark.parametrize("language", _COPIED)
@pytest.mark.parametrize("kind", _BETWEEN_LETTERS)
def test_what_stands_between_letters_makes_no_other_text(language: str, kind: str) -> None:
    rng, text = Random(kind), _COPIED[language]
    mean = language == "English" and kind in ("signs", "digits in circles")  # between Latin letters some pass for one
    for _ in range(5):
        signs = [rng.choice(_BETWEEN_LETTERS[kind]) * (rng.random() < 0.4) for _ in text]
        copy = "".join(
            f"{sign * (not mean or letter == ' ')}{letter}" for sign, letter in zip(signs, text, strict=True)
        )
        assert text_keys(copy)[:2] == text_keys(text)


def test_what_tags_say_is_read_both_ways() -> None:
    hidden = f"<b {PITCH[:40]}><i {PITCH[40:]}>"
    assert set(text_keys(f"{hidden}1")) & set(text_keys(f"{hidden} now"))
    assert set(text_keys(f"{PITCH[:30]}<b class='{LONG[-60:]}'>{PITCH[30:]}")) & set(text_keys(PITCH))


def test_capitals_of_other_alphabets_tell_no_copies_apart() -> None:
    assert text_keys(PITCH.upper()) == text_keys(PITCH.upper().replace("T", "\u0422").replace("M", "\u041c"))
