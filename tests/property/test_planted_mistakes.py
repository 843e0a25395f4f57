"""A right rulebook passes without a word; one mistake in it is named, at its place, with what to do."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from engine.rulebook.compiler import check_rulebook


class Mistake(NamedTuple):
    """What stands in a right rulebook, what in a wrong one, where in that the finding is, and what it says. `hint`: a
    part of it; `file`: where it stands."""

    right: str
    wrong: str
    at: str
    message: str
    hint: str
    file: str = "rules.yaml"


RIGHT = """version: 1
fields:
  amount: {{type: number, from: payment.amount}}
  age: {{type: duration, unit: d, from: author.age}}
  verified: bool
lists:
  offices: {{file: lists/offices.txt}}
  sites: {{file: lists/sites.txt}}
  wishes: {{file: lists/wishes.txt}}
counters:
  at_device: {{count: post, by: device_id, over: {window}}}
  {posts}: {{count: [post, comment], by: user_id, over: {window}}}
  paid: {{count: payment, where: amount > {limit}, by: user_id, over: {window}}}
  targets: {{distinct: target_id, of: post, by: user_id, over: {window}}}
  spent: {{sum: amount, of: payment, by: user_id, over: 1d}}
  sites_of: {{distinct: url_domain, of: post, by: user_id, over: {window}}}
  at_network: {{distinct: user_id, of: post, by: ip_prefix, over: {window}, except: lists.offices}}
  copies: {{distinct: user_id, of: post, by: text, over: {window}, except: lists.wishes}}
derived:
  share: {{ratio: [paid, {posts}], at_least: 20}}
rules:
  flood:
    event: [post, comment]
    when:
      - {posts} > {limit}
      - not verified
      - 'skeleton(text) matches "free money"'
    unless:
      - ip in lists.offices
    then: {{limit: posting, for: {window}}}
    cooldown: {{per: user_id, for: {window}}}
    mode: shadow
    tests:
      - {{send: {{type: post, verified: true}}, fires: never}}
  links:
    event: post
    when: ['max(targets, sites_of) > {limit}', url_domain in lists.sites, at_network > 3, copies > 3]
    then: {{hide: content, target: event}}
    mode: shadow
  money:
    event: payment
    when: [spent > {limit}, share > 0.5, at_device > 2, age < 3d]
    then: {{review: payments}}
    mode: shadow
