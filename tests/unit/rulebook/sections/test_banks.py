"""Banks in rules: what is found, what is wrong with them, and what each mistake's hint says."""

from pathlib import Path

import pytest

from engine.core.domain.events import Event
from engine.core.domain.rules import Rulebook
from engine.rulebook.checks.costs import BANK_US, estimate_costs
from engine.rulebook.checks.membership import find_wrong_entries
from engine.rulebook.compiler import check_rulebook, load_rulebook, read_directory
from engine.rulebook.inline_tests.stage import ExampleStage
from engine.rulebook.language.json_schema import json_schema

HASH = "ec68b53670f18d2316d41bdf870656d31397258aac01d23de64937f85a3cb58d"
MIRRORED = "b93d1f9c25a427894381b175d253fc7946c28f20f9547897b31c9d520f691f27"
OTHER = "e428b91678f98f207adf13df8f0656e313972d8aec01d23dcc4907b8da3e248d"
RULES = """
version: 1
lists: {words: {values: [casino]}}
banks:
  scams: {file: banks/scams.csv, radius: 31, live: true}
  logos: {values: [HASH]}
rules:
  r: {event: post, when: [WHEN], then: {flag: x}, mode: shadow}
""".replace("HASH", OTHER)
SOURCES = {
    "banks/scams.csv": f"hash,type,tags\n{HASH},HASH_PDQ,scam raid\nd41d8cd98f00b204e9800998ecf8427e,HASH_MD5,\n"
}


def book(when: str) -> Rulebook:
    return load_rulebook({"r.yaml": RULES.replace("WHEN", when), **SOURCES})


def held(rulebook: Rulebook, **fields: object) -> bool:
    event = Event("e", "post", "u", 1_760_000_000_000, {"user_id": "u", **fields})
    return any(decision.hits for decision in ExampleStage(rulebook, {}).send(event))


@pytest.mark.parametrize(
    ("when", "hashes", "expected"),
    [
        ("image in banks.scams", [OTHER, f"{int(HASH, 16) ^ 0xFFFF:064x}"], True),
        ("image in banks.scams", [MIRRORED], True),
        ("image in banks.scams", [OTHER], False),
        ("image not in banks.scams", [], True),
        ("image in banks.scams", ["ab" * 32] * 16 + [HASH], False),  # so many of one event are looked up
        ("image in banks.scams or image in banks.logos", [OTHER], True),
        ("len(image) > 1", [HASH, OTHER], True),
        ("event.avatar in banks.scams", [], True),
    ],
)
def test_pictures_are_found_by_their_hashes(when: str, hashes: list[str], expected: bool) -> None:
    assert held(book(when), media={"hashes": hashes}, avatar=HASH.upper()) == expected


@pytest.mark.parametrize(
    ("when", "frames", "expected"),
    [
        ("video in banks.scams", [HASH, MIRRORED], True),
        ("video in banks.scams", [{"hash": HASH, "quality": 90}, {"hash": OTHER, "quality": 12}], True),
        ("video in banks.scams", [HASH, OTHER], False),
        ("video in banks.scams", [], False),
        ("video not in banks.scams", [HASH, OTHER], True),
        ("video in banks.scams", HASH, False),
    ],
)
def test_a_video_is_known_by_most_of_its_frames(when: str, frames: object, expected: bool) -> None:
    assert held(book(when), video_hashes=frames) == expected


def test_looking_a_video_up_costs_more_than_looking_a_picture_up() -> None:
    of_video, of_image = (estimate_costs(book(f"{what} in banks.scams")).dearest_us for what in ("video", "image"))
    assert of_video > of_image + 5 * BANK_US


@pytest.mark.parametrize("media", [None, 7, [], {}, {"hashes": HASH}, {"hashes": {}}, {"hashes": [None, {}, 7]}])
def test_an_event_without_pictures_has_none_that_is_known(media: object) -> None:
    assert not held(book("image in banks.scams"), media=media)
    assert held(book("not (image in banks.scams)"), media=media)


