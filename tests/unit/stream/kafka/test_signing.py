"""Only those who are on the list may say something, each what he may, and a signature is worth nothing elsewhere."""

from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from engine.errors import SettingsError
from engine.settings import Settings, load_settings
from engine.stream.kafka.publishers import OPEN, Publishers, RecordOrigin, Scope, accept_all, sequence_of
from engine.stream.kafka.signing import Signer, make_keys, public_key, signed_bytes
from tests.unit.stream.signed import ALL_SCOPES, Person, changed, entry, listed, person, record, secured

ANN, BEN = person("ann"), person("ben")


def publishers_of(tmp_path: Path, people: dict[str, Any], now: float | None = None, **more: Any) -> Publishers:
    settings = secured(Settings(**more), publishers_file=listed(tmp_path / "publishers.yaml", people))
    return Publishers(settings) if now is None else Publishers(settings, lambda: now)


def signed(who: Person, topic: str, key: bytes | None, value: bytes | None, offset: int = 0) -> Any:
    settings = secured(Settings(), publisher=who.name, publisher_key=who.private)
    return record(topic, key, value, Signer(settings).headers(topic, key, value), offset)


def day(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_what_a_listed_publisher_signs_is_taken(tmp_path: Path) -> None:
    publishers = publishers_of(tmp_path, {"ann": entry(ANN)})
    assert publishers.are_known
    assert publishers.accept(signed(ANN, "labels", b"u", b"value"), "label") == RecordOrigin("ann", True)


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "rulebooks"}, {"key": b"v"}, {"key": None}, {"value": b"other"}, {"value": None}, {"headers": []},
        {"headers": None}, {"key": b"uv", "value": b"alue"}, {"key": b"", "value": b"uvalue"},
    ],
)  # fmt: skip
def test_a_signature_is_worth_nothing_on_another_message(tmp_path: Path, change: dict[str, Any]) -> None:
    publishers = publishers_of(tmp_path, {"ann": entry(ANN)})
    good = signed(ANN, "labels", b"u", b"value")
    assert publishers.accept(changed(good, **change), "label") is None
    assert publishers.accept(good, "label") is not None


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("publisher", b"ben"), ("publisher", b""), ("publisher", b"\xff"), ("publisher", None),
        ("sequence", b"1"), ("sequence", b""), ("sequence", b"-5"), ("sequence", b"9" * 5_000), ("sequence", None),
        ("signature", b""), ("signature", b"x" * 64), ("signature", b"x" * 63), ("signature", None),
    ],
)  # fmt: skip
def test_a_header_that_was_changed_is_refused(tmp_path: Path, header: str, value: bytes | None) -> None:
    publishers = publishers_of(tmp_path, {"ann": entry(ANN), "ben": entry(BEN)})
    good = signed(ANN, "labels", b"u", b"value")
    headers = [(name, value if name == header else known) for name, known in good.headers]
    assert publishers.accept(changed(good, headers=headers), "label") is None
    assert publishers.accept(changed(good, headers=[one for one in headers if one[0] != header]), "label") is None


def test_another_deployment_is_another_one(tmp_path: Path) -> None:
    good = ANN.record(5)
    assert publishers_of(tmp_path, {"ann": entry(ANN)}).accept(good, "label") is not None
    assert publishers_of(tmp_path, {"ann": entry(ANN)}, app_id="staging").accept(good, "label") is None


def test_what_says_that_it_is_for_another_deployment_is_refused_without_a_signature_too() -> None:
    ours, theirs = (record("labels", b"u", b"{}", Signer(one).headers("labels", b"u", b"{}"))
                    for one in (Settings(), Settings(app_id="staging")))  # fmt: skip
    publishers = Publishers(Settings())
    assert publishers.accept(ours, "label") is not None
    assert publishers.accept(record("labels", b"u", b"{}"), "label") is not None
    assert publishers.accept(theirs, "label") is None


