"""Source text of scorecards and of parameters by segment."""

from engine.core.values.lists import Conceal
from engine.core.values.scorecards import scorecard
from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.language.nodes import Choice, Points, Ref


def tally(scope: Scope, ref: Ref, body: Points) -> str:
    """The local variable of a scorecard's points; what each term has earned can be asked for by `scope.tallies`."""
    held = f"{scope.variable(ref)}_held"
    card = scope.constant("P", scorecard([(term.text, term.points) for term in body.terms]))
    terms = "".join(f"{scope.value(term.condition)}, " for term in body.terms)
    scope.tallies[ref.target] = f"{card}.earned({held})"
    return scope.once(ref, f"{card}.total({held} := ({terms}))")


def chosen(scope: Scope, body: Choice, conceal: Conceal | None) -> str:
    """The constant of the event's segment. Where people have pseudonyms, it may be told by one."""
    values = {segment: constant.value for segment, constant in body.values}
    if conceal is not None:
        values |= {conceal(segment): value for segment, value in values.items()}
    return f"{scope.constant('C', values)}.get({scope.loaded(body.subject)}, {body.default.value!r})"
