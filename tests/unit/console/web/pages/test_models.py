"""Models: what they have learned, kept as they are, and what a quarantine would change."""

import orjson

from engine.console.store.database import Store
from engine.console.store.own import OUTGOING
from engine.learning.models import LearnedModel
from tests.console import add_decision, add_label, rows_of
from tests.rules_console import SaidControl, rules_client, standing_of


def model() -> LearnedModel:
    """One that m1 has taught."""
    learned = LearnedModel("spam", labels=12, spam=5)
    learned.moderator_trust.note("m1", None, 0.1)
    return learned


def test_a_model_is_told_with_its_curve(store: Store) -> None:
    for number in range(12):
        event_id = add_decision(store, number, scores={"spam": 0.9 if number % 2 else 0.1})
        add_label(store, number, "spam" if number % 2 else "ham", event_id)
    client = rules_client(store, "viewer", SaidControl(standing_of(), {"spam": model()}))
    (told,) = client.get("/api/models").json()["models"]
    assert (told["version"], told["labels"], told["curve"]["labels"], told["curve"]["auc"]) == ("spam-12", 12, 12, 1.0)
    page = client.get("/models").text
    assert "spam-12" in page
    assert "m1" in page


def test_a_challenger_is_told_beside_its_model(store: Store) -> None:
    challenged = model()
    for at in range(300):
        spam = at % 2 == 0
        challenged.compared.add(0.5, ("words", 0.9 if spam else 0.1), spam)
    client = rules_client(store, "viewer", SaidControl(standing_of(), {"spam": challenged}))
    (told,) = client.get("/api/models").json()["models"]
    assert (told["compared"]["challenger"], told["compared"]["n"]) == ("words", 300)
    assert told["compared"]["gain"]["low"] > 0
    page = client.get("/models").text
    assert "scores and learns beside it" in page
    assert "log loss is lower by 0.5878" in page
    challenged.compared.promoted = True
    client = rules_client(store, "viewer", SaidControl(standing_of(), {"spam": challenged}))
    assert "stands in its place" in client.get("/models").text


def test_a_slice_that_is_off_is_told(store: Store) -> None:
    sliced = model()
    for at in range(400):
        land = ("de", "br", "<b>")[at % 3]
        sliced.sliced.add(0.5, at % 2 == 0 or land == "de", ("event.country",), (land,))
    client = rules_client(store, "viewer", SaidControl(standing_of(), {"spam": sliced}))
    (told,) = client.get("/api/models").json()["models"]
    assert {one["value"]: (one["n"], one["is_off"]) for one in told["slices"]} == {
        "de": (134, True), "br": (133, False), "<b>": (133, False),
    }  # fmt: skip
    page = client.get("/models").text
    assert page.count("off: spam is more frequent") == 1
    assert "event.country = de" in page
    assert "event.country = &lt;b&gt;" in page
    assert "Right for whom" not in rules_client(
        store, "viewer", SaidControl(standing_of(), {"spam": model()})
    ).get("/models").text  # fmt: skip


def test_a_model_is_pinned_by_the_trainer(store: Store) -> None:
    client = rules_client(store, "operator", SaidControl(standing_of(), {"spam": model()}))
    assert client.post("/models/spam/pin", data={"note": ""}).status_code == 400
    assert client.post("/models/spam/pin", data={"note": "poisoned"}).status_code == 303
    assert client.post("/models/other/pin", data={"note": "why"}).status_code == 404
    (row,) = rows_of(store, OUTGOING)
    assert (row["kind"], orjson.loads(row["payload"])) == ("pin", {"model": "spam", "pinned": True})


def test_a_quarantine_is_previewed(store: Store) -> None:
    event_id = add_decision(store, 1)
    add_label(store, 1, "spam", event_id)
    add_label(store, 2, "ham", event_id, "m2")
    client = rules_client(store, "senior", SaidControl(standing_of(), {"spam": model()}))
    page = client.get("/models/quarantine?moderator=m1").text
    assert "1 labels are known here" in page
    assert "On 1 of these events" in page
    assert 'action="/moderators/m1/quarantine"' in page
    assert client.get("/models/quarantine").status_code == 400


def test_moderators_pin_nothing(store: Store) -> None:
    client = rules_client(store, "moderator", SaidControl(standing_of(), {"spam": model()}))
    assert client.post("/models/spam/pin", data={"note": "x"}).status_code == 403
