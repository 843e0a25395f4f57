"""Pipelines are read as expressions, and nothing else of Python is."""

import pytest

from engine.errors import PipelineError
from engine.learning.allowed_estimators import MAX_PARTS, parts
from engine.learning.pipelines import MAX_CHARS, read_pipeline


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


BAYES = "naive_bayes.MultinomialNB()"


def test_a_pipeline_may_have_as_many_characters_as_the_limit() -> None:
    assert hasattr(read_pipeline(BAYES.ljust(MAX_CHARS)), "learn_one")
    with pytest.raises(PipelineError, match="has 1001 characters, the limit is 1000"):
        read_pipeline(BAYES.ljust(MAX_CHARS + 1))


def test_a_pipeline_may_have_as_many_parts_as_the_limit() -> None:
    def of(count: int) -> str:
        return f"compose.Pipeline({'compose.Select(),' * (count - 2)}{BAYES})"  # the pipeline and its end count, too

    assert len(list(parts(read_pipeline(of(MAX_PARTS))))) == MAX_PARTS
    with pytest.raises(PipelineError, match="has 51 parts, the limit is 50"):
        read_pipeline(of(MAX_PARTS + 1))


@pytest.mark.parametrize(
    ("before", "inside", "after", "deepest"),
    [
        ("HashedNgrams(", "[1]", ")", 28),
        ("", "preprocessing.Binarizer() | {}", "", 29),
        ("", "{} | " + BAYES, "", 29),
        ("", "compose.Pipeline({})", "", 29),
        ("", "optim.SGD(lr={})", "", 29),
    ],
)
def test_each_kind_of_nesting_ends_at_the_same_depth(before: str, inside: str, after: str, deepest: int) -> None:
    def nested(depth: int) -> str:
        if inside == "[1]":
            return before + "[" * depth + "1" + "]" * depth + after
        text = BAYES if inside.startswith(("pre", "com")) else "preprocessing.Binarizer()"
        for _ in range(depth):
            text = inside.format(f"({text})" if inside.startswith("pre") else text)
        return text

    try:
        read_pipeline(nested(deepest))
    except PipelineError as error:
        assert "nested too deeply" not in str(error)  # whatever else there is to say against it
    with pytest.raises(PipelineError, match="nested too deeply"):
        read_pipeline(nested(deepest + 1))


def test_a_number_keeps_its_sign() -> None:
    made = read_pipeline(f"preprocessing.Binarizer(-0.5) | {BAYES}")
    assert [part.threshold for part in parts(made) if hasattr(part, "threshold")] == [-0.5]


@pytest.mark.parametrize("text", ["compose.Select('a') * 2", "2 * compose.Select('a')", "compose.Select('a') | 'a'"])
def test_operators_stand_between_estimators_alone(text: str) -> None:
    with pytest.raises(PipelineError, match="is neither an estimator"):
        read_pipeline(text)
