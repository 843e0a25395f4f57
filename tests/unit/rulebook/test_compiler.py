"""How a rulebook is read from files, and how much its counters keep."""

from pathlib import Path

import pytest

from engine.core.domain.counters import Counter
from engine.core.series.sketches import BUCKETS_PER_WINDOW
from engine.rulebook.compiler import check_rulebook, load_rulebook, read_directory

RULES = """
version: 1
fields: {amount: number}
counters:
  posts: {count: post, by: user_id, over: 1h}
  COUNTERS
derived:
  nothing: amount
  DERIVED
rules:
  r: {event: post, when: ['RULE'], then: {flag: x}}
"""


def written(rule: str, counters: str = "", derived: str = "") -> str:
    return RULES.replace("RULE", rule).replace("COUNTERS", counters).replace("DERIVED", derived)


def counters_of(rule: str, counters: str = "", derived: str = "") -> dict[str, Counter]:
    return dict(load_rulebook({"rules.yaml": written(rule, counters, derived)}).counters)


def test_the_lists_that_a_rulebook_names_are_read_with_it(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    rules = tmp_path / "rules"
    (rules / "lists").mkdir(parents=True)
    (rules / "lists" / "bad.txt").write_text("x")
    (rules / "unnamed.txt").write_text("y")
    text = "version: 1\nlists:\n  a: {file: lists/bad.txt}\n  b: {file: ../outside.txt}\n  c: {file: gone.txt}\n"
    (rules / "rules.yaml").write_text(text)
    assert read_directory(rules) == {"rules.yaml": text, "lists/bad.txt": "x"}
    assert read_directory(rules / "rules.yaml") == {"rules.yaml": text, "lists/bad.txt": "x"}


def test_what_is_no_text_is_refused() -> None:
    rulebook, diagnostics = check_rulebook({"rules.yaml": "version: 1\n# \ud800\n"})
    assert rulebook is None
    assert [one.message for one in diagnostics.errors] == ["this is not Unicode text"]


def test_the_tests_of_rules_are_run_unless_they_are_not_wanted() -> None:
    text = written("posts > 3").replace("{flag: x}", "{flag: x}, tests: [{send: {type: post}, fires: always}]")
    assert check_rulebook({"rules.yaml": text})[0] is None
    assert check_rulebook({"rules.yaml": text}, run_tests=False)[0] is not None


@pytest.mark.parametrize(
    ("rule", "cap"),
    [
        ("posts > 3", 32),
        ("posts > 31", 34),
        ("posts > 900", 961),
        ("posts > 999", 1_000),
        ("posts >= -900", 961),
        ("900 < posts", 961),
        ("amount > 900 and posts > 3", 32),
        ("posts > amount", 1_000),
        ("posts / 2 > 3", 1_000),
        ("nothing > 900", 32),
    ],
)
def test_a_counter_keeps_what_its_thresholds_need_and_some_for_those_that_come_late(rule: str, cap: int) -> None:
    assert counters_of(rule)["posts"].cap == cap


def test_the_shorter_a_window_the_more_entries_are_kept_for_those_that_come_late() -> None:
    made = counters_of("posts > 3 and short > 99", "short: {count: like, by: user_id, over: 1m}")
    assert made["short"].cap == 100 + 4 * 100


def test_thresholds_outside_of_rules_are_heeded_too() -> None:
    assert counters_of("odd > 3", "odd: {count: like, by: user_id, over: 1h, where: posts > 900}")["posts"].cap == 961
    assert counters_of("amount > 3", derived="busy: posts > 900")["posts"].cap == 961


def test_a_derived_value_that_no_rule_asks_for_makes_no_counter_larger() -> None:
    assert counters_of("amount > 3", derived="twice: posts * 2")["posts"].cap == 32
    assert counters_of("twice > 3", derived="twice: posts * 2")["posts"].cap == 1_000


def test_a_counter_with_a_lookback_keeps_all_that_it_can() -> None:
    text = written("users > 3", "users: {distinct: user_id, of: post, by: ip, over: 1h}")
    text = text.replace("{flag: x}", "{flag: x, also: earlier, lookback: 1h}")
    made = load_rulebook({"rules.yaml": text}).counters
    assert made["users"].cap == 1_000
    assert made["posts"].cap == 32


def test_a_threshold_that_cannot_be_reached_is_told_at_the_first_of_the_highest() -> None:
    rule = "posts > 40 and posts > 5000 and posts > 5000"
    _, diagnostics = check_rulebook({"rules.yaml": written(rule)})
    [error] = diagnostics.errors
    assert error.message.startswith("the threshold 5000 is above what `posts` can count to: it keeps at most 1000")
    assert error.hint == "use a threshold of at most 999, or `approx: true`"
    line = written(rule).splitlines()[error.span.line]
    assert error.span.column == line.index("5000")


@pytest.mark.parametrize(
    ("counter", "rule", "hint"),
    [
        ("{count: like, by: user_id, over: 1h}", "c > 1000", "use a threshold of at most 999, or `approx: true`"),
        ("{count: like, by: user_id, over: 1h}", "c > 999", None),
        ("{count: like, by: user_id, over: 1h, cap: 40}", "c > 40", "raise its `cap` to 41"),
        ("{count: like, by: user_id, over: 1h, cap: 40}", "c > 39", None),
        ("{count: like, by: user_id, over: 1h, approx: true}", "c > 5000", None),
        ("{sum: amount, of: like, by: user_id, over: 1h}", "c > 5000", None),
    ],
)
def test_a_threshold_is_at_most_what_can_be_counted(counter: str, rule: str, hint: str | None) -> None:
    _, diagnostics = check_rulebook({"rules.yaml": written(rule, f"c: {counter}")})
    assert [one.hint for one in diagnostics.errors] == ([] if hint is None else [hint])


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ("{count: post, by: ip, over: 2h}", True),
        ("{count: post, by: ip, over: 1h, except: lists.bad}", False),
        ("{count: post, by: ip, over: 1h, approx: true}", False),
        ("{count: [post, like], by: ip, over: 1h}", False),
        ("{count: post, by: device_id, over: 1h}", False),
        ("{count: post, by: ip, over: 1h, where: amount > 1}", False),
        ("{count: post, by: ip, over: 1h, max_keys: 9}", True),
    ],
)
def test_counters_of_the_same_have_one_series(other: str, shared: bool) -> None:
    text = written("one > 3 and other > 3", f"one: {{count: post, by: ip, over: 1h}}\n  other: {other}")
    made = load_rulebook({"rules.yaml": text + "lists:\n  bad: {values: [198.51.100.7]}\n"}).counters
    assert (made["one"].series_key == made["other"].series_key) is shared


