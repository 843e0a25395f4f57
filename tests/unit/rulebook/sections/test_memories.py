"""Declarations of what entities remember, and what is said where they are wrong."""

import pytest

from engine.core.domain.rules import Memory
from engine.core.series.remembered import AGE, FIRST, LAST
from engine.rulebook.compiler import check_rulebook, load_rulebook

DAY_MS = 86_400_000
FIELDS = "version: 1\nfields: {country: text, tags: list, amount: number, wait: {type: duration, unit: s}}\n"
RULES = "rules: {r: {event: login, when: [CLAUSE], then: {flag: x}, mode: shadow}}\n"


def memories(values: str) -> dict[str, Memory]:
    return dict(load_rulebook({"r.yaml": f"{FIELDS}values:\n  {values}\n"}).memories)


def errors(values: str, clause: str = "amount > 1", more: str = "") -> list[str]:
    rules = RULES.replace("CLAUSE", clause)
    _, found = check_rulebook({"r.yaml": f"{FIELDS}values:\n  {values}\n{more}{rules}"})
    return [str(one) for one in found.errors]


@pytest.mark.parametrize(
    ("asked", "kind", "register", "type_"),
    [
        ("last: country, of: login", "last", LAST, "text"),
        ("first: wait, of: login", "first", FIRST, "duration"),
        ("age: last, of: any", "age of last", AGE, "duration"),
        ("age: first, of: [login, pay]", "age of first", FIRST, "duration"),
        ("new: [login, pay]", "new", FIRST, "bool"),
    ],
)
def test_each_question_is_read(asked: str, kind: str, register: int, type_: str) -> None:
    found = memories(f"v: {{{asked}, by: [user_id, device_id], keep: 90d}}")["v"]
    assert (found.kind, found.register, found.type) == (kind, register, type_)
    assert (found.by, found.keep_ms) == ("device_id+user_id", 90 * DAY_MS)


def test_what_differs_in_its_question_alone_shares_a_register() -> None:
    found = memories(
        "age: {age: first, of: login, by: user_id, keep: 90d}\n"
        "  new: {new: login, by: user_id, keep: 90d, warm: 1d}\n"
        "  home: {first: country, of: login, by: user_id, keep: 90d}\n"
        "  longer: {new: login, by: user_id, keep: 91d}"
    )
    assert found["age"].key == found["new"].key
    assert len({found[name].key for name in ("age", "home", "longer")}) == 3


@pytest.mark.parametrize(("keep", "warm_ms"), [("90d", 30 * DAY_MS), ("7d", 7 * DAY_MS)])
def test_what_is_new_is_watched_for_a_month_or_as_long_as_it_is_kept(keep: str, warm_ms: int) -> None:
    assert memories(f"v: {{new: login, by: user_id, keep: {keep}}}")["v"].warm_ms == warm_ms


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("v: {of: login, by: user_id, keep: 1d}", "value `v` needs exactly one of last, first, age and new"),
        ("v: {last: country, new: login, by: user_id, keep: 1d}", "needs exactly one of"),
        ("v: {last: country, by: user_id, keep: 1d}", "value `v` needs `of`: the event type or types"),
        ("v: {new: login, of: login, by: user_id, keep: 1d}", "`of` goes with last, first and age"),
        ("v: {last: tags, of: login, by: user_id, keep: 1d}", "`last` cannot remember `tags`, which is a list"),
        ("v: {last: event.x, of: login, by: user_id, keep: 1d}", "declare x under `fields:`"),
        ("v: {last: contry, of: login, by: user_id, keep: 1d}", 'did you mean "country"?'),
        ("v: {age: lately, of: login, by: user_id, keep: 1d}", '`age` cannot be'),
        ("v: {age: last, of: login, by: user_id, keep: 401d}", "`keep` is at most 400d"),
        ("v: {age: last, of: login, by: usr_id, keep: 1d}", 'nothing can be counted by "usr_id"'),
        ("v: {age: last, of: login, by: user_id, keep: 1d, warm: 1h}", "`warm` goes with new and `age: first`"),
        ("v: {new: login, by: user_id, keep: 1d, warm: 2d}", "`warm` is at most as long as `keep`"),
        ("v: {new: login, by: user_id, keep: 1d, over: 1d}", 'value `v` has no key "over"'),
        ("v: {new: login, by: user_id}", "value `v` needs `keep`"),
        ("v: {new: login, by: device_id, keep: 1d, where: w}\n  w: {new: login, by: user_id, keep: 1d}",
         '"w" is declared further down'),
        ("w: {new: login, by: user_id, keep: 1d}\n  v: {new: login, by: device_id, keep: 1d, where: w}",
         "`w` is not known where this is remembered"),
        ("w: {new: login, by: device_id, keep: 1d}\n  v: {new: login, by: user_id, keep: 1d, where: w}",
         "`w` is remembered by device_id, which is not known where `where` is asked"),
        ("v: {last: v, of: login, by: user_id, keep: 1d}", '"v" is defined by itself'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(values: str, said: str) -> None:
    assert any(said in error for error in errors(values)), errors(values)


def test_a_cluster_remembers_nothing() -> None:
    clusters = "clusters: {ring: {of: login, share: device_id, within: 1h}}\n"
    found = errors("v: {new: login, by: ring, keep: 1d}", more=clusters)
    assert any('nothing can be counted by "ring"' in error for error in found)


def test_models_read_no_texts_that_are_remembered() -> None:
    value = "v: {last: country, of: login, by: user_id, keep: 1d}"
    for key in ("texts", "categories"):
        found = errors(value, "score.m > 0.5", f"models: {{m: {{{key}: [v]}}}}\n")
        assert any("a model reads its texts and categories before" in error for error in found)


def test_a_value_has_the_type_of_its_field() -> None:
    value = "v: {last: country, of: login, by: user_id, keep: 1d}"
    assert errors(value, "v > 1") != []
    assert errors(value, "v == country") == []


def test_an_age_in_hours_is_a_number() -> None:
    assert errors("v: {age: last, of: login, by: user_id, keep: 1d}", "amount / (v / 1h) > 800") == []


def test_nobody_looks_back_by_what_is_remembered() -> None:
    text = (
        f"{FIELDS}values: {{v: {{new: login, by: device_id, keep: 1d}}}}\n"
        "counters: {n: {count: login, by: device_id, over: 1h}}\n"
        "rules: {r: {event: login, when: [n > 3, v], then: {flag: x, also: earlier, lookback: 1h}, mode: shadow}}\n"
    )
    _, found = check_rulebook({"r.yaml": text})
    assert any("`also: earlier` cannot use what entities remember" in str(error) for error in found.errors)


def test_a_rule_means_something_else_when_what_it_reads_is_kept_for_longer() -> None:
    def fingerprint(values: str) -> int:
        text = f"{FIELDS}values: {{{values}}}\n{RULES.replace('CLAUSE', 'v')}"
        return load_rulebook({"r.yaml": text}).rules[0].fingerprint

    first = fingerprint("v: {new: login, by: user_id, keep: 1d}")
    assert first == fingerprint("w: {new: pay, by: user_id, keep: 1d}, v: {new: login, by: user_id, keep: 1d}")
    assert first != fingerprint("v: {new: login, by: user_id, keep: 2d}")
    assert first != fingerprint("v: {new: login, by: user_id, keep: 1d, warm: 1h}")
