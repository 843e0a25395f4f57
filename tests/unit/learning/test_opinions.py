"""What moderators say of campaigns."""

from engine.learning.opinions import CAMPAIGNS, HEARD, Opinions, campaign_of
from tests.unit.learning.inputs import SPAM, example


def test_others_are_heard_and_saying_it_again_is_no_new_opinion() -> None:
    opinions = Opinions()
    assert opinions.hear("mia", 7, spam=True) == {}
    assert opinions.hear("eve", 7, spam=False) == {"mia": True}
    assert opinions.hear("eve", 7, spam=False) == {}
    assert opinions.hear("eve", 7, spam=True) == {"mia": True}  # she has changed her mind
    assert opinions.hear("eve", 8, spam=False) == {}


def test_the_latest_are_remembered() -> None:
    opinions = Opinions()
    for at in range(HEARD + 1):
        opinions.hear(f"m{at}", 7, spam=True)
    assert list(opinions.verdicts["7"]) == [f"m{at}" for at in range(1, HEARD + 1)]
    for at in range(CAMPAIGNS):
        opinions.hear("mia", 100 + at, spam=True)
    assert len(opinions.verdicts) == CAMPAIGNS
    assert "7" not in opinions.verdicts


def test_nearly_the_same_texts_are_one_campaign() -> None:
    one = example(SPAM, "spam", moderator="mia")
    like = example(SPAM._replace(texts=("FREE crypto now",)), "ham", moderator="eve")
    other = example(SPAM._replace(texts=("see you at lunch",)), "ham", moderator="eve")
    assert campaign_of(one) == campaign_of(like) is not None
    assert campaign_of(other) != campaign_of(one)
    assert campaign_of(example(SPAM, "spam")) is None
