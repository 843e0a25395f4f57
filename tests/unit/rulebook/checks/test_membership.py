"""Entries that can never match are errors at their lines; what an event links to can be looked up."""

from pathlib import Path

import pytest

from engine.core.domain.events import Event
from engine.rulebook.checks.membership import find_wrong_entries
from engine.rulebook.compiler import check_rulebook, load_rulebook, read_directory
from engine.rulebook.inline_tests.stage import ExampleStage

WRONG = {
    "ip_prefix": {"198.51.100.0/25": "an `ip_prefix` is a /24, which is larger", "2001:db8::/64": "is a /56",
                  "anna": "it is no address and no network"},
    "ip": {"anna": "it is no address and no network", "300.1.1.1": "it is no address and no network"},
    "url_domain": {"not a domain": "it is no domain", "README.md": ""},
    "text": {"Hi there": "texts of so few letters are not told apart by what they say"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "entry", "told"), [(kind, entry, told) for kind, many in WRONG.items() for entry, told in many.items()]
)
def test_an_entry_that_can_never_match_is_an_error_at_its_line(kind: str, entry: str, told: str) -> None:
    source = (
        "version: 1\nlists:\n  left: {file: left.txt}\ncounters:\n"
        f"  n: {{distinct: user_id, of: post, by: {kind}, over: 1h, except: lists.left}}\n"
        "rules:\n  r: {event: post, when: [n > 3], then: {flag: x}, mode: shadow}\n"
    )
    _, diagnostics = check_rulebook({"r.yaml": source, "left.txt": f"# people\n{entry}\n"})
    found = [(one.span.file, one.span.line, one.message) for one in diagnostics.errors]
    assert found == ([("left.txt", 1, f"`{entry}` can never match: {told}")] if told.startswith(("it", "an", "t")) else
                     [one for one in found if told in one[2]])  # fmt: skip


def held(rule: str, lists: str, **fields: object) -> bool:
    book = load_rulebook(
        {"r.yaml": f"version: 1\nfields: {{email: text}}\nlists:\n  bad: {{values: [{lists}]}}\n"
                   f"rules:\n  r: {{event: post, when: ['{rule}'], then: {{flag: x}}}}\n"}
    )  # fmt: skip
    event = Event("e", "post", "u", 1_760_000_000_000, {"user_id": "u", **fields})
    return any(decision.hits for decision in ExampleStage(book, {}).send(event))


@pytest.mark.parametrize(
    ("rule", "lists", "fields", "expected"),
    [
        ("url_domain in lists.bad", "evil.com", {"text": "see https://www.EVIL.com/x"}, True),
        ("url_domain in lists.bad", '"*.evil.com"', {"text": "see evil [dot] com"}, True),
        ("url_domain in lists.bad", "evil.com", {"text": "see https://good.com"}, False),
        ("not (url_domain in lists.bad)", "evil.com", {}, True),
        ('"evil.com" in url_domain', "x", {"urls": ["https://evil.com"]}, True),
        ("len(url_domain) > 1", "x", {"text": "https://a.com https://b.com"}, True),
        ("ip in lists.bad", "198.51.0.0/16", {"ip": "::ffff:198.51.3.4"}, True),
        ('ip == "2001:DB8::1"', "x", {"ip": "2001:0db8:0:0::1"}, True),
        ('ip != "::ffff:10.0.0.1"', "x", {"ip": "10.0.0.1"}, False),
        ('ip in ["2001:DB8::/32"]', "x", {"ip": "2001:db8::9"}, True),
        ("ip_prefix in lists.bad", "198.51.0.0/16", {"ip": "198.51.3.4"}, True),
        ("domain(email) in lists.bad", "throwaway.example", {"email": "a@mail.Throwaway.example"}, True),
        ("domain(email) in lists.bad", "throwaway.example", {"email": "nobody"}, False),
        ("email in lists.bad", "Ann@Example.com", {"email": "ann@example.com"}, True),
    ],
)
def test_lists_are_compared_with_what_events_have(
    rule: str, lists: str, fields: dict[str, object], expected: bool
) -> None:
    assert held(rule.replace("'", "''"), lists, **fields) is expected


def test_texts_of_a_list_are_left_out_as_copies() -> None:
    book = load_rulebook(
        {"r.yaml": "version: 1\nlists:\n  wishes: {file: w.txt}\ncounters:\n"
                   "  n: {distinct: user_id, of: post, by: text, over: 1h, except: lists.wishes}\n"
                   "rules:\n  r: {event: post, when: [n >= 2], then: {flag: x}}\n",
         "w.txt": "Happy birthday to you and all the best\n"}
    )  # fmt: skip
    for text, expected in (
        ("HAPPY birthday to you, and all the best!!", False),
        ("buy the best followers from us now", True),
    ):
        stage, fired = ExampleStage(book, {}), False
        for number in range(3):
            fields = {"text": text, "user_id": f"u{number}"}
            event = Event(f"e{number}", "post", f"u{number}", 1_760_000_000_000 + number, fields, number)
            fired = any(decision.hits for decision in stage.send(event))
        assert fired is expected


TAGS = """
version: 1
lists:
  t: {file: t.txt}
rules:
  r: {event: post, when: [event.tag in lists.t], then: {flag: x}, mode: shadow}
"""


