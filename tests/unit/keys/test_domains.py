"""Hosts, down to the domain that somebody registered, and places behind shorteners and invitations."""

import pytest

from engine.keys.domains import registrable
from engine.keys.places import destination


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("203.0.113.9", "203.0.113.9"), ("0xCB.0.0x7109", "203.0.113.9"), ("127.1", "127.0.0.1"), ("256.1.1.1", None),
        ("1.2.3.4.5", None), ("08.1.1.1", None), ("4294967296", None), ("7", None), ("::1", "::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"), ("fe80::1%eth0", "fe80::1"), (":::", None),
        ("\U0001f4a9.la", "xn--ls8h.la"),
        ("fa\u00df.de", "xn--fa-hia.de"), ("B\u00dcCHER.de", "xn--bcher-kva.de"), ("a..com", None), ("-a.com", None),
        ("com", None), ("co.uk", "co.uk"), ("a" * 300 + ".com", None), ("\u0430" * 70 + ".com", None), ("", None),
        ("a$b.evil.com", "evil.com"), ("a-.evil.com", "evil.com"), ("a" * 64 + ".evil.com", "evil.com"),
        (f"{'a.' * 200}evil.com", "evil.com"), ("\u0378.x.evil.com", "evil.com"), ("evil..com", None),
    ],
)  # fmt: skip
def test_hosts(host: str, domain: str | None) -> None:
    assert registrable(host, True) == domain


@pytest.mark.parametrize(
    ("host", "path", "name"),
    [
        ("t.me", "/Chan/17", "t.me/chan"), ("t.me", "/s/Chan/17", "t.me/chan"), ("t.me", "/+AbC", "t.me/joinchat/AbC"),
        ("t.me", "/joinchat/AbC", "t.me/joinchat/AbC"), ("telegram.me", "/chan", "t.me/chan"), ("t.me", "/", "t.me"),
        ("discordapp.com", "/invite/x", "discord.gg/x"), ("discord.com", "/channels/1", "discord.com"),
        ("chat.whatsapp.com", "/Code", "chat.whatsapp.com/Code"), ("web.whatsapp.com", "/x", "whatsapp.com"),
        ("bit.ly", "/Ab?x#y", "bit.ly/Ab"), ("youtu.be", "/abc.", "youtu.be/abc"), ("evil.com", "/a", "evil.com"),
        ("bit.ly", "/" + "x" * 300, "bit.ly/" + "x" * 64), ("bit.ly", "/x/../Ab", "bit.ly/Ab"),
        ("bit.ly", "/x/%2e%2E/./Ab", "bit.ly/Ab"), ("bit.ly", "/..", "bit.ly"), ("chan.t.me", "/17", "t.me/chan"),
        ("a.chan.t.me", "", "t.me/chan"), ("www.t.me", "/chan", "t.me/chan"), ("t.me", "\\Chan\\17", "t.me/chan"),
        ("t.me", "/@Chan", "t.me/chan"), ("wa.me", "/+4915112345", "wa.me/4915112345"), ("j.mp", "/x", "bit.ly/x"),
        ("api.whatsapp.com", "/send?text=a&phone=%2B4915112345", "wa.me/4915112345"),
        ("wa.me", "/message/AbC", "wa.me/message/AbC"), ("discord.gg", "/invite/x", "discord.gg/x"),
    ],
)  # fmt: skip
def test_places_behind_shorteners_and_invitations(host: str, path: str, name: str) -> None:
    assert destination(host, path, False) == name
