"""Challengers: which model may stand in another one's place, and that nothing is enforced by its own score."""

from collections.abc import Mapping, Sequence

from engine.core.domain.rules import ModelSpec, challengers
from engine.rulebook.language.diagnostics import did_you_mean
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import Dependencies
from engine.rulebook.sections.rules import RuleDeclaration


def check_challengers(declared: Declarations, models: Mapping[str, ModelSpec]) -> None:
    """A model and its challenger learn the same and score the same events."""
    champions = dict[str, str]()
    for name, keys in declared.models.items():
        if "promote" in keys and "challenger" not in keys:
            declared.diagnostics.error(keys["promote"].span, "`promote` goes with `challenger`: whom to promote")
        if "challenger" not in keys or name not in models:
            continue
        node, challenger = keys["challenger"], keys["challenger"].text or ""
        problem, hint = _problem(declared, models, name, challenger), None
        if challenger not in declared.models:
            problem = f'there is no model "{challenger}"'
            hint = did_you_mean(challenger, declared.models) or "declare it under `models:`"
        elif challenger in champions:
            problem = f"`{challenger}` challenges `{champions[challenger]}` already"
        if problem is not None:
            declared.diagnostics.error(node.span, problem, hint)
        champions[challenger] = name


def _problem(declared: Declarations, models: Mapping[str, ModelSpec], name: str, challenger: str) -> str | None:
    if challenger == name:
        return "a model cannot challenge itself"
    if "challenger" in declared.models.get(challenger, {}):
        return f"`{challenger}` has a challenger of its own: one of them at a time"
    own, other = models[name], models.get(challenger)
    if other is None:
        return None  # it is wrong and has been reported
    if not (own.learns and other.learns):
        return "a model and its challenger learn: leave `learn: false` out"
    for what, ours, theirs in (
        ("labels", own.policy, other.policy),
        ("presume", own.presume, other.presume),
        ("presume_after", own.awaits, other.awaits),
        ("answer_model", own.answer_model, other.answer_model),
    ):
        if ours != theirs:
            said = "labels or outcome" if what == "labels" else f"`{what}`"
            return f"`{challenger}` learns something else than `{name}`: give it the same {said}"
    return None


def check_challengers_rules(
    rules: Sequence[RuleDeclaration], needs: Dependencies, models: Mapping[str, ModelSpec]
) -> None:
    """What a challenger says is only tried: rules that act read the score of the model that it challenges."""
    champions = challengers(models)
    for rule in rules:
        if rule.rule.mode == "shadow":
            continue
        for clause in rule.all_clauses():
            for name in sorted(needs.scores(clause) & champions.keys()):
                message = f"`{name}` challenges `{champions[name]}`, and enforces nothing itself"
                hint = f"read `score.{champions[name]}`: it is what `{name}` says as soon as that is promoted"
                needs.declared.diagnostics.error(clause.expr.span, message, hint)
