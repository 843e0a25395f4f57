"""Reads the declarations of models: what they read, how they learn, whose labels they heed."""

import re
from collections.abc import Iterator, Mapping

from engine.core.domain.follow_ups import SIGN, is_follow_up, written_type
from engine.core.domain.outcomes import outcome_policy
from engine.core.domain.rules import ModelSpec
from engine.errors import PipelineError, SnapshotError
from engine.learning.estimators import RiverLearner
from engine.learning.slices import MOST_SLICED
from engine.rulebook.language.diagnostics import Span, did_you_mean
from engine.rulebook.language.nodes import Ref, names_in
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import reached
from engine.rulebook.sections.records import RatioDeclaration

LEAST_PRECISION, MOST_PRECISION = 0.5, 0.999
MOST_OF_A_HINT = 5.0
LEAST_PRESUMED = 0.1
"""Each of them counts for all: ten, here, and that is as much as a label may count."""
_MIN_LABELS = 50
_COUNTED = ("counter", "sequence", "memory")
_SEVERAL, _MOST_SEVERAL = re.compile(r"(event\.(?:[^\s.]+\.)+)([0-9]{1,4})\.\.([0-9]{1,4})"), 256
"""Numbers that stand side by side, such as an image's embedding."""


def read_model(declared: Declarations, name: str, keys: Mapping[str, Node]) -> ModelSpec | None:
    """A model, or None and what is wrong with it."""
    report, named = declared.diagnostics, {}
    for key, allowed in (("numbers", ("number", "duration", "size", "any")), ("texts", ("text", "any"))):
        named[key] = _readable(declared, keys.get(key), allowed)
    named["categories"] = _readable(declared, keys.get("categories"), ("text", "any"))
    slices = _slices(declared, keys["slices"]) if "slices" in keys else ()
    hints = _hints(declared, keys["hints"]) if "hints" in keys else {}
    learned = _learned(declared, name, keys)
    if not any(named.values()) and not hints:
        report.error(declared.spans[f"models.{name}"], f"model `{name}` needs numbers, texts, categories or hints")
    scalars = {key: keys[key].scalar for key in ("learn", "min_labels", "precision", "presume") if key in keys}
    texts = {key: keys[key].text for key in ("labels", "river") if key in keys}
    learns, min_labels = scalars.get("learn", True), scalars.get("min_labels", _MIN_LABELS)
    precision, presume = scalars.get("precision"), scalars.get("presume", 0.0)
    if type(learns) is not bool:
        report.error(keys["learn"].span, "`learn` is true or false")
    elif type(min_labels) is not int or min_labels < 0:
        report.error(keys["min_labels"].span, "`min_labels` is a whole number, 0 or more")
    elif precision is not None and not (
        isinstance(precision, float) and LEAST_PRECISION <= precision <= MOST_PRECISION
    ):
        report.error(keys["precision"].span, f"`precision` is a number from {LEAST_PRECISION} to {MOST_PRECISION}")
    elif type(presume) not in (int, float) or ("presume" in keys and not LEAST_PRESUMED <= float(presume or 0) <= 1):
        report.error(keys["presume"].span, f"`presume` is a number from {LEAST_PRESUMED} to 1: a share of the events")
    elif "presume_after" in keys and "presume" not in keys:
        report.error(keys["presume_after"].span, "`presume_after` goes with `presume`: when events are taken for ham")
    elif "presume_after" in keys and keys["presume_after"].text != "learned":
        report.error(keys["presume_after"].span, "`presume_after` is `learned`: as long as labels of spam take")
    elif "labels" in keys and (not texts["labels"] or str(texts["labels"]).startswith(SIGN)):
        report.error(keys["labels"].span, "`labels` is the name of a policy")
    elif learned is not None and ("river" not in keys or _is_pipeline(declared, keys["river"])):
        outcome, answer_model, of = learned
        return ModelSpec(
            name=name,
            numbers=(*named["numbers"], *hints),
            texts=named["texts"],
            categories=named["categories"],
            min_labels=min_labels,
            learns=learns,
            policy=texts.get("labels") if outcome is None else outcome_policy(outcome),
            precision=precision if isinstance(precision, float) else None,
            river=texts.get("river"),
            hints=tuple(hints.values()),
            presume=float(presume or 0),
            awaits="presume_after" in keys,
            units=_units(declared, named["numbers"], declared.spans[f"models.{name}"]),
            of=of,
            outcome=outcome,
            answer_model=answer_model,
            challenger=keys["challenger"].text if "challenger" in keys else None,
            promotes="promote" in keys,
            slices=slices,
            seed=declared.seeds.get(name),
        )
    return None


