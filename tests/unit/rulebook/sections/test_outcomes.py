"""What is wrong with an outcome is told where it stands."""

import pytest

from engine.core.domain.outcomes import OutcomeSpec
from engine.rulebook.checks.keeping import longest_kept
from engine.rulebook.compiler import check_rulebook, load_rulebook

HIDDEN = "hidden: {after: impression, is: hide, by: [user_id, target_id], within: 24h}"


def outcome(declared: str, more: str = "") -> OutcomeSpec:
    rulebook = load_rulebook({"r.yaml": f"version: 1\noutcomes:\n  x: {declared}\n{more}"})
    return rulebook.outcomes["x"]


def problems(text: str) -> str:
    return check_rulebook({"r.yaml": f"version: 1\n{text}\n"})[1].report()


def test_an_outcome_is_read() -> None:
    spec = outcome("{after: [impression, view], is: [hide, report], by: [user_id, target_id], within: 24h}")
    assert (spec.kind, spec.from_ms, spec.until_ms, spec.otherwise) == ("target_id+user_id", 0, 86_400_000, "no")
    assert spec.is_at_user
    spec = outcome("{after: session_start, is: session_start, by: user_id, between: [1d, 2d]}")
    assert (spec.from_ms, spec.until_ms, spec.is_at_user) == (86_400_000, 2 * 86_400_000, True)
    assert not outcome("{after: click, is: install, by: [device_id, event.app], within: 7d}").is_at_user


def test_whatever_an_outcome_says_makes_it_another_one() -> None:
    values = "values: {{good: event.stars >= {}}}"
    about = "{{after: impression, is: answer, by: user_id, within: {}, value: good}}"
    made = [(about.format("7d"), values.format(4)), (about.format("8d"), values.format(4)),
            (about.format("7d"), values.format(5))]  # fmt: skip
    assert len({outcome(*one).key for one in made}) == 3


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ("{after: a, is: b, by: user_id}", "3:3: error: outcome `x` needs exactly one of within and between"),
        ("{after: a, by: user_id, within: 1d}", "outcome `x` needs `is`"),
        ("{after: a, is: b, by: user_id, within: 400d}", "error: an outcome is waited for at most 366d"),
        ("{after: a, is: b, by: user_id, between: [2d, 1d]}", "the second duration of `between` is longer"),
        ("{after: a, is: b, by: user_id, between: [2d]}", "`between` is a list of two durations"),
        ("{after: a, is: b, by: {pair: [user_id, target_id]}, within: 1d}", "events meet by fields that both have"),
        ("{after: a, is: b, by: user_id, within: 1d, otherwise: maybe}", "`otherwise` cannot be"),
        ("{after: a, is: b, by: user_id, within: 1d, otherwise: unknown}", "yes or unknown, and never no"),
        ("{after: a, is: label.spam, by: user_id, within: 1d}", "`label.spam` is made by the engine"),
        ("{after: a, is: b, by: user_id, within: 1d, value: seen > 1}", "`seen` is not known where an outcome is read"),
        ("{after: a, is: b, by: user_id, within: 1d, value: event.stars +}", "error"),
    ],
)
def test_what_is_wrong_with_it_is_told(declared: str, problem: str) -> None:
    counters = "counters: {seen: {count: a, by: user_id, over: 1h}}"
    assert problem in problems(f"outcomes:\n  x: {declared}\n{counters}")


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("{outcome: hiden, numbers: [event.n]}", 'unknown outcome "hiden"'),
        ("{outcome: hidden, labels: spam, numbers: [event.n]}", "a model learns an outcome or labels, not both"),
        ("{outcome: hidden, learn: false, numbers: [event.n]}", "a model of an outcome learns"),
        ("{answer_model: m, numbers: [event.n]}", "`answer_model` goes with `outcome`"),
        ("{outcome: hidden, answer_model: other, numbers: [event.n]}", "there is nothing to weigh"),
        ("{outcome: rated, answer_model: m, numbers: [event.n]}", 'there is no other model "m"'),
        ("{outcome: rated, answer_model: plain, numbers: [event.n]}", "`plain` learns no outcome"),
        ("{outcome: rated, answer_model: elsewhere, numbers: [event.n]}", "is not asked at impression events"),
        ("{labels: '@outcome.hidden', numbers: [event.n]}", "`labels` is the name of a policy"),
        ("{of: label.spam, numbers: [event.n]}", "a model scores events that are sent"),
    ],
)
def test_what_is_wrong_with_its_models_is_told(model: str, problem: str) -> None:
    rated = "rated: {after: impression, is: rate, by: user_id, within: 1d, value: event.s > 3, otherwise: unknown}"
    opened = "opened: {after: session, is: click, by: user_id, within: 1d}"
    models = "other: {outcome: hidden, numbers: [event.n]}\n  plain: {numbers: [event.n]}\n"
    models += "  elsewhere: {outcome: opened, numbers: [event.n]}"
    assert problem in problems(f"outcomes:\n  {HIDDEN}\n  {rated}\n  {opened}\nmodels:\n  {models}\n  m: {model}")


def test_a_model_of_an_outcome_is_asked_at_its_events_without_a_rule() -> None:
    models = "models: {m: {outcome: hidden, numbers: [event.n]}, seen: {of: view, numbers: [event.n]}}"
    rulebook = load_rulebook({"r.yaml": f"version: 1\noutcomes:\n  {HIDDEN}\n{models}\n"})
    asked = {kind: list(program.decider.models) for kind, program in rulebook.programs.items()}
    assert asked == {"impression": ["m"], "hide": [], "view": ["seen"]}
    assert rulebook.models["m"].policy == "@outcome.hidden"


def test_state_has_to_outlive_what_is_waited_for() -> None:
    rulebook = load_rulebook({"r.yaml": f"version: 1\noutcomes:\n  {HIDDEN}\n"})
    assert longest_kept(rulebook) == ("hidden", 86_400_000)