def test_who_has_the_key_of_another_name_is_refused(tmp_path: Path) -> None:
    publishers = publishers_of(tmp_path, {"ann": entry(ANN), "ben": entry(BEN)})
    assert publishers.accept(Person("ann", BEN.private, BEN.public).record(5), "label") is None
    assert publishers.accept(Person("eve", ANN.private, ANN.public).record(5), "label") is None


@pytest.mark.parametrize("may", ALL_SCOPES)
def test_each_may_what_the_list_says(tmp_path: Path, may: Scope) -> None:
    publishers = publishers_of(tmp_path, {"ann": entry(ANN, may=[may])})
    allowed = [scope for scope in get_args(Scope) if publishers.accept(ANN.record(5), scope) is not None]
    assert allowed == [may]
    assert set(get_args(Scope)) == set(ALL_SCOPES)


def test_only_who_may_speaks_for_others(tmp_path: Path) -> None:
    people = {"ann": entry(ANN, may=["label"]), "ben": entry(BEN, may=["label", "behalf"])}
    publishers = publishers_of(tmp_path, people)
    assert publishers.accept(ANN.record(5), "label") == RecordOrigin("ann", False)
    assert publishers.accept(BEN.record(5), "label") == RecordOrigin("ben", True)


def test_of_several_keys_each_serves_until_its_end(tmp_path: Path) -> None:
    new, stranger = person("ann"), person("ann")
    people = {"ann": entry((ANN, "2027-01-31"), new)}

    def verified(now: str) -> list[bool]:
        publishers = publishers_of(tmp_path, people, day(now))
        return [publishers.accept(one.record(5), "label") is not None for one in (ANN, new, stranger)]

    assert verified("2027-01-01") == [True, True, False]
    assert verified("2027-01-31 23:59:59") == [True, True, False]
    assert verified("2027-02-01 00:00:00") == [False, True, False]


def test_a_key_ends_while_workers_run(tmp_path: Path) -> None:
    now = [day("2027-01-31")]
    path = listed(tmp_path / "publishers.yaml", {"ann": entry((ANN, "2027-01-31"))})
    publishers = Publishers(secured(Settings(), publishers_file=path), lambda: now[0])
    assert publishers.accept(ANN.record(5, offset=0), "label") is not None
    now[0] += 86_400
    assert publishers.accept(ANN.record(6, offset=1), "label") is None


def test_a_number_from_further_ahead_than_clocks_differ_is_refused(tmp_path: Path) -> None:
    now = day("2027-01-31")
    publishers, furthest = publishers_of(tmp_path, {"ann": entry(ANN)}, now), round((now + 600) * 1e6)
    assert publishers.accept(ANN.record(furthest), "label") is not None
    assert publishers.accept(ANN.record(furthest + 1), "label") is None
    assert publishers.accept(ANN.record(10**18), "label") is None  # it would shut out all that is signed until then


def test_a_signer_counts_on_even_when_its_clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.stream.kafka.signing.time.time_ns", lambda: 5_000_000)
    signer = Signer(secured(Settings(), publisher="ann", publisher_key=ANN.private))
    numbers = [sequence_of(record("labels", b"u", b"", signer.headers("labels", b"u", b""))) for _ in range(3)]
    assert numbers == [5_000, 5_001, 5_002]
    monkeypatch.setattr("engine.stream.kafka.signing.time.time_ns", lambda: 1_000)
    assert sequence_of(record("labels", b"u", b"", signer.headers("labels", b"u", b""))) == 5_003


def test_without_a_list_everyone_may() -> None:
    publishers = Publishers(Settings())
    assert not publishers.are_known
    assert publishers.accept(record("labels", None, b""), "rules") == OPEN == accept_all(None, "rules")
    assert Signer(Settings()).headers("labels", b"u", b"") == [("app_id", b"floodgate")]


