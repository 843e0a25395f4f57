"""What was verified last outlives the worker, and damage to its file takes nothing else away."""

from pathlib import Path

import msgspec
import pytest

from engine.stream.verified import Verified, VerifiedMessages


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "verified.msgpack"


def kept(path: Path) -> dict[str, Verified]:
    return dict(VerifiedMessages(path))


def test_nothing_is_known_before_anything_is_verified(path: Path) -> None:
    assert kept(path) == {}
    assert VerifiedMessages(path).sequence("version/") == 0
    assert not path.exists()


def test_it_is_kept_over_restarts(path: Path) -> None:
    first = VerifiedMessages(path)
    first.put("version/", b"rules", 5)
    first.put("paused/flood", b"null", (1 << 63) + 5)
    again = VerifiedMessages(path)
    assert dict(again) == {"version/": Verified(b"rules", 5), "paused/flood": Verified(b"null", (1 << 63) + 5)}
    assert (again.sequence("version/"), again.sequence("paused/other")) == (5, 0)


def test_a_newer_message_takes_its_place_and_no_others(path: Path) -> None:
    messages = VerifiedMessages(path)
    messages.put("a", b"1", 1)
    messages.put("b", b"1", 1)
    messages.put("a", b"2", 2)
    assert kept(path) == dict(messages) == {"a": Verified(b"2", 2), "b": Verified(b"1", 1)}


def test_it_may_be_changed_while_it_is_read(path: Path) -> None:
    messages = VerifiedMessages(path)
    messages.put("a", b"1", 1)
    for group, message in messages:
        messages.put(f"{group}{message.sequence}", b"2", 2)
    assert set(kept(path)) == {"a", "a1"}


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_a_file_that_ends_too_early_is_told_and_left_alone(
    path: Path, at: int, capsys: pytest.CaptureFixture[str]
) -> None:
    VerifiedMessages(path).put("version/", b"a rulebook that is of some length", 5)
    path.write_bytes(path.read_bytes()[:at])
    assert kept(path) == {}
    told = capsys.readouterr()
    assert "cannot be read" in told.out + told.err
    assert len(path.read_bytes()) == at


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xc1", b"\x82\xa6format\x01\xa8messages\x81\xa1\xff\x92", b'{"format": 1}', b"\x91" * 50_000,
        msgspec.msgpack.encode({"format": 1, "messages": {"a": {"value": 5, "sequence": 5}}}),
        msgspec.msgpack.encode({"format": 1, "messages": [1]}),
        b"\x83\xa6format\x01\xa8messages\x80\xa1x" + b"\x91" * 50_000,
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_left_alone_until_something_is_verified(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    messages = VerifiedMessages(path)
    assert dict(messages) == {}
    assert path.read_bytes() == data
    messages.put("a", b"1", 1)
    assert kept(path) == {"a": Verified(b"1", 1)}


def test_what_a_newer_version_has_written_is_not_taken_for_ours(path: Path) -> None:
    path.write_bytes(msgspec.msgpack.encode({"format": 2, "messages": {"a": {"value": b"x", "sequence": 1}}}))
    assert kept(path) == {}


def test_a_directory_in_its_place_stops_no_worker(path: Path) -> None:
    path.mkdir()
    assert kept(path) == {}


def test_a_write_that_was_cut_short_leaves_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = VerifiedMessages(path)
    messages.put("a", b"1", 1)

    def fail(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("engine.stream.verified.os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        messages.put("a", b"2", 2)
    monkeypatch.undo()
    assert kept(path) == {"a": Verified(b"1", 1)}
    path.with_suffix(".new").write_bytes(b"half of")
    messages = VerifiedMessages(path)
    messages.put("b", b"3", 3)
    assert kept(path) == {"a": Verified(b"1", 1), "b": Verified(b"3", 3)}
    assert [one.name for one in path.parent.iterdir()] == [path.name]
