"""Banks whose pictures are in files: what they find, and what happens when their files change."""

from pathlib import Path
from random import Random

import pytest

from engine.core.values.banks import Bank
from engine.reference import bank_files
from engine.reference.bank_files import BankFiles
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS

RANDOM = Random(3)
HASHES = [f"{RANDOM.getrandbits(256):064x}" for _ in range(3_000)]
NEAR = f"{int(HASHES[7], 16) ^ 0xFFF:064x}"


def write(path: Path, hashes: list[str], text: str | None = None) -> None:
    beside = path.with_suffix(".new")
    beside.write_text("\n".join(hashes) + "\n" if text is None else text)
    beside.replace(path)


def refresh(files: BankFiles) -> None:
    files.read()
    files.show()


def test_what_is_in_a_file_is_found_and_one_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    bank, other = Bank([], data="scams.txt"), Bank([HASHES[0]])
    files = BankFiles(tmp_path)
    files.use([bank, other])
    assert (files.missing(), NEAR in bank) == (["scams.txt"], False)
    write(tmp_path / "scams.txt", HASHES)
    refresh(files)
    assert (files.missing(), files.counts(), NEAR in bank, NEAR in other) == ([], {"scams.txt": 3_000}, True, False)
    write(tmp_path / "scams.txt", HASHES[:5], None)
    refresh(files)
    assert NEAR not in bank
    of_the_next_rulebook = Bank([], data="scams.txt")
    files.use([of_the_next_rulebook])
    assert HASHES[3] in of_the_next_rulebook
    bank.replace([])
    assert HASHES[3] in bank  # live entries come and go beside them


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.txt", "abc\n"), ("a.txt", "x" * 64), ("a.csv", "hash\nabc\n"), ("a.json", "["), ("a.txt", HASHES[0] + "é")],
)
def test_a_file_that_cannot_be_read_leaves_the_one_before_it_in_use(tmp_path: Path, name: str, text: str) -> None:
    bank, files = Bank([], data=name), BankFiles(tmp_path)
    write(tmp_path / name, [], f'["{HASHES[1]}"]' if name == "a.json" else HASHES[1])
    files.use([bank])
    write(tmp_path / name, [], text)
    refresh(files)
    refresh(files)
    assert files.errors.keys() == {name}
    assert HASHES[1] in bank


def test_a_file_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_files, "MAX_HASHES", 4)
    bank, files = Bank([], data="a.txt"), BankFiles(tmp_path)
    write(tmp_path / "a.txt", HASHES[:5])
    files.use([bank])
    assert files.errors == {"a.txt": "it has more than 4 hashes"}


def test_replays_have_it_too(tmp_path: Path) -> None:
    write(tmp_path / "scams.txt", HASHES)
    rules = "version: 1\nbanks: {scams: {data: scams.txt}}\nrules: {r: {event: post, when: [image in banks.scams], "
    rulebook = load_rulebook({"r.yaml": rules + "then: {flag: x}}}"})
    engine = OfflineEngine(rulebook, Settings(reference_data_dir=str(tmp_path)))
    text = f'{{"event_id": "e", "type": "post", "user_id": "u", "ts": {START_MS}, "media": {{"hashes": ["{NEAR}"]}}}}'
    found = [message for message in engine.run([Arrival("event", START_MS, text.encode())]) if b"flag" in message.value]
    assert found