def test_nobody_is_on_an_empty_list(tmp_path: Path) -> None:
    publishers = publishers_of(tmp_path, {})
    assert publishers.are_known
    assert publishers.accept(ANN.record(5), "label") is None


def test_no_two_messages_are_signed_as_the_same_bytes() -> None:
    parts = [("a", "b", 1, "c", b"d", b"e"), ("ab", "", 1, "c", b"d", b"e"), ("a", "b", 1, "cd", b"", b"e"),
             ("a", "b", 1, "c", b"de", b""), ("a", "b1", 1, "c", b"d", b"e"),
             ("a", "b", 11, "c", b"d", b"e")]  # fmt: skip
    assert len({signed_bytes(*one) for one in parts}) == len(parts)


SECRET = "the secret that ann and the workers have shared"


@pytest.mark.parametrize(
    "text",
    [
        f"ann: {SECRET}", f"ann: [{SECRET}]", f"ann: {{may: [label], keys: [{{public: {SECRET}}}]}}",
        f"ann: {{may: [label], keys: [{{secret: {SECRET}}}]}}", f"ann: {{may: [label], keys: {SECRET}}}",
        f"{{{SECRET}", f"- {SECRET}", f"ann: '{SECRET}", "\n", "ann: 5", "ann:",
        f"ann: {{may: [label], keys: [{{public: {SECRET}, until: never}}]}}", "ann: {may: [label]}", "ann: {keys: []}",
        f"ann: &x {{may: [label], keys: *{SECRET.split()[1]}}}", f"ann: !{SECRET.split()[1]} 5", "? [a]\n: b",
    ],
)  # fmt: skip
def test_a_list_that_is_none_is_refused_without_showing_a_secret(tmp_path: Path, text: str) -> None:
    path = tmp_path / "publishers.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="publishers_file") as refused:
        Publishers(secured(Settings(), publishers_file=str(path)))
    assert "secret that" not in str(refused.value)
    assert "shared" not in str(refused.value).replace("secrets that are shared with workers (HMAC)", "")


def test_who_still_has_shared_secrets_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "publishers.yaml"
    path.write_text(f"ann: {SECRET}\n")
    with pytest.raises(SettingsError, match=r"HMAC.*floodgate keys new"):
        Publishers(secured(Settings(), publishers_file=str(path)))
    with pytest.raises(SettingsError, match="floodgate keys new") as refused:
        Signer(secured(Settings(), publisher="ann", publisher_key=SECRET))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("key", ["", "é", "A" * 43 + "!", b64encode(b"x" * 31).decode(), b64encode(b"x" * 33).decode()])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match=r"`security\.publishers_file` is not a key"):
        public_key(key, "publishers_file")


def test_a_key_needs_a_name_and_is_not_shown() -> None:
    with pytest.raises(SettingsError, match=r"security\.publisher"):
        load_settings(None, {"FLOODGATE_SECURITY__PUBLISHER_KEY": ANN.private})
    settings = secured(Settings(), publisher="ann", publisher_key=ANN.private, worker_key="w" * 40, hash_key="h" * 40)
    for secret in (ANN.private, "w" * 40, "h" * 40):
        assert secret not in repr(settings)
    assert ANN.private not in str(msgspec.structs.replace(settings, app_id="other"))


def test_new_keys_fit_each_other_and_no_others() -> None:
    private, public = make_keys()
    assert private != public
    assert make_keys()[0] != private
    headers = Signer(secured(Settings(), publisher="ann", publisher_key=private)).headers("t", None, None)
    found = dict(headers)
    sequence = int(found["sequence"])
    public_key(public, "x").verify(found["signature"], signed_bytes("floodgate", "ann", sequence, "t", None, None))


def test_a_key_with_a_stray_sign_in_it_is_none() -> None:
    _, public = make_keys()
    with pytest.raises(SettingsError, match="is not a key"):
        public_key(f"{public[:5]}!{public[5:]}", "publishers_file")
