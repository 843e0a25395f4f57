"""Which addresses are one mailbox, and which mailboxes are thrown away."""

import pytest

from engine.keys.mailboxes import MAX_ADDRESS_CHARS, is_disposable, mailbox


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ann@example.com", "ann@example.com"),
        ("Ann.Example+Shop@Example.COM", "ann.example@example.com"),
        ("A.n.n+1@googlemail.com", "ann@gmail.com"),
        ("ann@gmail.com.", "ann@gmail.com"),
        ("Ann Example <a.nn@gmail.com>", "ann@gmail.com"),
        (" ann@gmail.com\n", "ann@gmail.com"),
        ("ann@\uff47\uff4d\uff41\uff49\uff4c.com", "ann@gmail.com"),
        ("a.n-n_e@protonmail.com", "anne@proton.me"),
        ("ann-e@ya.ru", "anne@yandex.ru"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("+tag@example.com", "+tag@example.com"),
        ("...@gmail.com", "...@gmail.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ("ann", ""), ("@example.com", ""), ("ann@", ""), ("", ""),
    ],
)  # fmt: skip
def test_addresses_of_one_mailbox_are_one(address: str, expected: str) -> None:
    assert mailbox(address) == expected


def test_a_long_address_is_read_from_its_end() -> None:
    assert mailbox("x" * 100_000 + "@example.com").endswith("x@example.com")
    assert len(mailbox("x" * 100_000 + "@example.com")) == MAX_ADDRESS_CHARS


@pytest.mark.parametrize("address", ["ann@mailinator.com", "Ann@Sub.Mailinator.com", "mailinator.com"])
def test_mailboxes_that_are_thrown_away_are_known(address: str) -> None:
    assert is_disposable(address)


@pytest.mark.parametrize(
    "address", ["ann@gmail.com", "ann@my-mailinator.example", "mailinator.com@x.example", "", "com"]
)
def test_others_are_not(address: str) -> None:
    assert not is_disposable(address)
