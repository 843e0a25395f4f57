"""Plausible short texts, from small grammars."""

from random import Random

_TOPICS = {
    "cooking": (["soup", "bread", "curry", "salad", "pancakes"], ["tasted", "smelled", "looked", "turned out"]),
    "sports": (["match", "race", "training", "final", "marathon"], ["felt", "went", "ended", "started"]),
    "music": (["song", "concert", "album", "playlist", "band"], ["sounded", "felt", "was", "seemed"]),
    "travel": (["train", "hotel", "island", "old town", "mountain"], ["was", "looked", "felt", "seemed"]),
    "work": (["meeting", "deadline", "project", "office", "review"], ["went", "felt", "ended", "was"]),
}
_ADVERBS = ["really", "surprisingly", "so", "a bit", "not too", "absolutely"]
_ADJECTIVES = ["good", "bad", "long", "lovely", "strange", "tiring", "fun", "quiet", "late"]
_TAILS = ["today", "this morning", "with friends", "again", "as always", "for once", "after the rain", ""]
_REPLIES = ["same here", "love this", "no way", "congrats!", "where was that?", "tell me more", "haha", "so true"]
_SPAM_OFFERS = ["free crypto bonus", "work from home and earn $500 a day", "cheap followers", "exclusive dating pics"]
_SPAM_CALLS = ["click now", "limited offer", "sign up today", "dm me for the link", "join my telegram"]
TOPICS = tuple(_TOPICS)


def post_text(rng: Random, topic: str) -> str:
    """What someone with this interest might write."""
    nouns, verbs = _TOPICS[topic]
    words = ["the", rng.choice(nouns), rng.choice(verbs), rng.choice(_ADVERBS), rng.choice(_ADJECTIVES)]
    return " ".join([*words, rng.choice(_TAILS)]).strip()


def reply_text(rng: Random, topic: str) -> str:
    """A comment or a message."""
    return rng.choice(_REPLIES) if rng.random() < 0.5 else f"{rng.choice(_REPLIES)}, {post_text(rng, topic)}"


def spam_text(rng: Random) -> str:
    """An advertisement that nobody asked for, with small variations."""
    parts = [rng.choice(_SPAM_OFFERS), rng.choice(_SPAM_CALLS)]
    rng.shuffle(parts)
    return f"{parts[0]} {'!' * rng.randrange(4)} {parts[1]} {rng.randrange(1000)}"


_SYNONYMS = {
    "simple": ("easy", "clever"),
    "earning": ("making money", "earning cash"),
    "finally": ("at last", "actually"),
    "official": ("real", "original"),
    "manages": ("runs", "handles"),
    "tell": ("let", "inform"),
    "last": ("this", "past"),
    "still": ("only", "now"),
    "natural": ("herbal", "organic"),
    "pays": ("pays out", "transfers"),
    "home": ("your couch",),
}
_FILLERS = ("guys", "really", "honestly", "omg", "pls", "hey", "yes", "btw")
_LOOK_ALIKES = str.maketrans("aeopcxyi", "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456")
_KEYBOARD = str.maketrans("oiea", "0134")


def paraphrase(rng: Random, text: str) -> str:
    """A text with a few words exchanged and a few added."""
    words = [
        rng.choice(_SYNONYMS[word]) if word in _SYNONYMS and rng.random() < 0.35 else word for word in text.split()
    ]
    for _ in range(rng.randrange(3)):
        words.insert(rng.randrange(len(words) + 1), rng.choice(_FILLERS))
    return " ".join(words)


def disguise(rng: Random, text: str) -> str:
    """The same words in other characters: look-alikes of other alphabets, digits for letters, invisible
    characters, capitals, numbers and signs behind them."""
    words = []
    for word in text.split():
        way = rng.randrange(12)
        if way == 0:
            words.append(word.translate(_LOOK_ALIKES))
        elif way == 1 and len(word) > 2:
            words.append(word.translate(_KEYBOARD))
        elif way == 2:
            words.append("\u200b".join(word))
        else:
            words.append(word.upper() if way == 3 else word)
    return " ".join(words) + rng.choice(("", "!", "!!!", " 💯", f" {rng.randrange(1000)}"))
