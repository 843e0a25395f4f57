"""Counters and clusters: what may be counted, by whom and for how long, and where a mistake is told."""

import pytest

from engine.core.domain.counters import Counter
from engine.core.state.clusters import ClusterSpec
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.sections.reading import read_declarations

RULES = """
version: 1
fields: {amount: number, place: text, flag: bool, tags: list, age: {type: duration, unit: s}}
clusters:
  CLUSTER
lists:
  bad: {values: [198.51.100.7]}
  alive: {live: true}
counters:
  posts: {count: post, by: user_id, over: 1h}
  by_ip: {count: post, by: ip, over: 1h}
  COUNTER
derived:
  twice: posts * 2
  both: by_ip * 2
"""
RING = "ring: {of: [comment, like], share: [device_id], within: 1h}"


def written(counter: str, cluster: str = RING) -> str:
    return RULES.replace("COUNTER", counter).replace("CLUSTER", cluster)


def messages(counter: str, cluster: str = RING) -> list[str]:
    _, diagnostics = check_rulebook({"rules.yaml": written(counter, cluster)})
    return [one.message for one in diagnostics.errors]


def counter(of: str) -> Counter:
    return load_rulebook({"rules.yaml": written(f"c: {of}")}).counters["c"]


def cluster(of: str) -> ClusterSpec | None:
    sources = {"rules.yaml": written("", f"ring: {of}")}
    return read_declarations(sources, Diagnostics(sources)).clusters.get("ring")


@pytest.mark.parametrize(
    ("longest", "more", "told"),
    [
        ("{count: post, by: user_id, over: 30d}", "{count: post, by: user_id, over: 721h}",
         "a window is at most 30d long"),
        ("{distinct: user_id, by: ring, over: 1d}", "{distinct: user_id, by: ring, over: 25h}",
         "members are known for 1d at most"),
        ("{count: post, by: [ip, device_id, place], over: 1h}",
         "{count: post, by: [ip, device_id, place, target_id], over: 1h}", "`by` has up to 3 different parts"),
        ("{count: post, by: user_id, over: 1h, cap: 1000}", "{count: post, by: user_id, over: 1h, cap: 1001}",
         "`cap` is a whole number from 1 to 1000"),
        ("{count: post, by: user_id, over: 1h, cap: 1}", "{count: post, by: user_id, over: 1h, cap: 0}",
         "`cap` is a whole number from 1 to 1000"),
        ("{count: post, by: ip, over: 1h, max_keys: 1}", "{count: post, by: ip, over: 1h, max_keys: 0}",
         "`max_keys` is a whole number of at least 1"),
        ("{count: post, by: ip, over: 1h, max_keys: 9000000000}", "{count: post, by: ip, over: 1h, max_keys: 1.5}",
         "`max_keys` is a whole number of at least 1"),
    ],
)  # fmt: skip
def test_what_is_just_right_is_accepted_and_no_more(longest: str, more: str, told: str) -> None:
    assert messages(f"c: {longest}") == []
    assert messages(f"c: {more}") == [told]


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("within: 1d", "within: 25h", "a cluster reaches back at most 1d"),
        ("within: 1h, max_shared: 2", "within: 1h, max_shared: 1", "`max_shared` is a whole number from 2 to 500"),
        ("within: 1h, max_shared: 500", "within: 1h, max_shared: 501", "`max_shared` is a whole number from 2 to 500"),
        ("within: 1h", "within: soon", "a duration is needed here, this is `soon`"),
    ],
)
def test_a_cluster_is_as_wide_as_it_may_be(right: str, wrong: str, told: str) -> None:
    assert messages("", f"ring: {{of: comment, share: [device_id], {right}}}") == []
    assert messages("", f"ring: {{of: comment, share: [device_id], {wrong}}}") == [told]


def test_a_cluster_is_as_it_is_declared() -> None:
    found = cluster("{of: [a, b], share: [ip, device_id], within: 2h, max_shared: 7}")
    assert found is not None
    assert (found.of, found.share, found.within_ms, found.max_shared) == (
        ("a", "b"), ("device_id", "ip"), 7_200_000, 7,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("share", "told"),
    [
        ("[user_id]", ["users cannot share a user_id"]),
        ("[ip, user_id]", ["users cannot share a user_id"]),
        ("[nothing_such, ip]", ['nothing can be counted by "nothing_such"']),
        ("[]", []),
    ],
)
def test_a_cluster_that_cannot_be_is_none(share: str, told: list[str]) -> None:
    assert messages("", f"ring: {{of: comment, share: {share}, within: 1h}}") == told
    assert cluster(f"{{of: comment, share: {share}, within: 1h}}") is None


