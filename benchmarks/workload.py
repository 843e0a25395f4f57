"""The events of the benchmark: seeded, skewed over 50,000 users, 2 % late, about 320 bytes each."""

from collections.abc import Iterator
from itertools import accumulate
from random import Random

import orjson

USERS = 50_000
START_MS = 1_760_000_000_000
_TYPES = ("post", "comment", "message", "follow", "like")
_WEIGHTS = (20, 25, 30, 10, 15)
_SPAM_WORDS = ("free", "crypto", "winner", "click", "bonus", "telegram", "cheap", "pills", "promo")


def events(count: int, seed: int = 7, skew: float = 0.8) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of each event, in order of arrival."""
    rng = Random(seed)
    users = rng.sample(range(USERS), USERS)
    cumulative = list(accumulate(1 / rank**skew for rank in range(1, USERS + 1)))
    words = ["".join(rng.choices("etaoinshrdlucmfwyp", k=rng.randint(2, 8))) for _ in range(5_000)]
    common = list(accumulate(1 / rank**0.9 for rank in range(1, 5_001)))
    people = [(rng.randrange(2_000), int(rng.paretovariate(1) * 20), int(rng.paretovariate(1) * 60)) for _ in users]
    for index, user in enumerate(rng.choices(users, cum_weights=cumulative, k=count)):
        text = rng.choices(words, cum_weights=common, k=rng.randint(5, 25))
        if user % 17 == 0:
            text[:3] = rng.sample(_SPAM_WORDS, 3)
        age_days, followers, following = people[user]
        late_ms = rng.randrange(30_000) if rng.random() < 0.02 else 0
        user_id = f"u{user:07d}"
        event = {
            "event_id": f"{rng.getrandbits(64):016x}",
            "user_id": user_id,
            "ts": START_MS + 2 * index - late_ms,
            "type": rng.choices(_TYPES, _WEIGHTS)[0],
            "ip": f"10.{user >> 8 & 255}.{user & 255}.{rng.randint(1, 9)}",
            "device_id": f"d{user * 2654435761 & 0xFFFFFFFFFF:010x}",
            "target_id": f"p{rng.randrange(400 if user % 3 else 6):06d}",
            "text": " ".join(text),
            "urls": [f"http://x{rng.randrange(999)}.example/{rng.getrandbits(16):x}" for _ in range(_links(rng))],
            "account_age_days": age_days,
            "followers": followers,
            "following": following,
        }
        yield user_id.encode(), orjson.dumps(event)


def _links(rng: Random) -> int:
    return rng.choices((0, 1, 2), (75, 20, 5))[0]
