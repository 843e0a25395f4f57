"""Every estimator that may be used writes what it has learned, and goes on from there to the last bit."""

import random
import warnings
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from river import linear_model, preprocessing, stats

from engine.errors import SnapshotError
from engine.learning.allowed_estimators import ALLOWED, KEEPS_TEXT, keeps_text
from engine.learning.estimators import RiverLearner
from engine.learning.features import Inputs, Names
from engine.learning.learner_state import VERSION, dump_state, load_state
from engine.learning.packed import MAX_BYTES
from engine.learning.pipelines import read_pipeline
from engine.learning.state_kinds import STATE
from tests.costs import cost_by_length

NAMES = Names(("text",), ("ip", "event.plan"), ("age", "n"))
_WORDS = [f"{a}{b}" for a in ("free", "lunch", "crypto", "meet", "naïve", "win") for b in ("", "s", "ing", "-x")]
_NUMBERS = "compose.Select('age', 'n') | preprocessing.StandardScaler() | "
_LR = "linear_model.LogisticRegression"
_TEXT_NB = "feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()"
_TREE = "compose.Discard('text')"
_FOREST = f"{_TREE} | forest.ARFClassifier(n_models=4, seed=7, grace_period=5, tau=0.9, max_features=None)"
PIPELINES = [
    _TEXT_NB,
    "feature_extraction.BagOfWords(on='text', ngram_range=(1, 3), stop_words=['free'])"
    " | naive_bayes.ComplementNB(alpha=1)",
    "feature_extraction.TFIDF(on='text') | naive_bayes.BernoulliNB()",
    "feature_extraction.TFIDF(on='text', ngram_range=[1, 2]) | linear_model.LogisticRegression(optim.AdaGrad(0.3))",
    "feature_extraction.TFIDF(on='text', normalize=False) | naive_bayes.GaussianNB()",
    "feature_extraction.TFIDF(on='text') + (compose.Select('age') | preprocessing.StandardScaler())"
    " | linear_model.LogisticRegression()",
    "feature_extraction.BagOfWords('text') | preprocessing.FeatureHasher(64) | linear_model.LogisticRegression()",
    "feature_extraction.BagOfWords('text') | preprocessing.Normalizer() | linear_model.ALMAClassifier()",
    "compose.Select('ip', 'plan') | preprocessing.OneHotEncoder() | linear_model.PAClassifier()",
    "(compose.Select('ip') | preprocessing.OneHotEncoder()) * (compose.Select('age')) | linear_model.Perceptron()",
    "compose.Pipeline(('scale', compose.TransformerUnion(compose.Select('age') | compose.Prefixer('a_'),"
    " compose.Select('n') | compose.Suffixer('_b'))), linear_model.PAClassifier(mode=2))",
    "compose.TransformerProduct(compose.Select('age'), compose.Select('n')) | preprocessing.MinMaxScaler()"
    " | linear_model.LogisticRegression(l1=0.01)",
    "compose.Select('age', 'n') | preprocessing.MaxAbsScaler() | preprocessing.Binarizer(0.3)"
    " | naive_bayes.BernoulliNB()",
    "compose.Select('age', 'n') | preprocessing.MinMaxScaler() | linear_model.LogisticRegression(l2=0.01,"
    " intercept_lr=optim.schedulers.InverseScaling(0.1), initializer=optim.initializers.Constant(0.5))",
    "compose.Select('age', 'n') | naive_bayes.GaussianNB()",
    f"{_NUMBERS}{_LR}(loss=optim.losses.Hinge(), initializer=optim.initializers.Zeros())",
    f"{_NUMBERS}{_LR}(loss=optim.losses.BinaryFocalLoss(), optimizer=optim.SGD(optim.schedulers.Constant(0.1)))",
    f"{_NUMBERS}{_LR}(loss=optim.losses.Log(2.0), optimizer=optim.SGD(optim.schedulers.Optimal(optim.losses.Log())))",
    *(f"{_NUMBERS}{_LR}({name}())" for name in ALLOWED if name.startswith("optim.") and name.count(".") == 1),
    *(f"feature_extraction.TFIDF(on='text') | {_LR}(optim.{name}())" for name in ("Adam", "RMSProp", "FTRLProximal")),
    f"{_TREE} | tree.HoeffdingTreeClassifier(grace_period=5, delta=0.9)",
    f"{_TREE} | tree.HoeffdingTreeClassifier(grace_period=5, tau=0.9, leaf_prediction='mc', remove_poor_attrs=True)",
    f"{_TREE} | tree.HoeffdingTreeClassifier(grace_period=5, delta=0.9, leaf_prediction='nb', split_criterion='gini')",
    f"{_TREE} | tree.HoeffdingTreeClassifier(grace_period=5, tau=0.9, max_depth=2)",
    "compose.Select('age') | forest.ARFClassifier(n_models=3, seed=1)",
    f"{_TREE} | forest.ARFClassifier(n_models=3, grace_period=5, delta=0.9, leaf_prediction='mc')",
    _FOREST,
    f"ensemble.BaggingClassifier({_NUMBERS}linear_model.PAClassifier(), n_models=3)",
    "ensemble.AdaBoostClassifier(feature_extraction.TFIDF(on='text') | naive_bayes.MultinomialNB(), n_models=3)",
    f"ensemble.BaggingClassifier({_TREE} | tree.HoeffdingTreeClassifier(grace_period=5, tau=0.9), n_models=2)",
    "HashedNgrams(texts=['text'], rates=[1.0, 0.5, 0.2, 0.1])",
    "compose.Select('text', 'age') | HashedNgrams()",
]


