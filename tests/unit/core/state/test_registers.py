"""A register as bytes."""

import struct

import pytest

from engine.core.series.remembered import AGE, FIRST, LAST, Register
from engine.core.state.registers import dump_register, load_register


def register_with(*values: bool | int | float | str) -> Register:
    register = Register(LAST, 400 * 86_400_000)
    for at, value in enumerate(values):
        register.enter(at - 5, value)
    return register


def same(one: Register, other: Register) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in Register.__slots__)


@pytest.mark.parametrize(
    "value", [True, False, 0, -(2**63), 2**63 - 1, 52.5, float("inf"), "", "DE", "käthe", "\ud800"]
)
def test_each_value_survives_with_its_type(value: bool | int | float | str) -> None:
    data = dump_register(register_with(value))
    found, end = load_register(b"xx" + data, 2)
    assert (same(found, register_with(value)), end) == (True, len(data) + 2)
    assert type(found.runs[0].value) is type(value)


def test_doubts_and_what_is_gone_survive() -> None:
    register = Register(FIRST, 10)
    for at in range(6):
        register.enter(at * 100, "DE")
    register.doubt(1_000)
    found, _ = load_register(dump_register(register), 0)
    assert same(found, register)
    assert found.possible
    assert found.floor == 200


def test_several_runs_survive_in_their_order() -> None:
    register = register_with("DE", 1, 2.5, "FR", True)
    assert same(load_register(dump_register(register), 0)[0], register)


@pytest.mark.parametrize(("place", "byte"), [(0, 9), (0, 0), (37, 6)])
def test_what_no_register_has_is_refused(place: int, byte: int) -> None:
    data = bytearray(dump_register(register_with("DE")))
    data[place] = byte
    with pytest.raises(ValueError, match="there is no"):
        load_register(bytes(data), 0)


def test_what_ends_too_early_is_refused() -> None:
    for register in (register_with("DE"), register_with(5), Register(AGE, 5)):
        data = dump_register(register)
        with pytest.raises((ValueError, struct.error)):
            load_register(data[:-1], 0)