def test_a_hash_begins_a_comment_at_the_start_or_behind_a_blank() -> None:
    book, diagnostics = check_rulebook({"r.yaml": TAGS, "t.txt": "\ufeffc#promo # a tag\nplain\n# a comment\n"})
    assert book is not None
    assert not [one for one in diagnostics.findings if one.span.file == "t.txt"]
    for tag, expected in (("c#promo", True), ("c", False), ("plain", True), ("\ufeffc#promo", False)):
        event = Event("e", "post", "u", 1_760_000_000_000, {"tag": tag})
        assert any(decision.hits for decision in ExampleStage(book, {}).send(event)) is expected


def test_an_empty_list_is_told() -> None:
    _, diagnostics = check_rulebook({"r.yaml": TAGS, "t.txt": "#one\n#two\n"})
    assert [one.message for one in diagnostics.findings] == [
        "list `t` is empty: nothing is in it",
        "`#one` is a comment here, not an entry",
        "`#two` is a comment here, not an entry",
    ]


def test_files_that_no_list_names_are_not_read(tmp_path: Path) -> None:
    root = tmp_path
    (root / "rules.yaml").write_text("version: 1\nlists:\n  a: {file: lists/a.txt}\n", "utf-8")
    (root / "lists").mkdir()
    (root / "lists" / "a.txt").write_bytes(b"\xef\xbb\xbfone\n")
    (root / "diary.txt").write_bytes(b"\xff\xfe not for you")
    for path in (root, root / "rules.yaml"):
        assert read_directory(path) == {"rules.yaml": (root / "rules.yaml").read_text("utf-8"), "lists/a.txt": "one\n"}


def wrong_entries(clause: str, entry: str) -> list[str]:
    text = f"version: 1\nlists:\n  bad: {{values: ['{entry}']}}\n  other: {{values: [x]}}\n"
    text += f"rules:\n  r: {{event: post, when: ['{clause}'], then: {{flag: x}}, mode: shadow}}\n"
    return [one.message for one in check_rulebook({"r.yaml": text})[1].findings]


@pytest.mark.parametrize(
    ("clause", "entry", "told"),
    [
        ("ip in lists.bad", "anna", "`anna` can never match: it is no address and no network"),
        ("not (ip in lists.bad)", "anna", "`anna` can never match: it is no address and no network"),
        ("ip in lists.bad", "198.51.100.0/25", None),
        ("event.ip in lists.bad", "anna", None),  # as it is written, whatever that is
        ("text in lists.bad", "anna", None),
        ("ip in lists.other or text in lists.bad", "anna", "`x` can never match: it is no address and no network"),
        ('text in ["anna"]', "anna", None),
        ("ip_prefix in lists.bad", "198.51.100.0/24", None),
        ("ip_prefix in lists.bad", "198.51.100.0/25",
         "`198.51.100.0/25` can never match: an `ip_prefix` is a /24, which is larger"),
        ("ip_prefix in lists.bad", "2001:db8::/56", None),
        ("ip_prefix in lists.bad", "2001:db8::/57",
         "`2001:db8::/57` can never match: an `ip_prefix` is a /56, which is larger"),
        ("ip_prefix in lists.bad", "198.51.0.0/16", None),
        ("ip_prefix in lists.bad", "198.51.100.7", None),
        ("url_domain in lists.bad", "*.evil.com", None),
        ("url_domain in lists.bad", "evil.com", None),
        ("url_domain in lists.bad", "not a domain", "`not a domain` can never match: it is no domain"),
        ("url_domain in lists.bad", "2001:db8::/32", "`2001:db8::/32` can never match: it is no domain"),
        ("domain(text) in lists.bad", "not a domain", "`not a domain` can never match: it is no domain"),
        ("lower(text) in lists.bad", "not a domain", None),
    ],
)  # fmt: skip
def test_the_entries_of_a_list_are_looked_at_by_what_is_looked_up_in_it(
    clause: str, entry: str, told: str | None
) -> None:
    assert wrong_entries(clause, entry) == ([] if told is None else [told])


LIVE = {
    "r.yaml": "version: 1\nlists:\n  bad: {live: true}\n  people: {live: true}\nrules:\n"
              "  r: {event: post, when: [url_domain in lists.bad, user_id in lists.people], then: {flag: x}}\n"
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "entry", "told"),
    [
        ("bad", "evil.com", ""),
        ("bad", "EVIL.com", ""),
        ("bad", "*.evil.com", ""),
        ("bad", "*.co.uk", ""),
        ("bad", "t.me/channel", ""),
        ("bad", "not a domain!!", "it is no domain"),
        ("bad", "https://login.evil.com/now", "write evil.com"),
        ("bad", "login.evil.com", "write evil.com"),
        ("bad", "*.login.evil.com", "write evil.com"),
        ("people", "not a domain!!", ""),
        ("people", "login.evil.com", ""),
    ],
)
def test_what_can_never_match_does_not_go_on_a_live_list(name: str, entry: str, told: str) -> None:
    found = find_wrong_entries(load_rulebook(LIVE), name, [entry])
    assert len(found) == bool(told)
    assert told in "".join(found)


def test_a_live_lists_own_entries_are_looked_at_alike() -> None:
    source = LIVE["r.yaml"].replace(
        "bad: {live: true}", 'bad: {live: true, values: ["https://evil.com/x", win.example]}'
    )
    _, diagnostics = check_rulebook({"r.yaml": source})
    assert [one.message for one in diagnostics.errors] == [
        "`https://evil.com/x` can never match: links are found by what was registered, here `evil.com`"
    ]
