"""`seed` of a model: one that ships, or a file of the rulebook."""

from pathlib import Path

import pytest

from engine.core.domain.rules import ModelSpec
from engine.errors import RulebookError
from engine.learning.features import VERSION
from engine.learning.seed_making import make_seed
from engine.learning.seeds import shipped_seed
from engine.rulebook.compiler import check_rulebook, load_rulebook, read_directory
from tests.unit.learning.lessons import stream

RULES = """
version: 1
models: {spam: MODEL}
rules:
  likely:
    event: post
    when: [score.spam > 0.6]
    then: {flag: likely}
    tests:
      - {send: {type: post, text: "cheap followers! sign up today 12"}, fires: always}
      - {send: {type: post, text: "the soup tasted really good today"}, fires: never}
"""
OURS = make_seed("ours", [stream()]).text


def sources(model: str, seed: str = OURS) -> dict[str, str]:
    return {"spam/rules.yaml": RULES.replace("MODEL", model), "spam/seeds/ours.seed": seed}


def spec(model: str) -> ModelSpec:
    return load_rulebook(sources(model)).models["spam"]


def test_a_seed_is_a_file_of_the_rulebook_and_decides_its_tests() -> None:
    assert spec("{texts: [text], seed: seeds/ours.seed}").seed == OURS
    with pytest.raises(RulebookError, match=r"`score\.spam > 0\.6` is unknown"):
        load_rulebook(sources("{texts: [text]}"))


def test_a_seed_that_ships_is_known_by_its_name() -> None:
    written = RULES.partition("    tests:")[0].replace("MODEL", "{texts: [text], seed: mail}")
    assert load_rulebook({"rules.yaml": written}).models["spam"].seed == shipped_seed("mail")


def test_a_directory_is_read_with_the_seeds_that_its_models_name(tmp_path: Path) -> None:
    for name, text in sources("{texts: [text], seed: seeds/ours.seed}").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "spam" / "seeds" / "other.seed").write_text("nobody names this")
    assert read_directory(tmp_path) == sources("{texts: [text], seed: seeds/ours.seed}")


@pytest.mark.parametrize(
    ("model", "told", "hint"),
    [
        ("{texts: [text], seed: comment}", 'there is no seed "comment": `comments` and `mail` come with Floodgate',
         'did you mean "comments"?'),
        ("{texts: [text], seed: links}", 'there is no seed "links": `comments` and `mail` come with Floodgate',
         "`floodgate learn seed` makes one from labelled events: `seed: seeds/ours.seed`"),
        ("{texts: [text], seed: [mail]}", 'there is no seed "": `comments` and `mail` come with Floodgate', None),
        ("{texts: [text], seed: ../mail}", 'there is no seed "../mail": `comments` and `mail` come with Floodgate',
         None),
        ("{texts: [text], seed: seeds/our.seed}", "there is no file spam/seeds/our.seed in this rulebook",
         'did you mean "spam/seeds/ours.seed"?'),
        ("{texts: [text], seed: /etc/x.seed}", "there is no file /etc/x.seed in this rulebook", None),
        ("{categories: [ip], seed: mail}", "a seed reads texts, and this model has none", "for example: texts: [text]"),
        ("{texts: [text], seed: mail, river: linear_model.LogisticRegression()}", "`seed` is for the default learner",
         "leave `river` out, or `seed`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(model: str, told: str, hint: str | None) -> None:
    (error,) = check_rulebook(sources(model), run_tests=False)[1].errors
    assert error.message == told
    assert hint in (None, error.hint)


def test_a_file_that_is_no_seed_or_of_other_features_is_told_with_what_to_do() -> None:
    model = "{texts: [text], seed: seeds/ours.seed}"
    (broken,) = check_rulebook(sources(model, "nonsense"))[1].errors
    assert broken.message.startswith("this was not written by `floodgate learn seed`")
    old = OURS.replace(f'"features":{VERSION}', f'"features":{VERSION + 1}')
    (outdated,) = check_rulebook(sources(model, old))[1].errors
    assert f"made from features of version {VERSION + 1}" in outdated.message
    assert "make it anew with `floodgate learn seed`" in outdated.message