def _learned(
    declared: Declarations, name: str, keys: Mapping[str, Node]
) -> tuple[str | None, str | None, tuple[str, ...]] | None:
    """What a model learns in place of labels, who weighs that, and which events it scores though no rule asks. None
    and errors where that cannot be."""
    report, errors = declared.diagnostics, len(declared.diagnostics.errors)
    outcome = _outcome_named(declared, keys["outcome"]) if "outcome" in keys else None
    if "outcome" in keys and "labels" in keys:
        report.error(keys["labels"].span, "a model learns an outcome or labels, not both")
    if "outcome" in keys and keys.get("learn", keys["outcome"]).scalar is False:
        report.error(keys["learn"].span, "a model of an outcome learns")
    answer_model = keys["answer_model"].text if "answer_model" in keys else None
    if "answer_model" in keys and "river" in keys:
        report.error(keys["river"].span, "a pipeline of River's cannot weigh answers", "leave `river` out")
    if answer_model is not None:
        _check_answer_model(declared, name, keys, outcome, answer_model)
    of = declared.event_types(f"models.{name}", keys["of"]) if "of" in keys else ()
    for kind in filter(is_follow_up, of):
        report.error(keys["of"].span, f"a model scores events that are sent, `{written_type(kind)}` is made here")
    if outcome is not None and not of:
        of = declared.outcomes[outcome].after
    return (outcome, answer_model, of) if len(report.errors) == errors else None


def _outcome_named(declared: Declarations, node: Node) -> str | None:
    name = node.text or ""
    if name in declared.outcomes:
        return name
    if f"outcomes.{name}" not in declared.spans:  # else it is wrong and has been reported
        hint = did_you_mean(name, declared.outcomes) or "declare it under `outcomes:`"
        declared.diagnostics.error(node.span, f'unknown outcome "{name}"', hint)
    return None


def _check_answer_model(
    declared: Declarations, name: str, keys: Mapping[str, Node], outcome: str | None, answer_model: str
) -> None:
    report, node = declared.diagnostics, keys["answer_model"]
    other = declared.models.get(answer_model)
    if "outcome" not in keys:
        report.error(node.span, "`answer_model` goes with `outcome`: it weighs the answers to a survey")
    elif other is None or answer_model == name:
        hint = did_you_mean(answer_model, declared.models) or "declare it under `models:`"
        report.error(node.span, f'there is no other model "{answer_model}"', hint)
    elif "outcome" not in other:
        report.error(node.span, f"`{answer_model}` learns no outcome: it has to tell who answers", "outcome: answered")
    elif outcome is not None and declared.outcomes[outcome].otherwise == "no":
        message = f"`{outcome}` is no where nobody answers: there is nothing to weigh"
        report.error(node.span, message, "say `otherwise: unknown` under `outcomes:`")
    elif outcome is not None and (known := declared.outcomes.get(other["outcome"].text or "")) is not None:
        missing = sorted({*declared.outcomes[outcome].after} - {*known.after})
        if missing:
            report.error(node.span, f"`{answer_model}` is not asked at {', '.join(missing)} events")


def _units(declared: Declarations, numbers: tuple[str, ...], span: Span) -> dict[str, str]:
    """Which of the numbers are durations or sizes."""
    refs = ((name, declared.resolve(name, span)) for name in numbers)
    return {name: ref.type for name, ref in refs if ref is not None and ref.type in ("duration", "size")}


