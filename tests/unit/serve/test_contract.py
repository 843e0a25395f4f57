"""What an answer says, and that its schema is what is sent."""

from typing import Any

import jsonschema
import msgspec
import pytest

from engine.serve.contract import Answer, Asked, Refusal, answer_of, no_answer, schemas, verdict_of
from engine.serve_settings import SurfaceSettings, Verdict
from engine.stream.handlers.replies import Reply, ToldAction, ToldHit

NOW_MS = 1_760_000_000_000
DOOR = SurfaceSettings(("signup",), deny=("suspend", "limit signup"), otherwise="challenge")
ASKED = Asked("e", "signup")


def reply(*deeds: dict[str, Any], hits: tuple[ToldHit, ...] = (), outcome: str = "act") -> Reply:
    """One that has acted so."""
    actions = [ToldAction(f"a{at}", deed.pop("kind"), "user", "r", "why", **deed) for at, deed in enumerate(deeds)]
    return Reply("e", "signup", NOW_MS, outcome, "1", list(hits), actions)


@pytest.mark.parametrize(
    ("deeds", "verdict"),
    [
        ([], "allow"),
        ([{"kind": "flag"}], "allow"),
        ([{"kind": "limit", "scope": "posting"}], "allow"),
        ([{"kind": "limit", "scope": "signup"}], "deny"),
        ([{"kind": "review"}, {"kind": "challenge"}], "challenge"),
        ([{"kind": "challenge"}, {"kind": "suspend"}], "deny"),
        ([{"kind": "suspend", "needs": "review"}], "review"),
        ([{"kind": "suspend", "not_before_ms": NOW_MS + 1}], "allow"),
        ([{"kind": "suspend", "not_before_ms": NOW_MS}], "deny"),
    ],
)
def test_the_strongest_action_is_the_verdict(deeds: list[dict[str, Any]], verdict: Verdict) -> None:
    assert verdict_of(reply(*deeds), DOOR, NOW_MS) == verdict


@pytest.mark.parametrize(("effect", "verdict"), [("cooldown", "deny"), ("shadow", "allow"), ("acted", "allow")])
def test_a_rule_that_rests_holds_all_the_same(effect: str, verdict: Verdict) -> None:
    hit = ToldHit("r", effect, "suspend")
    assert verdict_of(reply(hits=(hit,), outcome="cooldown"), DOOR, NOW_MS) == verdict


@pytest.mark.parametrize(
    ("deeds", "verdict"), [([], "challenge"), ([{"kind": "review"}], "challenge"), ([{"kind": "suspend"}], "deny")]
)
def test_what_failed_has_the_policys_verdict_or_that_of_what_came_before(
    deeds: list[dict[str, Any]], verdict: Verdict
) -> None:
    answer = answer_of(ASKED, ("door", DOOR), reply(*deeds, outcome="failed"), NOW_MS)
    assert (answer.verdict, answer.answered, answer.published, answer.why) == (verdict, False, True, "failed")
    assert len(answer.actions) == len(deeds)


def test_answers_and_refusals_are_as_their_schema_says() -> None:
    surface, validator = ("door", DOOR), jsonschema.Draft202012Validator(schemas())
    acted = reply({"kind": "suspend", "for_ms": 1, "tell": "no"}, hits=(ToldHit("r", "acted", "suspend"),))
    answers: list[Answer | Refusal] = [
        answer_of(ASKED, surface, acted, NOW_MS),
        answer_of(ASKED, surface, reply(outcome="unknown"), NOW_MS),
        answer_of(ASKED, surface, reply(outcome="failed"), NOW_MS),
        no_answer(ASKED, surface, "timeout", is_published=True),
        Refusal("too_large", "it is"),
    ]
    for answer in answers:
        validator.validate(msgspec.json.decode(msgspec.json.encode(answer)))
    assert [getattr(answer, "verdict", None) for answer in answers] == ["deny", *["challenge"] * 3, None]
    for wrong in ({}, {**msgspec.to_builtins(answers[0]), "verdict": "perhaps"}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(wrong)
