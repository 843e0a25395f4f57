"""E-mail addresses: the mailbox that an address leads to, and hosts whose mailboxes are thrown away after use.

`Ann.Example+shop@GoogleMail.com` and `annexample@gmail.com` are one mailbox. Tags behind a plus sign go wherever the
mailbox is; signs within a name go where the provider does not look at them.
"""

import unicodedata
from functools import cache

from engine.keys.domains import in_punycode

MAX_ADDRESS_CHARS = 512
"""So much of what is given as an address is read, from its end: no mail server takes more than 254."""

_ALIASES = {
    "googlemail.com": "gmail.com", "protonmail.com": "proton.me", "protonmail.ch": "proton.me", "pm.me": "proton.me",
    "me.com": "icloud.com", "mac.com": "icloud.com",
    "ya.ru": "yandex.ru", "yandex.com": "yandex.ru", "yandex.by": "yandex.ru", "yandex.kz": "yandex.ru",
}  # fmt: skip
"""Hosts with the same mailboxes as another one."""

_IGNORED = {"gmail.com": ".", "proton.me": ".-_", "yandex.ru": ".-"}
"""The signs in a name that a provider does not look at."""


def mailbox(address: str) -> str:
    """The mailbox of an e-mail address, in small letters; empty where there is none."""
    name, host = _parted(address)
    if not name or not host:
        return ""
    host = _ALIASES.get(host, host)
    untagged = name.partition("+")[0] or name
    plain = untagged.translate({ord(sign): None for sign in _IGNORED.get(host, "")}) or untagged
    return f"{plain}@{host}"


def is_disposable(address: str) -> bool:
    """Whether the host of an e-mail address, or the host itself, gives mailboxes away that live for minutes."""
    _, host = _parted(address)
    labels = host.split(".")
    known = _disposable()
    return any(".".join(labels[at:]) in known for at in range(len(labels) - 1))


def _parted(address: str) -> tuple[str, str]:
    """Name and host, in small letters. `Ann <ann@x.com>` is what stands between the angles."""
    address = unicodedata.normalize("NFKC", address[-MAX_ADDRESS_CHARS:]).strip()
    if address.endswith(">"):
        address = address[:-1].rpartition("<")[2]
    name, _, host = address.strip().lower().rpartition("@")
    host = host.strip().rstrip(".")
    return name.strip(), host if host.isascii() else in_punycode(host) or host


@cache
def _disposable() -> frozenset[str]:
    from disposable_email_domains import blocklist  # noqa: PLC0415  # 200 KB that few rulebooks ask for

    return frozenset(blocklist)
