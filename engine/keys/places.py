"""Where links of shorteners and invitations lead: `t.me/channel`, `bit.ly/abc`, as the domain says nothing.

A place has many addresses: `https://t.me/s/Chan/17`, `chan.t.me`, `tg://resolve?domain=chan` and `t.me/x/../chan` are
t.me/chan. Whoever could choose one of many would be counted at none.
"""

import re

from engine.keys.domains import registrable

MAX_PLACE_CHARS = 64
_MAX_PATH_CHARS = 512
_POINTS = ".!:*_~=-"
_PLACE = re.compile(r"^[^?#&]*")
_SLASH = re.compile(r"[/\\]")
_PHONE = re.compile(r"[?&]phone=(?:\+|%2[Bb])?0{0,4}([0-9]{5,20})")

SHORTENERS = frozenset(
    """
    adf.ly amzn.to bit.do bit.ly bl.ink buff.ly chat.whatsapp.com clck.ru cutt.ly discord.gg dlvr.it dub.sh dwz.cn fb.me
    forms.gle git.io goo.gl goo.su han.gl is.gd kutt.it linktr.ee lnkd.in me2.kr n9.cl ouo.io ow.ly qps.ru qr.ae rb.gy
    rebrand.ly reurl.cc s.id shorte.st shorturl.asia shorturl.at snip.ly soo.gd suo.im surl.li t.cn t.co t.ly t.me
    tiny.cc tiny.one tinyurl.com trib.al u.to url.cn urlz.fr v.gd vk.cc wa.me wp.me x.co youtu.be zpr.io
    """.split()  # noqa: SIM905  # one name a line would be a page
)
"""Hosts whose first path segment says where a link leads."""

_SAME_PLACE = {
    "telegram.me": "t.me", "telegram.dog": "t.me", "discord.com/invite": "discord.gg",
    "discordapp.com/invite": "discord.gg", "discord.gg/invite": "discord.gg",
    "chat.whatsapp.com/invite": "chat.whatsapp.com", "bitly.com": "bit.ly", "j.mp": "bit.ly",
}  # fmt: skip
_INVITING = frozenset(name.partition("/")[0] for name in _SAME_PLACE)
_INNER_SEGMENTS = frozenset(("c", "s", "joinchat", "addstickers", "addemoji", "addlist", "boost", "proxy", "invite"))
"""First segments that say what kind of place the second one names."""

_ANY_CASE = frozenset(("t.me", "linktr.ee", "wa.me", "tinyurl.com", "rebrand.ly"))

_OF_APPS = re.compile(
    r"tg:(?://)?(?:resolve/?\?(?:[\w%=-]{0,64}&){0,4}domain=(?P<name>\w{1,64})"
    r"|join/?\?(?:[\w%=-]{0,64}&){0,4}invite=(?P<invitation>[\w-]{1,64}))"
    r"|whatsapp:(?://)?send/?\?(?:[\w%=+.-]{0,256}&){0,4}phone=\+?(?P<number>[0-9]{5,20})",
    re.IGNORECASE,
)


def addressed(text: str) -> str:
    """A text with addresses for what only an app opens: https://t.me/chan for `tg://resolve?domain=chan`."""
    return _OF_APPS.sub(_address, text) if "tg:" in text or "TG:" in text or "sapp:" in text else text


def destination(host: str, path: str, certain: bool) -> str | None:
    """The entity of a link: `example.com`, `t.me/channel`, `203.0.113.9`; None for what is no public name.
    `certain`: it is a link, whatever its host looks like."""
    registered = registrable(host, certain)
    if registered is None:
        return None
    name = host if host in SHORTENERS else registered  # chat.whatsapp.com has no domain of its own
    if registered == "whatsapp.com" and name not in SHORTENERS:
        number = _PHONE.search(path[:_MAX_PATH_CHARS])
        return f"wa.me/{number[1]}" if number else registered
    if name not in SHORTENERS and name not in _INVITING:
        return registered
    segments = _segments(path)
    if name == "t.me" and host.endswith(".t.me") and not host.startswith("www."):
        segments.insert(0, host.removesuffix(".t.me").rpartition(".")[2])
    name = _SAME_PLACE.get(name, name)
    if segments and f"{name}/{segments[0].lower()}" in _SAME_PLACE:
        name, segments = _SAME_PLACE[f"{name}/{segments[0].lower()}"], segments[1:]
    if name not in SHORTENERS or not segments:
        return registered if name not in SHORTENERS else name
    return f"{name}/{_place(name, segments)[:MAX_PLACE_CHARS]}"


def _segments(path: str) -> list[str]:
    """The segments of a path as a browser asks for it: `/a/../b` is `/b`."""
    segments: list[str] = []
    for part in _SLASH.split(_PLACE.findall(path[:_MAX_PATH_CHARS])[0]):
        plain = part.replace("%2e", ".").replace("%2E", ".")
        if plain == "..":
            del segments[-1:]
        elif part.strip(_POINTS):
            segments.append(part)
    return segments


def _place(name: str, segments: list[str]) -> str:
    segments = [part.rstrip(_POINTS) for part in segments]
    first = segments[0]
    if name == "t.me":
        first = first.lstrip("@")
        if first.startswith("+") and not first[1:].isdecimal():
            return f"joinchat/{first[1:]}"
        if first.lower() == "s" and len(segments) > 1:
            return segments[1].lower()  # a preview of the channel
        if first.lower() in _INNER_SEGMENTS and len(segments) > 1:
            return f"{first.lower()}/{segments[1]}"
    if name == "wa.me":
        return (
            f"message/{segments[1]}" if first.lower() == "message" and len(segments) > 1 else first.lstrip("+0").lower()
        )
    return first.lower() if name in _ANY_CASE else first


def _address(match: re.Match[str]) -> str:
    if match["number"]:
        return f"https://wa.me/{match['number']}"
    return f"https://t.me/{match['name']}" if match["name"] else f"https://t.me/joinchat/{match['invitation']}"