def test_a_cluster_whose_time_cannot_be_read_is_none() -> None:
    assert cluster("{of: comment, share: [device_id], within: soon}") is None
    assert cluster("{of: comment, share: [device_id], within: 1d}") is not None


def test_a_cluster_has_a_name_of_its_own() -> None:
    told = '"amount" is a field already'
    assert messages("", "amount: {of: comment, share: [device_id], within: 1h}") == [told]


@pytest.mark.parametrize(
    ("of", "accepted"),
    [
        ("{distinct: user_id, by: ring, over: 1h}", True),
        ("{distinct: user_id, by: ring, over: 1h, max_keys: 5}", True),
        ("{distinct: place, by: ring, over: 1h}", False),
        ("{distinct: user_id, by: ring, over: 1h, cap: 5}", False),
        ("{distinct: user_id, of: like, by: ring, over: 1h}", False),
        ("{sum: amount, by: ring, over: 1h}", False),
        ("{count: like, by: ring, over: 1h}", False),
    ],
)
def test_by_a_cluster_its_members_are_counted_and_nothing_else(of: str, accepted: bool) -> None:
    told = ["by a cluster, members are counted and nothing else"]
    assert messages(f"c: {of}") == ([] if accepted else told)
    sources = {"rules.yaml": written(f"c: {of}")}
    assert ("c" in read_declarations(sources, Diagnostics(sources)).counters) is accepted


def test_members_are_counted_at_the_events_that_link_them() -> None:
    found = counter("{distinct: user_id, by: ring, over: 1h}")
    assert (found.of, found.by, found.field, found.approx) == (("comment", "like"), "ring", "user_id", False)