"""

FILES = {
    "lists/offices.txt": "# our networks\n198.51.100.0/24\n2001:db8::/32 # the annex\n",
    "lists/sites.txt": "bad.example\n*.worse.example\n",
    "lists/wishes.txt": "Happy birthday to you and all the best\n",
}

MISTAKES = [
    Mistake("distinct: target_id", "distinct: taget_id", "taget_id", 'no field "taget_id"', '"target_id"'),
    Mistake("sum: amount", "sum: amonut", "amonut", 'no field "amonut"', '"amount"'),
    Mistake("sum: amount", "sum: amount - fee", "amount - fee", "this is an expression", "under `values:`"),
    Mistake("count: payment", "count: paymnet", "paymnet", 'events of type "paymnet"', '"payment"'),
    Mistake("event: payment", "event: payement", "payement", 'events of type "payement"', '"payment"'),
    Mistake("from: payment.amount", "from: [pay.a, pay.b]", "[pay.a", "`from` is one dotted path", "author.age"),
    Mistake("from: payment.amount", "from: 5", "5", "`from` is one dotted path", "author.age"),
    Mistake("where: amount >", "where: at_device >", "at_device", "is counted by device_id", "ask in its clause"),
    Mistake("verified: true", "verifed: true", "verifed", "nothing reads `verifed`", '"verified"'),
    Mistake("by: device_id", "by: divice_id", "divice_id", 'nothing can be counted by "divice_id"', '"device_id"'),
    Mistake("not verified", "!verified", "!verified", "tags are not allowed", "not x"),
    Mistake("share > 0.5", "share > 50%", "50%", "a share is written as a number", "0.5"),
    Mistake("share > 0.5", "share = 0.5", "= 0.5", "does not compare", "=="),
    Mistake("share > 0.5", "share > 0.5 && spent > 1", "&&", "`&&`", "and"),
    Mistake("url_domain in lists.sites", "url_domain contains 'x'", "contains", "`contains`", '"word" in text'),
    Mistake("'max(targets, sites_of) > {limit}'", "max(targets, sites_of) > {limit}", "max(targets",
            "cut off at a comma", "single quotes"),
    Mistake("url_domain in lists.sites", 'url_domain == "x.com"', "url_domain ==", "lists cannot be compared",
            '"x" in url_domain'),
    Mistake("in lists.offices", "in lists.ofices", "lists.ofices", 'unknown list "ofices"', '"offices"'),
    Mistake("age < 3d", "age < 3", "age < 3", "differ in type", "3d"),
    Mistake('skeleton(text) matches "free money"', 'text matches "казино\\b"', "казино", "ASCII alone", r"\p{L}"),
    Mistake("free money", "FREE money", "FREE", "skeleton() has no capitals", "small letters"),
    Mistake("cooldown: {{per: user_id", "cooldown: {{per: usr_id", "usr_id", 'counted by "usr_id"', '"user_id"'),
    Mistake("198.51.100.0/24", "198.51.100.0/25", "198.51.100.0/25", "can never match", "/24", "lists/offices.txt"),
    Mistake("198.51.100.0/24", "office", "office", "can never match", "203.0.113.9", "lists/offices.txt"),
    Mistake("bad.example", "no site", "no site", "can never match", "example.com", "lists/sites.txt"),
    Mistake("Happy birthday to you and all the best", "Hi", "Hi", "can never match", "leave it out",
            "lists/wishes.txt"),
    Mistake("bad.example", "#bad", "#bad", "is a comment here", "values", "lists/sites.txt"),
    Mistake("at_least: 20", "at_least: 2000", "2000", "never counts to", "approx"),
    Mistake("{posts} > {limit}", "{posts} > 5000", "5000", "above what", "approx"),
]  # fmt: skip

worlds = st.fixed_dictionaries(
    {"posts": st.sampled_from(["posts_1h", "talk", "busy_10m"]), "limit": st.integers(2, 400),
     "window": st.sampled_from(["1m", "10m", "3h", "1d"])}
)  # fmt: skip


def written(world: dict[str, object], mistake: Mistake | None) -> dict[str, str]:
    sources = {"rules.yaml": RIGHT, **FILES}
    if mistake is not None:
        assert mistake.right in sources[mistake.file]
        sources[mistake.file] = sources[mistake.file].replace(mistake.right, mistake.wrong, 1)
    return {**sources, "rules.yaml": sources["rules.yaml"].format(**world)}


@given(worlds)
def test_the_right_rulebook_passes_without_a_word(world: dict[str, object]) -> None:
    rulebook, diagnostics = check_rulebook(written(world, None))
    assert [one.message for one in diagnostics.findings] == []
    assert rulebook is not None


@given(worlds, st.sampled_from(MISTAKES))
def test_a_mistake_is_named_at_its_place_with_what_to_do(world: dict[str, object], mistake: Mistake) -> None:
    sources = written(world, mistake)
    _, diagnostics = check_rulebook(sources)
    found = [one for one in diagnostics.findings if mistake.message in one.message]
    assert found, [one.message for one in diagnostics.findings]
    assert mistake.hint in (found[0].hint or "")
    line = sources[mistake.file].splitlines()[found[0].span.line]
    assert found[0].span.file == mistake.file
    place = line.find(mistake.at.format(**world))
    assert place >= 0, line
    assert found[0].span.column <= place + len(mistake.at)
    assert place <= found[0].span.column + found[0].span.width