@pytest.mark.parametrize(
    ("change", "told", "hint"),
    [
        (("WHEN", "image in lists.scams"), 'unknown list "scams"', "write: banks.scams"),
        (("WHEN", "video in lists.words"), "copies of a picture differ in some bits, and a list has whole entries",
         "declare it under `banks:`, and write: video in banks.words"),
        (("WHEN", "image in banks.words"), 'unknown bank "words"', "write: lists.words"),
        (("WHEN", "image in banks.scam"), 'unknown bank "scam"', 'did you mean "scams"?'),
        (("WHEN", "image in lists.words"), "copies of a picture differ in some bits, and a list has whole entries",
         "declare it under `banks:`, and write: image in banks.words"),
        (("WHEN", "text in banks.scams"), "`text` is no picture, and a bank has pictures",
         "write: image in banks.scams"),
        (("WHEN", "banks.scams"), "a bank can only stand after `in`", "write: image in banks.scams"),
        (("radius: 31", "radius: 32"), "`radius` is in how many of 256 bits a copy may differ, from 0 to 31",
         "pictures that differ in more bits are other pictures"),
        (("scams.csv", "scam.csv"), "there is no file banks/scam.csv in this rulebook",
         'did you mean "banks/scams.csv"?'),
        (("logos:", "words:"), "`words` is a list already", "live entries are found by the name: choose another one"),
        ((OTHER, "abc"), "`abc` is no hash of a picture",
         "a hash is 64 hexadecimal digits, as `media.hashes` has them"),
        ((f"values: [{OTHER}]", "radius: 5"), "bank `logos` needs `file`, `values`, `data` or `live`",
         "{file: banks/scams.csv, live: true}"),
        (("then: {flag: x}", "then: {add: lists.scams, value: user_id, for: 1h, max: 5}"), '"scams" is a bank',
         "rules add to lists; people add pictures: floodgate lists add"),
        (("file: banks/scams.csv", "data: ../scams.txt"), "`data` is the name of a file, this is `../scams.txt`",
         "for example scams.txt; `reference_data_dir` says where it is"),
        (("live: true", "live: 1"), "`live` is true, this is `1`", "or leave it out"),
    ],
)  # fmt: skip
def test_a_mistake_says_what_to_do(change: tuple[str, str], told: str, hint: str) -> None:
    source = RULES.replace(*change).replace("WHEN", "image in banks.scams")
    _, diagnostics = check_rulebook({"r.yaml": source, **SOURCES})
    assert (told, hint) in [(one.message, one.hint) for one in diagnostics.errors]


def test_a_wrong_line_of_a_file_is_an_error_at_that_line_and_an_empty_bank_a_warning() -> None:
    source = RULES.replace("WHEN", "image in banks.logos").replace(f"{{values: [{OTHER}]}}", "{file: a.txt}")
    _, diagnostics = check_rulebook({"r.yaml": source, **SOURCES, "a.txt": f"# ours\n{OTHER}\n\nnothing # but this\n"})
    assert [(one.span.file, one.span.line) for one in diagnostics.errors] == [("a.txt", 3)]
    _, diagnostics = check_rulebook({"r.yaml": source, **SOURCES, "a.txt": "# nothing yet\n"})
    assert "bank `logos` is empty: no picture is in it" in [one.message for one in diagnostics.findings]


def test_files_of_banks_belong_to_the_rulebook(tmp_path: Path) -> None:
    (tmp_path / "banks").mkdir()
    (tmp_path / "banks" / "scams.csv").write_text(SOURCES["banks/scams.csv"])
    (tmp_path / "r.yaml").write_text(RULES)
    assert read_directory(tmp_path).keys() == {"r.yaml", "banks/scams.csv"}


def test_what_is_added_live_is_found_by_the_rule_and_counts_as_another_meaning_where_it_is_fixed() -> None:
    rulebook = book("image in banks.scams")
    assert not held(rulebook, media={"hashes": [OTHER]})
    rulebook.live["scams"].put(OTHER)
    assert held(rulebook, media={"hashes": [OTHER]})
    assert find_wrong_entries(rulebook, "scams", [HASH, "x"]) == [
        "`x` is no hash of a picture; write 64 hexadecimal digits, as `media.hashes` has them"
    ]
    other = load_rulebook({"r.yaml": RULES.replace("WHEN", "image in banks.scams"), "banks/scams.csv": OTHER})
    less = RULES.replace("WHEN", "image in banks.scams").replace("radius: 31", "radius: 30")
    fingerprints = {each.rules[0].fingerprint for each in (rulebook, other, load_rulebook({"r.yaml": less, **SOURCES}))}
    assert len(fingerprints) == 3


def test_editors_know_banks() -> None:
    assert set(json_schema()["properties"]["banks"]["additionalProperties"]["properties"]) == {
        "file", "values", "data", "live", "radius",
    }  # fmt: skip
