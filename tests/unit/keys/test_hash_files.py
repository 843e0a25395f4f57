"""Files of hashes in the forms in which they are exchanged."""

import json

import pytest

from engine.keys.hash_files import Listed, Mistaken, read_hashes, write_hashes

HASH = "ec68b53670f18d2316d41bdf870656d31397258aac01d23de64937f85a3cb58d"
TAGGED = [(HASH, ("scam", "raid"))]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.csv", f"hash,type,tags\n{HASH},HASH_PDQ,scam raid\n"),
        ("a.csv", f"\ufeffType,Hash,Tags\r\npdq,{HASH.upper()},scam;raid\r\nmd5,d41d8cd98f00b204e98,x\r\n"),
        ("a.csv", f"{HASH},2880742865368386,2020-07-31T18:47:52+0000,scam raid\n"),
        ("a.csv", f'td_status,td_indicator_type,td_raw_indicator,td_subjective_tags\nX,HASH_PDQ,{HASH},"scam,raid"\n'),
        ("a.json", json.dumps([{"hash": HASH, "type": "PDQ", "tags": ["scam", "raid"]}, {"type": "md5", "hash": "x"}])),
        ("a.json", json.dumps({"data": [{"raw_indicator": HASH, "type": "HASH_PDQ", "tags": {
            "data": [{"id": "1", "text": "scam"}, {"id": "2", "text": "raid"}]}}]})),
        ("a.json", json.dumps({"data": [{"indicator": {"indicator": HASH, "type": "HASH_PDQ"}, "tags": "scam raid"}]})),
        ("a.jsonl", json.dumps({"hash": HASH, "tags": ["scam", "raid"]}) + "\n\n"),
    ],
)  # fmt: skip
def test_hashes_are_read_with_their_tags(file: str, text: str) -> None:
    found = list(read_hashes(file, text))
    assert [(one.hash, one.tags) for one in found if isinstance(one, Listed)] == TAGGED
    assert len(found) == 1


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("a.csv", f"hash,type\n{HASH},PDQ\nno,PDQ\n", 3), ("a.csv", 'hash\n"' + "x" * 200_000, 2),
        ("a.json", "[", 1), ("a.json", "[[" * 100_000, 1), ("a.json", '{"data": [7]}', 1), ("a.jsonl", "{}", 1),
        ("a.txt", f"{HASH} # ours\n{HASH[1:]}", 2), ("a.json", '{"hash": {"hash": {}}}', 1),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(file: str, text: str, line: int) -> None:
    [wrong] = [one for one in read_hashes(file, text) if isinstance(one, Mistaken)]
    assert wrong.line == line
    assert len(wrong.message) < 200


@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_written_is_read_again(as_json: bool) -> None:
    text = write_hashes(dict(TAGGED), as_json)
    assert [(one.hash, one.tags) for one in read_hashes("a.json" if as_json else "a.csv", text)
            if isinstance(one, Listed)] == TAGGED  # fmt: skip