def made_up(count: int, seed: int = 0) -> list[tuple[Inputs, bool]]:
    """Examples: half way through, what is spam turns round, so that windows tell of drift."""
    dice = random.Random(seed)
    found = []
    for at in range(count):
        spam = dice.random() < 0.5
        looks = spam != (at > count // 2)
        words = dice.choices(_WORDS[:16] if looks else _WORDS[8:], k=dice.randint(2, 9))
        ip = dice.choice(["10.0.0.1", "10.0.0.2"] if looks else ["10.0.0.2", "192.168.0.9", "\ud800"])
        age = dice.gauss(1 if looks else 5, 2)
        inputs = Inputs((" ".join(words),), (ip, dice.choice(["free", "pro"])), (age, float(dice.randint(0, 50))))
        found.append((inputs, spam))
    return found


def teach(learner: RiverLearner, stream: list[tuple[Inputs, bool]]) -> list[float]:
    """What it says of each example before it learns it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, about numbers
        return [learner.teach(NAMES, inputs, spam, 1.0) for inputs, spam in stream]


def taught(expression: str, count: int = 200) -> RiverLearner:
    learner = RiverLearner(expression)
    teach(learner, made_up(count))
    return learner


@pytest.mark.parametrize("count", [0, 1, 7, 600])
@pytest.mark.parametrize("expression", PIPELINES)
def test_what_was_learned_goes_on_to_the_last_bit(expression: str, count: int) -> None:
    learner = taught(expression, count)
    data = learner.dump()
    other = RiverLearner.load(expression, data)
    assert other.dump() == data
    later = made_up(100, seed=1)
    assert [other.probability(NAMES, inputs) for inputs, _ in later] == [
        learner.probability(NAMES, inputs) for inputs, _ in later
    ]
    assert teach(other, later) == teach(learner, later)
    assert other.dump() == learner.dump()
    assert len(data) < 2_000_000


def test_every_allowed_name_is_tried() -> None:
    joined = " ".join(PIPELINES)
    assert [name for name in ALLOWED if f"{name}(" not in joined] == []
    assert {one.make for one in ALLOWED.values()} <= STATE.keys()
    assert set(ALLOWED) >= KEEPS_TEXT


def test_trees_and_forests_really_grow() -> None:
    forest = taught(_FOREST, 600)._estimator["ARFClassifier"]
    assert any(tree.height > 2 for tree in forest)
    assert forest.n_drifts_detected() > 0
    assert forest.n_warnings_detected() > 0


@pytest.mark.parametrize("expression", PIPELINES)
def test_text_in_clear_is_found(expression: str) -> None:
    data = taught(expression).dump()
    clear = any(word.encode() in data for word in (*_WORDS, "192.168.0.9") if len(word) > 4)
    assert keeps_text(read_pipeline(expression)) or not clear


def _state(expression: str) -> Any:
    return msgspec.msgpack.decode(taught(expression).dump())[1]


SMALL = [_TEXT_NB, PIPELINES[5], PIPELINES[8], _FOREST, PIPELINES[-4]]
DUMPS = {expression: taught(expression, 40).dump() for expression in SMALL}


def refused_or_usable(expression: str, data: bytes) -> None:
    with cost_by_length():
        try:
            learner = RiverLearner.load(expression, data)
        except SnapshotError:
            return
        for inputs, spam in made_up(5):  # whatever it raises is an Exception, and it ends
            try:
                learner.teach(NAMES, inputs, spam, 1.0)
            except Exception as error:
                assert type(error).__name__ == "LabelError"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SMALL), st.data())
def test_damaged_bytes_are_refused_or_harmless(expression: str, draw: st.DataObject) -> None:
    data = bytearray(DUMPS[expression])
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(data) - 1))
        data[at : at + draw.draw(st.integers(0, 3))] = draw.draw(st.binary(max_size=9))
    refused_or_usable(expression, bytes(data))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += leaves(inner, (*path, key))
    return found


_HOSTILE: list[Any] = [
    None, True, -1, 0, 2**63, -(2**60), 1e308, float("nan"), float("inf"), "", "x", b"", b"\xff" * 8, b"\xff" * 16,
    [], {}, [b"", b"", b""], ["d", b"\xff" * 8], ["O", b"\x00" * 8],
    [[]] * 100, {"__class__": "os.system"}, b"\0" * 2500,
]  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SMALL), st.data())
def test_another_value_in_any_place_is_refused_or_harmless(expression: str, draw: st.DataObject) -> None:
    whole = msgspec.msgpack.decode(DUMPS[expression])
    *way, last = draw.draw(st.sampled_from(leaves(whole)[1:]))
    place = whole
    for key in way:
        place = place[key]
    place[last] = draw.draw(st.sampled_from(_HOSTILE))
    refused_or_usable(expression, msgspec.msgpack.encode(whole))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x92\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff" * 10,
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 100_000,
        b"\x81\xa1a" * 100_000,
        b"\x92\x01\xdd\x03\xd0\x90\x00" + b"\x90" * 64_000_000,
        b"\xdd\x02\x00\x00\x00" + b"\xc0" * (2 << 24),
        b"\x00" * (MAX_BYTES + 1),
        b"\xd4\xff\x00",
        msgspec.msgpack.encode([VERSION + 1, []]),
        msgspec.msgpack.encode([True, []]),
        msgspec.msgpack.encode([VERSION, [{}, {}], 1]),
        msgspec.msgpack.encode([VERSION, [{}]]),
    ],
    ids=range(16),
)
def test_what_is_no_state_is_refused_quickly(data: bytes) -> None:
    with cost_by_length(), pytest.raises(SnapshotError):
        RiverLearner.load(_TEXT_NB, data)


def test_too_many_entries_are_refused_before_they_are_made() -> None:
    state = _state(_TEXT_NB)
    state[1]["class_counts"] = [[b"", b"\0" * 4 * 3_000_000, b""], ["q", b"\0" * 8 * 3_000_000]]
    with pytest.raises(SnapshotError, match="too many entries"):
        RiverLearner.load(_TEXT_NB, msgspec.msgpack.encode([VERSION, state]))


def test_the_state_of_another_pipeline_is_refused() -> None:
    for one in SMALL:
        for other in SMALL:
            if one != other:
                with pytest.raises(SnapshotError):
                    RiverLearner.load(one, DUMPS[other])


def test_dice_that_always_fall_alike_are_refused() -> None:
    whole = msgspec.msgpack.decode(DUMPS[_FOREST])
    whole[1][1][0] = b"\0" * 2500
    with pytest.raises(SnapshotError, match="random numbers"):
        RiverLearner.load(_FOREST, msgspec.msgpack.encode(whole))


def test_what_is_not_finite_is_not_written() -> None:
    learner = linear_model.LogisticRegression()
    learner.intercept = float("nan")
    with pytest.raises(SnapshotError, match="cannot be written"):
        dump_state(learner)
    with pytest.raises(SnapshotError, match="cannot be written"):
        dump_state(linear_model.LinearRegression())
    with pytest.raises(SnapshotError, match="cannot be read"):
        load_state(linear_model.LogisticRegression(), b"\x92\x01\x80")


@pytest.mark.parametrize("version", [VERSION + 1, VERSION - 1, float(VERSION), True, None])
def test_a_state_of_another_version_is_refused_even_if_it_would_fit(version: Any) -> None:
    state = msgspec.msgpack.decode(dump_state(stats.Mean()))[1]
    load_state(stats.Mean(), msgspec.msgpack.encode([VERSION, state]))
    with pytest.raises(SnapshotError, match="its version is"):
        load_state(stats.Mean(), msgspec.msgpack.encode([version, state]))


@pytest.mark.parametrize("make", [stats.Max, stats.Min])
def test_a_largest_or_smallest_number_is_kept_before_there_is_one(make: Any) -> None:
    data = dump_state(make())
    other = make()
    load_state(other, data)
    assert other.get() == make().get()


@pytest.mark.parametrize(
    ("make", "name", "allowed", "refused"),
    [
        (linear_model.ALMAClassifier, "k", [1, 2**62], [0, 1.5, 2**62 + 1]),
        (preprocessing.FeatureHasher, "_seed", [0, 2**32 - 1], [-1, 1.5, 2**32]),
    ],
)
def test_what_counts_is_whole_and_within_its_bounds(make: Any, name: str, allowed: Any, refused: Any) -> None:
    state = msgspec.msgpack.decode(dump_state(make()))[1]
    for value in allowed:
        fresh = make()
        load_state(fresh, msgspec.msgpack.encode([VERSION, {**state, name: value}]))
        assert getattr(fresh, name) == value
    for value in refused:
        with pytest.raises(SnapshotError, match="not a number"):
            load_state(make(), msgspec.msgpack.encode([VERSION, {**state, name: value}]))