def test_counters_that_leave_out_different_entities_share_nothing() -> None:
    ways = "one: {count: post, by: ip, over: 1h, except: lists.bad}\n"
    ways += "  other: {count: post, by: ip, over: 1h, except: lists.worse}"
    lists = "lists:\n  bad: {values: [198.51.100.7]}\n  worse: {values: [198.51.100.8]}\n"
    made = load_rulebook({"rules.yaml": written("one > 3 and other > 3", ways) + lists}).counters
    assert made["one"].series_key != made["other"].series_key


@pytest.mark.parametrize(
    ("of", "cap"),
    [
        ("count: like", 3_600_000 // BUCKETS_PER_WINDOW),
        ("sum: amount, of: like", 3_600_000 // BUCKETS_PER_WINDOW),
        ("distinct: ip, of: like", 1_000),
    ],
)
def test_an_approximate_counter_keeps_buckets_or_the_sample_of_its_values(of: str, cap: int) -> None:
    assert counters_of("c > 3", f"c: {{{of}, by: user_id, over: 1h, approx: true}}")["c"].cap == cap


def test_approximate_counters_of_different_windows_share_nothing() -> None:
    made = counters_of(
        "one > 3 and other > 3",
        "one: {count: like, by: ip, over: 1h, approx: true}\n  other: {count: like, by: ip, over: 2h, approx: true}",
    )
    assert made["one"].series_key != made["other"].series_key


def test_as_many_entities_are_counted_as_the_most_generous_counter_says() -> None:
    ways = "a: {count: like, by: ip, over: 1h, max_keys: 5}\n  b: {count: view, by: ip, over: 1h, max_keys: 9}\n"
    ways += "  c: {count: like, by: device_id, over: 1h}\n  d: {count: like, by: ip, over: 1h, max_keys: 7}"
    book = load_rulebook({"rules.yaml": written("posts > 3", ways)})
    assert book.max_keys == {"ip": 9, "device_id": 1_000_000}


@pytest.mark.parametrize(("over", "hours"), [("1h", 1), ("1d", 24), ("3d", 24)])
def test_events_are_waited_for_as_long_as_the_longest_window(over: str, hours: int) -> None:
    text = "version: 1\ncounters:\n" + "".join(
        f"  c{place}: {{count: like, by: user_id, over: {one}}}\n" for place, one in enumerate(("1m", over))
    )
    assert load_rulebook({"rules.yaml": text}).lateness_ms == hours * 3_600_000


def test_a_cluster_is_asked_about_by_events_that_it_links() -> None:
    text = (
        "version: 1\nclusters:\n  ring: {of: comment, share: [device_id], within: 1h}\ncounters:\n"
        "  members: {distinct: user_id, by: ring, over: 1h}\nrules:\n"
        "  r: {event: EVENT, when: [members > 3], then: {flag: x}}\n"
    )
    for event, told in (("comment", []), ("any", []), ("[like, comment]", []),
                        ("like", ["cluster `ring` knows nothing of like events"])):  # fmt: skip
        _, diagnostics = check_rulebook({"rules.yaml": text.replace("EVENT", event)})
        assert [one.message for one in diagnostics.errors] == told
