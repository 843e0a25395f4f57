"""A message counts if its signer is listed, may do it, and has a key that has not ended."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.settings import Settings
from engine.stream.kafka.publishers import OPEN, Publishers, RecordOrigin, is_a_workers_or, sequence_of
from engine.stream.kafka.sealing import Seals
from tests.unit.stream.signed import changed, entry, listed, person, record, secured

ANN, BEN, EVE = person("ann"), person("ben"), person("eve")
NOW = 1_764_547_200.0
NOW_US = 1_764_547_200_000_000
TEN_MINUTES_US = 600_000_000


def publishers(path: Path, people: dict[str, Any], now: float = NOW) -> Publishers:
    settings = secured(Settings(), publishers_file=listed(path / "publishers.yaml", people))
    return Publishers(settings, clock=lambda: now)


def test_a_signer_may_be_ten_minutes_ahead_and_no_more(tmp_path: Path) -> None:
    known = publishers(tmp_path, {"ann": entry(ANN)})
    assert known.accept(ANN.record(NOW_US + TEN_MINUTES_US), "label") == RecordOrigin("ann", True)
    assert known.accept(ANN.record(NOW_US + TEN_MINUTES_US + 1), "label") is None
    assert known.accept(ANN.record(1), "label") == RecordOrigin("ann", True)  # however old


def test_where_nobody_signs_no_number_matters() -> None:
    known = Publishers(Settings(), clock=lambda: NOW)
    far = record("labels", b"u", b"v", [("sequence", b"9" * 19)])
    assert not known.are_known
    assert known.accept(far, "label") == OPEN
    assert known.may_still(far, "label")
    assert known.is_still_signed(far, "label")


def test_a_key_ends_with_its_last_day_in_utc(tmp_path: Path) -> None:
    end = datetime(2027, 2, 1, tzinfo=UTC).timestamp()
    people, signed = {"ann": entry((ANN, "2027-01-31"))}, ANN.record(5)
    assert publishers(tmp_path, people, end - 0.001).accept(signed, "label") == RecordOrigin("ann", True)
    ended = publishers(tmp_path, people, end)
    assert ended.accept(signed, "label") is None
    assert ended.may_still(signed, "label")
    assert ended.is_still_signed(signed, "label")


def test_a_signer_does_only_what_it_may(tmp_path: Path) -> None:
    known = publishers(tmp_path, {"ann": entry(ANN, may=["label"]), "ben": entry(BEN)})
    signed = ANN.record(5)
    assert known.accept(signed, "label") == RecordOrigin("ann", False)
    assert known.accept(signed, "rules") is None
    assert [known.may_still(signed, scope) for scope in ("label", "rules")] == [True, False]
    assert not known.is_still_signed(signed, "rules")


def test_who_is_not_listed_may_nothing(tmp_path: Path) -> None:
    known = publishers(tmp_path, {"ann": entry(ANN)})
    for one in (EVE.record(5), record("labels", b"u", b"v")):
        assert known.accept(one, "label") is None
        assert not known.may_still(one, "label")
        assert not known.is_still_signed(one, "label")
    assert known.accept(changed(ANN.record(5), value=b"w"), "label") is None


@pytest.mark.parametrize("app_id", ["floodgate", "other"])
def test_what_is_for_another_application_is_refused_whoever_may(app_id: str) -> None:
    said = record("labels", b"u", b"v", [("app_id", app_id.encode())])
    assert (Publishers(Settings()).accept(said, "label") == OPEN) == (app_id == "floodgate")


class Sealing:
    """Stands for the workers' seals."""

    def __init__(self, fit: bool) -> None:
        self._fit = fit

    def fits(self, _: Any) -> bool:
        """Whether it has one."""
        return self._fit


def test_what_has_no_seal_counts_if_one_who_may_has_signed_it(tmp_path: Path) -> None:
    sealed: Any = Sealing(True)
    unsealed: Any = Sealing(False)
    known, signed, unsigned = publishers(tmp_path, {"ann": entry(ANN)}), ANN.record(5), record("labels", b"u", b"v")
    assert is_a_workers_or(unsigned, "revoke", sealed, known)
    assert is_a_workers_or(signed, "revoke", unsealed, known)
    assert not is_a_workers_or(unsigned, "revoke", unsealed, known)
    assert not is_a_workers_or(signed, "revoke", unsealed, Publishers(Settings()))  # of nobody it is known who may


def test_while_it_warns_all_is_taken_and_what_would_be_refused_is_told(tmp_path: Path) -> None:
    told: list[Any] = []
    path = listed(tmp_path / "publishers.yaml", {"ann": entry(ANN, may=["label"])})
    settings = secured(Settings(), publishers_file=path, unverified="warn")
    warning = Publishers(settings, lambda: NOW, told.append)
    assert not warning.are_known
    fine = ANN.record(NOW_US)
    unsigned, forged = record("labels", b"u", b"v"), changed(fine, value=b"w")
    ahead = ANN.record(NOW_US + TEN_MINUTES_US + 1)
    for one in (fine, unsigned, forged, ahead):
        assert warning.accept(one, "label") is OPEN
    assert told == [unsigned, forged, ahead]
    assert warning.accept(fine, "rules") is OPEN
    assert told[3:] == [fine]
    anothers = record("labels", b"u", b"v", [("app_id", b"staging")])
    assert warning.accept(anothers, "label") is None
    assert [warning.has_signed(one, "label") for one in (fine, unsigned, forged, ahead)] == [True, False, False, False]
    assert not warning.has_signed(fine, "rules")


def test_who_has_signed_is_asked_before_a_seal_is_missed(tmp_path: Path) -> None:
    told: list[Any] = []
    path = listed(tmp_path / "publishers.yaml", {"ann": entry(ANN)})
    settings = secured(Settings(), publishers_file=path, worker_key="k" * 32, unverified="warn")
    seals, warning = Seals(settings, told.append), Publishers(settings, on_unverified=told.append)
    unsealed = record("models", b"u", b"v")
    assert is_a_workers_or(ANN.record(5, "models"), "model", seals, warning) and told == []
    assert is_a_workers_or(unsealed, "model", seals, warning) and told == [unsealed]


@pytest.mark.parametrize(
    ("text", "sequence"),
    [(b"9" * 19, 10**19 - 1), (b"9" * 20, 0), (b"7", 7), (b"", 0), (b"-7", 0), (b"7.5", 0), (None, 0)],
)
def test_a_sequence_number_has_at_most_19_digits_and_nothing_else(text: bytes | None, sequence: int) -> None:
    assert sequence_of(SimpleNamespace(headers=[("sequence", text)])) == sequence
    assert sequence_of(SimpleNamespace(headers=None)) == 0