@pytest.mark.parametrize(
    ("of", "told"),
    [
        ("{count: post, of: like, by: user_id, over: 1h}",
         "`of` goes with the others; count names the event types itself"),
        ("{sum: amount, by: user_id, over: 1h}", "counter `c` needs `of`: the event type or types"),
        ("{distinct: '', of: post, by: user_id, over: 1h}", "`distinct` needs the name of a field"),
        ("{sum: amount + 1, of: post, by: user_id, over: 1h}",
         "`sum` needs the name of a field, this is an expression"),
        ("{sum: posts, of: post, by: user_id, over: 1h}",
         "`sum` needs a field of the event, `posts` is something else"),
        ("{sum: twice, of: post, by: user_id, over: 1h}",
         "`sum` needs a field of the event, `twice` is something else"),
        ("{sum: zzz, of: post, by: user_id, over: 1h}", '`sum` knows no field "zzz"'),
        ("{distinct: zzz, of: post, by: user_id, over: 1h}", '`distinct` knows no field "zzz"'),
        ("{sum: url_domain, of: post, by: user_id, over: 1h}", '`sum` knows no field "url_domain"'),
        ("{sum: place, of: post, by: user_id, over: 1h}", "`sum` cannot use `place`, which is a text"),
        ("{sum: flag, of: post, by: user_id, over: 1h}", "`sum` cannot use `flag`, which is a bool"),
        ("{distinct: age, of: post, by: user_id, over: 1h}", "`distinct` cannot use `age`, which is a duration"),
        ("{distinct: age, of: post, by: user_id, over: 1h}", "`distinct` cannot use `age`, which is a duration"),
        ("{distinct: user_id, of: post, by: user_id, over: 1h}",
         "a user has one user_id: this counter could never exceed 1"),
        ("{distinct: ip, of: post, by: [ip, device_id], over: 1h}",
         "each device_id+ip has one ip: this counter could never exceed 1"),
        ("{count: post, by: [ip, ip], over: 1h}", "`by` has up to 3 different parts"),
        ("{count: post, by: flag, over: 1h}", 'nothing can be counted by "flag"'),
        ("{count: post, by: [ring, ip], over: 1h}", "a cluster stands alone in `by`"),
        ("{count: post, by: user_id, over: 1h, where: by_ip > 3}",
         "`by_ip` is counted by ip, which is not known where `where` is asked"),
        ("{count: post, by: ip, over: 1h, where: amount}", "a truth value is needed here, this is a number"),
        ("{count: post, by: ip, over: 1h, approx: perhaps}", "`approx` is true or false, this is `perhaps`"),
        ("{count: post, by: ip, over: 1h, approx: true, cap: 5}", "an approximate counter has no `cap`"),
        ("{count: post, by: user_id, over: 1h, except: lists.bad}",
         "`except` goes with counters by one entity that is not the user"),
        ("{count: post, by: [ip, device_id], over: 1h, except: lists.bad}",
         "`except` goes with counters by one entity that is not the user"),
        ("{count: post, by: ip, over: 1h, except: lists.zzz}", 'unknown list "zzz"'),
        ("{count: post, by: ip, over: 1h, except: lists.alive}",
         "`alive` is live: what is counted cannot change with it"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_told_once(of: str, told: str) -> None:
    assert messages(f"c: {of}") == [told]


@pytest.mark.parametrize(
    "of",
    [
        "{by: user_id, over: 1h}",
        "{count: post, sum: amount, by: user_id, over: 1h}",
        "{sum: amount + 1, of: post, by: user_id, over: 1h}",
        "{sum: posts, of: post, by: user_id, over: 1h}",
        "{sum: zzz, of: post, by: user_id, over: 1h}",
        "{sum: place, of: post, by: user_id, over: 1h}",
        "{distinct: user_id, of: post, by: user_id, over: 1h}",
        "{count: post, by: flag, over: 1h}",
        "{count: post, by: user_id, over: 60d}",
        "{sum: amount, by: user_id, over: 1h}",
        "{count: post, by: user_id, over: 1h, where: by_ip > 3}",
        "{count: post, by: ip, over: 1h, where: by_ip > 3}",
        "{count: post, by: ip, over: 1h, where: amount}",
    ],
)
def test_what_cannot_be_counted_is_no_counter(of: str) -> None:
    sources = {"rules.yaml": written(f"c: {of}")}
    made = read_declarations(sources, Diagnostics(sources))
    assert "c" not in made.counters
    assert {"posts", "by_ip"} <= made.counters.keys()


@pytest.mark.parametrize(
    "of",
    [
        "{sum: amount, of: post, by: user_id, over: 1h}",
        "{sum: age, of: post, by: ip, over: 1h}",
        "{sum: event.size, of: post, by: ip, over: 1h}",
        "{distinct: event.a.b, of: post, by: ip, over: 1h}",
        "{distinct: place, of: post, by: ip, over: 1h}",
        "{distinct: flag, of: post, by: ip, over: 1h}",
        "{distinct: amount, of: post, by: ip, over: 1h}",
        "{distinct: url_domain, of: post, by: ip, over: 1h}",
        "{distinct: text, of: post, by: ip, over: 1h}",
        "{distinct: user_id, of: post, by: ip, over: 1h}",
        "{distinct: ip, of: post, by: user_id, over: 1h}",
        "{count: post, by: user_id, over: 1h, where: posts > 3 and flag}",
        "{count: post, by: ip, over: 1h, where: amount > 3 and event.x and len(url_domain) > 1}",
        "{count: post, by: amount, over: 1h}",
        "{count: post, by: event.a.b, over: 1h}",
        "{count: post, by: ip, over: 1h, approx: false, cap: 5}",
        "{count: post, by: ip, over: 1h, except: lists.bad}",
    ],
)
def test_what_can_be_counted_is(of: str) -> None:
    assert messages(f"c: {of}") == []
    assert counter(of).over_ms == 3_600_000


def test_a_counter_is_as_it_is_declared() -> None:
    found = counter("{distinct: event.place, of: [a, b], by: [ip, device_id], over: 2h, approx: true, max_keys: 9}")
    assert (found.kind, found.field, found.of, found.by) == ("distinct", "place", ("a", "b"), "device_id+ip")
    assert (found.over_ms, found.approx, found.max_keys) == (7_200_000, True, 9)
    assert not counter("{count: post, by: ip, over: 1h, approx: false}").approx
    assert not counter("{count: post, by: ip, over: 1h}").approx


def test_keys_of_texts_are_known_to_what_counts_distinct_values_alone() -> None:
    _, diagnostics = check_rulebook({"rules.yaml": written("c: {distinct: url_domains, of: post, by: ip, over: 1h}")})
    assert [one.hint for one in diagnostics.errors] == ['did you mean "url_domain"?']
