"""Names are checked wherever they stand."""

import pytest

from engine.rulebook.checks.event_types import is_a_slip_away
from engine.rulebook.compiler import check_rulebook, load_rulebook

DECLARED = "version: 1\nfields: {amount: number, verified: bool}\n"
RULE = "rules:\n  r: {event: post, when: [n > 3], then: {flag: x}, mode: shadow}\n"


def findings(source: str) -> list[tuple[str, str | None]]:
    _, diagnostics = check_rulebook({"r.yaml": source})
    return [(one.message, one.hint) for one in diagnostics.findings]


@pytest.mark.parametrize(
    ("counter", "message", "hint"),
    [
        ("{distinct: taget_id, of: post, by: user_id, over: 1h}", '`distinct` knows no field "taget_id"',
         'did you mean "target_id"?'),
        ("{sum: amonut, of: post, by: user_id, over: 1h}", '`sum` knows no field "amonut"', 'did you mean "amount"?'),
        ("{sum: amount - fee, of: post, by: user_id, over: 1h}",
         "`sum` needs the name of a field, this is an expression",
         "name it under `values:`, and write that name here"),
        ("{distinct: lower(text), of: post, by: user_id, over: 1h}",
         "`distinct` needs the name of a field, this is an expression",
         "name it under `values:`, and write that name here"),
        ("{count: psot, by: user_id, over: 1h}", 'nothing else knows events of type "psot"', 'did you mean "post"?'),
    ],
)  # fmt: skip
def test_a_wrong_name_in_a_counter_is_found(counter: str, message: str, hint: str) -> None:
    assert (message, hint) in findings(f"{DECLARED}counters:\n  n: {counter}\n{RULE}")


@pytest.mark.parametrize("source", ["5", "[a.b, c.d]", "{a: b}", "'a b'"])
def test_from_is_one_path(source: str) -> None:
    found = findings(f"version: 1\nfields:\n  n: {{type: number, from: {source}}}\n{RULE}")
    assert any(message.startswith("`from` is one dotted path") for message, _ in found)


def test_a_where_by_user_cannot_name_what_is_counted_elsewhere() -> None:
    counters = (
        "counters:\n  dev: {count: post, by: device_id, over: 1h}\n"
        "  n: {count: post, where: dev > 5, by: user_id, over: 1h}\n"
    )
    assert any("`dev` is counted by device_id" in message for message, _ in findings(f"{DECLARED}{counters}{RULE}"))


def test_a_misspelt_name_in_a_test_is_found() -> None:
    rules = (
        "counters:\n  n: {sum: amount, of: post, by: user_id, over: 1h}\nrules:\n  r:\n    event: post\n"
        "    when: [n > 3]\n    then: {flag: x}\n    mode: shadow\n"
        "    tests:\n      - {send: {type: post, amonut: 5}, fires: never}\n"
    )
    assert ("nothing reads `amonut`", 'did you mean "amount"?') in findings(DECLARED + rules)


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [("psot", "post", True), ("pots", "post", True), ("posts", "post", True), ("pos", "post", True),
     ("like", "unlike", False), ("view", "review", False), ("login", "logout", False), ("post", "post", True)],
)  # fmt: skip
def test_a_slip_is_one_letter_or_a_swap(one: str, other: str, near: bool) -> None:
    assert is_a_slip_away(one, other) is near


def test_pairs_are_one_entity_in_either_order() -> None:
    book = load_rulebook(
        {"r.yaml": "version: 1\ncounters:\n  a: {count: post, by: [device_id, ip], over: 1h}\n"
                   "  b: {count: post, by: [ip, device_id], over: 1h}\n"
                   "rules:\n  r: {event: post, when: [a > 3, b > 3], then: {flag: x}}\n"}
    )  # fmt: skip
    assert book.counters["a"].series_key == book.counters["b"].series_key


@pytest.mark.parametrize(
    ("sent", "hint"),
    [
        ("colour: x", None),
        ("colur: x", 'did you mean "colour"?'),
        ("shade: {deep: x}", None),
        ("shadde: x", 'did you mean "shade"?'),
        ("amount: 5", None),
        ("amonut: 5", 'did you mean "amount"?'),
        ("link_count: 5", None),
        ("places: {deep: {er: 5}}", None),
        ("placess: 5", 'did you mean "places"?'),
        ("owner: x", None),
        ("ownner: x", 'did you mean "owner"?'),
        ("gizmo: x", None),
        ("gizzmo: x", 'did you mean "gizmo"?'),
        ("remark: x", None),
        ("remarck: x", 'did you mean "remark"?'),
        ("urls: [x]", None),
        ("unlike_anything: x", None),
    ],
)
def test_what_something_reads_may_be_sent(sent: str, hint: str | None) -> None:
    text = (
        "version: 1\nfields: {amount: number, links: {type: number, from: link_count}, "
        "deep: {type: number, from: places.deep.er}}\n"
        "clusters:\n  ring: {of: post, share: event.gizmo, within: 1h}\n"
        "counters:\n  n: {count: post, where: event.colour == 'x', by: user_id, over: 1h}\n"
        "  many: {count: post, by: event.owner, over: 1h}\n"
        "models:\n  spam: {texts: [event.remark]}\n"
        "rules:\n  r:\n    event: post\n    when: [event.shade.deep == 'x', n > 3]\n    then: {flag: x}\n"
        f"    mode: shadow\n    tests: [{{send: {{type: post, {sent}}}, fires: never}}]\n"
    )
    assert [one for _, one in findings(text)] == ([] if hint is None else [hint])


def test_lists_that_counters_ask_about_are_looked_at() -> None:
    text = (
        "version: 1\nlists: {bad: {values: [anna]}}\ncounters:\n"
        f"  n: {{count: post, where: ip in lists.bad, by: user_id, over: 1h}}\n{RULE}"
    )
    assert [message for message, _ in findings(text)] == ["`anna` can never match: it is no address and no network"]