def _hints(declared: Declarations, node: Node) -> dict[str, float]:
    """What is hinted at, and what it adds to the logit."""
    hints: dict[str, float] = {}
    if node.entries is None:
        message = f"`hints` maps names to numbers, this is {node.kind}"
        declared.diagnostics.error(node.span, message, "for example: {links: 1.5}")
    for name, value in (node.entries or {}).items():
        weight, readable = value.scalar, _readable(declared, Node(node.keys[name], name), ("bool", "number", "any"))
        if type(weight) not in (int, float) or not 0 < abs(float(weight or 0)) <= MOST_OF_A_HINT:
            allowed = f"a number from -{MOST_OF_A_HINT:g} to {MOST_OF_A_HINT:g} and not 0"
            hint = "1 is weak, 3 is strong, below 0 speaks for ham"
            declared.diagnostics.error(value.span, f"how much `{name}` hints at spam is {allowed}", hint)
        elif readable:
            hints[name] = float(weight or 0)
    return hints


def _is_pipeline(declared: Declarations, node: Node) -> bool:
    try:
        learner = RiverLearner(node.text or "")
        RiverLearner.load(node.text or "", learner.dump())
    except (PipelineError, SnapshotError) as error:
        hint = "for example: preprocessing.StandardScaler() | linear_model.LogisticRegression()"
        declared.diagnostics.error(node.span, str(error), hint)
        return False
    if learner.keeps_text:
        message = "this keeps words of people, as they are: pseudonyms do not hide them, `floodgate forget` leaves them"
        declared.diagnostics.warning(node.span, message, "HashedNgrams() and preprocessing.FeatureHasher() keep none")
    return True


def _named(declared: Declarations, node: Node | None) -> Iterator[tuple[str, Span]]:
    """What stands there, by name; of `event.x.0..31` all of them."""
    for item in node.walk() if node is not None else ():
        text = item.text or ""
        several = _SEVERAL.fullmatch(text)
        first, last = (int(several[2]), int(several[3])) if several else (0, 0)
        if several and not 0 <= last - first < _MOST_SEVERAL:
            message = f"`{text}` is one number to {_MOST_SEVERAL}, the first one first"
            declared.diagnostics.error(item.span, message, f"for example: {several[1]}0..31")
        elif several:
            yield from ((f"{several[1]}{number}", item.span) for number in range(first, last + 1))
        else:
            yield text, item.span


def _readable(declared: Declarations, node: Node | None, allowed: tuple[str, ...]) -> tuple[str, ...]:
    names = []
    for text, span in _named(declared, node):
        ref = declared.resolve(text, span)
        if ref is not None and ref.type not in allowed:
            declared.diagnostics.error(span, f"`{text}` is a {ref.type}, this needs a {allowed[0]}")
        elif ref is not None and _reads_score(declared, ref):
            declared.diagnostics.error(span, "a model cannot read a score")
        elif ref is not None and "text" in allowed and any(one.kind == "memory" for one in reached(declared, ref)):
            message = f"`{text}` is remembered: a model reads its texts and categories before that is looked up"
            declared.diagnostics.error(span, message, "compare it in a rule, or count with it in `numbers`")
        elif ref is not None:
            names.append(text)
    return tuple(names)


def _slices(declared: Declarations, node: Node) -> tuple[str, ...]:
    """What is known of an event as it comes: models' texts are read before anything is counted."""
    names = _readable(declared, node, ("text", "bool", "any"))
    if len(names) > MOST_SLICED:
        declared.diagnostics.error(node.span, f"there are at most {MOST_SLICED} `slices`")
    for item in node.walk():
        ref = declared.resolve(item.text or "", item.span)
        if ref is not None and any(one.kind in _COUNTED for one in reached(declared, ref)):
            message = f"`{item.text}` is counted or remembered: slices are by what the event says itself"
            declared.diagnostics.error(item.span, message)
    return names


def _reads_score(declared: Declarations, ref: Ref) -> bool:
    if ref.kind != "derived":
        return ref.kind == "score"
    body = declared.derived[ref.target][1]
    parts = (body.numerator, body.denominator) if isinstance(body, RatioDeclaration) else names_in(body)
    return any(_reads_score(declared, part) for part in parts)
