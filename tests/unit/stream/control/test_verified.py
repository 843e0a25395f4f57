"""What was verified last outlives the worker, and damage to its file takes nothing else away."""

from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from engine.stream.control.verified import MOST_REMOVALS, Verified, VerifiedMessages


def message(value: bytes, sequence: int = 1, key: bytes = b"k") -> Verified:
    return Verified("rulebooks", key, value, (("signature", b"\xff" * 64),), {"ann": sequence}, 7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "verified.msgpack"


def kept(path: Path) -> dict[str, Verified]:
    return dict(VerifiedMessages(path))


def test_nothing_is_known_before_anything_is_verified(path: Path) -> None:
    assert kept(path) == {}
    assert not path.exists()


def test_it_is_kept_over_restarts(path: Path) -> None:
    first, rules, resume = VerifiedMessages(path), message(b"rules", 5), message(b"null", (1 << 63) + 5)
    first.put("version/", rules)
    first.put("paused/flood", resume)
    assert kept(path) == {"version/": rules, "paused/flood": resume}


def test_a_newer_message_takes_its_place_and_no_others(path: Path) -> None:
    messages = VerifiedMessages(path)
    for group, value in (("a", b"1"), ("b", b"1"), ("a", b"2")):
        messages.put(group, message(value))
    assert kept(path) == dict(messages) == {"a": message(b"2"), "b": message(b"1")}


def test_it_may_be_changed_while_it_is_read(path: Path) -> None:
    messages = VerifiedMessages(path)
    messages.put("a", message(b"1"))
    for group, _ in messages:
        messages.put(f"{group}1", message(b"2"))
    assert set(kept(path)) == {"a", "a1"}


def test_the_oldest_removals_go_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.stream.control.verified.MOST_REMOVALS", 3)
    assert MOST_REMOVALS == 5_000
    messages = VerifiedMessages(path)
    messages.put("version/", message(b"rules"))
    for group in ("list/a", "paused/x", "list/b", "list/a", "list/c", "list/d"):
        messages.put(group, message(b"null"))
    assert list(kept(path)) == ["version/", "list/a", "list/c", "list/d"]


@pytest.mark.parametrize("at", range(0, 180, 17))
def test_a_file_that_ends_too_early_is_told_and_left_alone(path: Path, at: int) -> None:
    VerifiedMessages(path).put("version/", message(b"a rulebook that is of some length"))
    path.write_bytes(path.read_bytes()[:at])
    with capture_logs() as told:
        assert kept(path) == {}
    assert "cannot be read" in told[0]["event"]
    assert len(path.read_bytes()) == at


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xc1", b"\x82\xa6format\x01\xa8messages\x81\xa1\xff\x92", b'{"format": 1}', b"\x91" * 50_000,
        msgspec.msgpack.encode({"format": 2, "messages": {"a": {"value": 5, "sequences": 5}}}),
        msgspec.msgpack.encode({"format": 2, "messages": [1]}),
        b"\x83\xa6format\x02\xa8messages\x80\xa1x" + b"\x91" * 50_000,
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_left_alone_until_something_is_verified(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    messages = VerifiedMessages(path)
    assert dict(messages) == {}
    assert path.read_bytes() == data
    messages.put("a", message(b"1"))
    assert kept(path) == {"a": message(b"1")}


@pytest.mark.parametrize("number", [1, 3])
def test_what_another_version_has_written_is_told_and_not_taken_for_ours(path: Path, number: int) -> None:
    path.write_bytes(msgspec.msgpack.encode({"format": number, "messages": {"a": {"value": b"x", "sequence": 1}}}))
    with capture_logs() as told:
        assert kept(path) == {}
    assert f"its format is {number}" in told[0]["error"]


def test_a_directory_in_its_place_stops_no_worker(path: Path) -> None:
    path.mkdir()
    assert kept(path) == {}


def test_a_write_that_was_cut_short_leaves_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = VerifiedMessages(path)
    messages.put("a", message(b"1"))

    def fail(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("engine.stream.control.verified.os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        messages.put("a", message(b"2"))
    monkeypatch.undo()
    assert kept(path) == {"a": message(b"1")}
    path.with_suffix(".new").write_bytes(b"half of")
    messages = VerifiedMessages(path)
    messages.put("b", message(b"3"))
    assert kept(path) == {"a": message(b"1"), "b": message(b"3")}
    assert [one.name for one in path.parent.iterdir()] == [path.name]
