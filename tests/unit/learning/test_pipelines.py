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
        ("os.system('true')", "is not an estimator that may be used"),
        ("__import__('os')", "is not an estimator that may be used"),
        ("linear_model.base.__builtins__()", "is not an estimator that may be used"),
        ("linear_model.LogisticRegression(l3=1)", "takes no `l3` here; it takes optimizer, loss"),
        ("linear_model.LogisticRegresion()", "allowed are: linear_model.LogisticRegression"),
        ("datasets.TREC07()", "is not an estimator that may be used; allowed are: HashedNgrams"),
        ("linear_model.LogisticRegression(optim.SGD(), optimizer=optim.SGD())", "is given optimizer twice"),
        ("linear_model.LogisticRegression(**[])", "takes no"),
        ("linear_model.LogisticRegression(l1=1.0, l2=1.0)", "cannot be made"),
        ("linear_model.LogisticRegression(optimizer=optim.losses.Log())", "`optimizer` of .* is an optimizer, or None"),
        ("naive_bayes.MultinomialNB(1e999)", "is a number from 0 to 1000"),
        ("naive_bayes.GaussianNB(1)", "takes 0 arguments"),
        ("forest.ARFClassifier(n_models=1000000)", "is a whole number from 2 to 20"),
        ("ensemble.BaggingClassifier(forest.ARFClassifier())", "without ensembles"),
        ("ensemble.BaggingClassifier(compose.Select('a') | HashedNgrams())", "without ensembles"),
        ("feature_extraction.BagOfWords(tokenizer_pattern='(a+)+b') | naive_bayes.MultinomialNB()", "takes no"),
        ("feature_extraction.BagOfWords(on='" + "x" * 201 + "') | naive_bayes.MultinomialNB()", "at most 200"),
        ("preprocessing.FeatureHasher(10**9) | naive_bayes.MultinomialNB()", "is neither an estimator"),
        ("preprocessing.FeatureHasher(1000000000) | naive_bayes.MultinomialNB()", "to 1048576"),
        ("optim.SGD() | naive_bayes.MultinomialNB()", "cannot have a SGD"),
        ("(compose.Select('a') | compose.Select('a')) * naive_bayes.MultinomialNB()", "not a classifier"),
        ("compose.Select('a') * naive_bayes.MultinomialNB() | naive_bayes.MultinomialNB()", "cannot have a Grouper"),
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
