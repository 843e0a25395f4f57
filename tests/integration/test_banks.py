"""A bank of pictures: what is imported while the rules are in use is found, told of later, given to others, and found
by a replay too."""

from pathlib import Path
from typing import Any

import orjson

from tests.events import START_MS
from tests.system import System, wait_until

KNOWN = "ec68b53670f18d2316d41bdf870656d31397258aac01d23de64937f85a3cb58d"
FIXED = "e428b91678f98f207adf13df8f0656e313972d8aec01d23dcc4907b8da3e248d"
MIRRORED = "b93d1f9c25a427894381b175d253fc7946c28f20f9547897b31c9d520f691f27"
"""KNOWN, from a picture that is mirrored."""

RULES = """
version: 1
banks:
  scams: {file: scams.txt, live: true}
rules:
  known_scam:
    event: post
    when: [image in banks.scams]
    then: {flag: scam}
"""


def post(number: int, picture: str) -> dict[str, Any]:
    return {
        "event_id": f"e{number}", "type": "post", "user_id": f"u{number % 7}", "ts": START_MS + number,
        "media": {"hashes": [picture]},
    }  # fmt: skip


def copies(picture: str, first: int) -> list[dict[str, Any]]:
    return [post(first + bits, f"{int(picture, 16) ^ ((1 << bits) - 1):064x}") for bits in range(0, 40, 4)]


def test_a_picture_is_found_from_when_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules.yaml").write_text(RULES)
    (tmp_path / "rules" / "scams.txt").write_text(FIXED)
    (tmp_path / "theirs.csv").write_text(f"hash,type,tags\n{KNOWN},HASH_PDQ,scam raid\nabc,HASH_MD5,other\n")
    with System(tmp_path) as system:
        system.push_rules(tmp_path / "rules")
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        events = [*copies(FIXED, 0), *copies(KNOWN, 100)]
        system.publish([orjson.dumps(event) for event in events])
        system.wait_until_decided()
        assert {one["event_id"] for one in system.actions()} == {f"e{bits}" for bits in range(0, 32, 4)}

        assert "added to scams: 1;" in system.run("lists", "import", "scams", str(tmp_path / "theirs.csv"))
        wait_until(lambda: worker.metric("floodgate_list_entries") == 1, "the worker knows it")
        later = [*copies(KNOWN, 200), post(300, MIRRORED)]
        system.publish([orjson.dumps(event) for event in later])
        system.wait_until_decided()
        expected = {f"e{first + bits}" for first in (0, 200) for bits in range(0, 32, 4)} | {"e300"}
        assert {one["event_id"] for one in system.actions()} == expected

        told = [orjson.loads(line) for line in system.run("lists", "matches", KNOWN, "--json").splitlines()]
        assert {one["event_id"] for one in told} == {
            *(f"e{first + bits}" for first in (100, 200) for bits in range(0, 32, 4)), "e300",
        }  # fmt: skip
        assert "4 events of 4 users" in system.run("lists", "matches", "scams", "--radius", "0", "--since", "1h")
        with_tags = ["hash,type,tags", f"{FIXED},HASH_PDQ,", f"{KNOWN},HASH_PDQ,scam raid"]
        assert system.run("lists", "export", "scams").splitlines() == with_tags

        exported = system.run("lists", "export", "scams", "--output", str(tmp_path / "rules" / "scams.csv"))
        assert "2 pictures of scams are in" in exported
        (tmp_path / "rules" / "rules.yaml").write_text(RULES.replace("scams.txt", "scams.csv"))
        (tmp_path / "events.jsonl").write_bytes(b"\n".join(orjson.dumps(event) for event in later))
        system.run("replay", "--rules", str(tmp_path / "rules"), "--events", str(tmp_path / "events.jsonl"),
                   "--out", str(tmp_path / "out"))  # fmt: skip
        replayed = [
            orjson.loads(line)["event_id"] for line in (tmp_path / "out/actions.jsonl").read_bytes().splitlines()
        ]
        assert {*replayed} == {one for one in expected if one.startswith(("e2", "e3")) and len(one) == 4}
