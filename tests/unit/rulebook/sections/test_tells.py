"""Texts for users, as rulebooks write them."""

import pytest

from engine.core.domain.tells import Place
from engine.rulebook.compiler import check_rulebook, load_rulebook

RULES = """
version: 1
fields: {name: text}
counters:
  posts: {count: post, by: user_id, over: 1h}
  devices: {count: post, by: device_id, over: 1h}
models: {spam: {texts: [text]}}
derived: {doubled: score.spam * 2}
rules:
  r: {event: post, when: [posts > 1], then: {limit: posting}, meta: {tell: TEXT}}
"""


def parts(text: str) -> tuple[object, ...]:
    [rule] = load_rulebook({"r.yaml": RULES.replace("TEXT", text)}).rules
    assert rule.tell is not None
    return tuple(part for part in rule.tell.parts if part)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("plain", ("plain",)),
        ("'{posts} of {name | you }'", (Place("posts", "?"), " of ", Place("name", "you"))),
        ("'{event.a.b|}'", (Place("event.a.b", ""),)),
        ("'{{posts}}'", ("{", "posts", "}")),
        ("'{url_domain}'", (Place("url_domain", "?"),)),
    ],
)
def test_a_text_is_read_in_parts(text: str, read: tuple[object, ...]) -> None:
    assert parts(text) == read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("5", "`tell` is a text, this is `5`"),
        ("'{post}'", 'unknown name "post"'),
        ("'a { b'", "`{` names nothing to tell"),
        ("'a {} b'", "`{}` names nothing to tell"),
        ("'}'", "`}` names nothing to tell"),
        ("'" + "{posts}" * 9 + "'", "a text for users has places for at most 8 values"),
        ("'{devices}'", "`devices` is counted by device_id, and no clause of the rule is"),
        ("'{score.spam}'", "`score.spam` is or reads a score: what a model thinks is told to nobody"),
        ("'{doubled}'", "`doubled` is or reads a score: what a model thinks is told to nobody"),
    ],
)
def test_what_cannot_be_told_is_an_error(text: str, told: str) -> None:
    _, found = check_rulebook({"r.yaml": RULES.replace("TEXT", text)})
    assert [one.message for one in found.errors] == [told]
