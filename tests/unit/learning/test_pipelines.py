"""Pipelines are read as expressions, and nothing else of Python is."""

import pytest

from engine.errors import PipelineError
from engine.learning.pipelines import read_pipeline


@pytest.mark.parametrize(
    "text",
    [
        "HashedNgrams(rates=[1.0, 0.5, 0.2, 0.1])",
        "preprocessing.StandardScaler() | linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.1), l2=1e-4)",
        "river.feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB(alpha=1)",
        "feature_extraction.TFIDF(on='a') + feature_extraction.TFIDF(on='b') | naive_bayes.ComplementNB()",
    ],
)
def test_estimators_of_river_are_made(text: str) -> None:
    assert hasattr(read_pipeline(text), "learn_one")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("linear_model.LogisticRegression(", "is not an expression"),
        ("os.system('true')", "is not a class of River's"),
        ("__import__('os')", "is not a class of River's"),
        ("linear_model.base.__builtins__()", "is not a class of River's"),
        ("linear_model.LogisticRegression(l3=1)", "cannot be made"),
        ("[print for _ in ()]", "is neither an estimator"),
        ("preprocessing.StandardScaler()", "not a classifier"),
        ("linear_model.LogisticRegression", "is neither an estimator"),
        ("'a' * 1000000000", "is neither an estimator"),
        ("-" * 200 + "1", "nested too deeply"),
        ("x" * 2_000, "the limit is 1000"),
    ],
)
def test_anything_else_is_refused(text: str, told: str) -> None:
    with pytest.raises(PipelineError, match=told):
        read_pipeline(text)
