"""What labels bring about on the simulated day, hostile ones among them."""

from benchmarks.learning import simulated_cases
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import Scenario, evaluate
from engine.learning.metrics import recall_at


def test_one_hostile_moderator_in_a_hundred_hardly_matters() -> None:
    cases = simulated_cases()
    recalls = {}
    for campaign in (None, "link_swarm"):
        scenario = Scenario(delay=200, fraction=0.25, hostile=0.01 if campaign else 0.0, campaign=campaign)
        result = evaluate(cases, EvaluatedModel(), scenario)
        recalls[campaign] = recall_at(result.scores, result.spam, 0.01)
    clean, hostile = recalls[None], recalls["link_swarm"]
    assert clean is not None
    assert hostile is not None
    assert clean > 0.85
    assert clean - hostile < 0.02
