"""Models: what each has learned, from whom, how well, and how to keep or undo that."""

from typing import Any

from starlette.responses import Response

from engine.console.store import scores
from engine.console.store.outgoing import enqueue
from engine.console.store.rules import on_their_way
from engine.console.web.visits import Page, Visit, json_response
from engine.errors import RequestError
from engine.learning.delay_curve import delay_curve
from engine.learning.models import LearnedModel
from engine.learning.ngrams import RATES

KINDS = ("pin", "quarantine")


def show_models(visit: Visit) -> Response:
    """All models."""
    models, described = visit.console.control.models(), _described(visit)
    with visit.store.read() as connection:
        judged = scores.judged_events(connection)
        means, parts = scores.latest_scores(connection)
        sources = scores.labels_by_source(connection)
        waiting = len(on_their_way(connection, KINDS))
    curves = {name: scores.curve_of(judged.get(name, [])) for name in models}
    charts = {
        name: {"times": curve.times, "series": [{"name": "right", "values": curve.right}]}
        for name, curve in curves.items()
        if curve.times
    }
    drifts = {
        name: {"times": list(hours), "series": [{"name": "mean score", "values": list(hours.values())}]}
        for name, hours in means.items()
    }
    return visit.page(
        "models/models.html", models=described, curves=curves, charts=charts, drifts=drifts, parts=parts,
        sources=sources, waiting=waiting,
    )  # fmt: skip


def pin(visit: Visit) -> Response:
    """Keep a model as it is, or let it learn again."""
    name, is_lifted, note = visit.path["name"], visit.text("lift") == "yes", visit.text("note", most=500)
    if name not in visit.console.control.models():
        raise RequestError(f"there is no model {name[:100]!r}", 404)
    if not note:
        raise RequestError("say why: it stands in the audit log")
    with visit.store.write() as connection:
        enqueue(connection, "pin", {"model": name, "pinned": not is_lifted}, visit.person.name, visit.now_ms)
        visit.note(connection, "unpinned a model" if is_lifted else "pinned a model", f"model:{name}", note=note)
    visit.console.control.expire()
    said = f"{name} learns again: the trainer is told." if is_lifted else f"{name} stays as it is: the trainer is told."
    return visit.see("models", said=said)


def preview_quarantine(visit: Visit) -> Response:
    """What it would change that somebody's labels count no more."""
    name = visit.text("moderator", most=200)
    if not name:
        raise RequestError("say whom: ?moderator=NAME")
    models = visit.console.control.models()
    with visit.store.read() as connection:
        theirs = scores.moderated(connection, name)
    trust = {
        key: (model.moderator_trust.moderators[name].labels, model.labels, model.moderator_trust.trust(name))
        for key, model in models.items()
        if name in model.moderator_trust.moderators
    }
    is_quarantined = any(name in model.quarantined for model in models.values())
    return visit.page("models/quarantine.html", name=name, theirs=theirs, trust=trust, is_quarantined=is_quarantined)


def list_models(visit: Visit) -> Response:
    """All models, as JSON."""
    with visit.store.read() as connection:
        judged = scores.judged_events(connection)
    documents = [
        {**model, "curve": scores.curve_of(judged.get(model["name"], []))._asdict()} for model in _described(visit)
    ]
    return json_response({"models": documents})


def _described(visit: Visit) -> list[dict[str, Any]]:
    rulebook = visit.console.control.standing().rulebook
    specs = rulebook.models if rulebook is not None else {}
    described = []
    for name, model in sorted(visit.console.control.models().items()):
        spec = specs.get(name)
        described.append(
            {
                **_describe(name, model),
                "precision": spec.precision if spec is not None else None,
                "threshold": model.judged.lowest(spec.precision) if spec is not None and spec.precision else None,
                "min_labels": spec.min_labels if spec is not None else None,
                "is_in_use": spec is not None,
            }
        )
    return described


def _describe(name: str, model: LearnedModel) -> dict[str, Any]:
    trusts = model.moderator_trust
    shares = (
        [(rate, share) for rate, share in zip(RATES, model.ngrams.shares(), strict=True)]
        if not model.expression
        else []
    )
    return {
        "name": name,
        "version": model.version,
        "labels": model.labels,
        "spam": model.spam,
        "is_pinned": model.pinned,
        "learner": model.expression or "fast and slow linear learners, mixed",
        "shares": shares,
        "auc": model.judged.roc_auc(),
        "compared": model.compared.describe() if model.compared.challenger is not None else None,
        "moderators": [
            {"name": who, "labels": record.labels, "trust": trusts.trust(who)}
            for who, record in sorted(trusts.moderators.items())
        ],
        "quarantined": sorted(model.quarantined),
        "delays": delay_curve(model.delays) if model.delays.is_known else None,
        "slices": [{**one._asdict(), "gap": one.gap} for one in model.sliced.slices()],
    }


PAGES = (
    Page("/models", "models", show_models),
    Page("/models/quarantine", "quarantine_preview", preview_quarantine),
    Page("/models/{name}/pin", "model_pin", pin, "POST"),
    Page("/api/models", "api_models", list_models, is_api=True, summary="Models, and what they have learned"),
)
