"""Links in events, down to the domain that somebody registered: which fields, how many, at what cost."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.kernel import set_hash_key
from engine.keys.domains import destination, registrable
from engine.keys.urls import MAX_DOMAINS, MAX_HOSTS, url_domains


@pytest.mark.parametrize(
    ("entry", "domain"),
    [
        ("\n https://evil.com/x", "evil.com"),
        ("https://ev\nil.c\tom/x", "evil.com"),
        ("https://evil.com /x", "evil.com"),
        ("\u00a0https://evil.com\u200b", "evil.com"),
        (" " * 20_000 + "evil.com", "evil.com"),
        ("https://" + "a" * 5_000 + "@evil.com/", "evil.com"),
        ("hxxps[:]//evil[.]com", "evil.com"),
        ("evil dot com", "evil.com"),
        ("//evil.com/x", "evil.com"),
        ("\\\\evil.com", "evil.com"),
        ("see https://evil.com", "evil.com"),
        ("README.md", "readme.md"),
        ("http://3405803785", "203.0.113.9"),
        ("5", None),
        ("mailto:", None),
        ("javascript:alert(1)", None),
        ("\ud800", None),
    ],
)
def test_entries(entry: str, domain: str | None) -> None:
    assert url_domains({"urls": [entry]}) == ((domain,) if domain is not None else ())


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("203.0.113.9", "203.0.113.9"), ("0xCB.0.0x7109", "203.0.113.9"), ("127.1", "127.0.0.1"), ("256.1.1.1", None),
        ("1.2.3.4.5", None), ("08.1.1.1", None), ("4294967296", None), ("7", None), ("::1", "::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"), ("fe80::1%eth0", "fe80::1"), (":::", None),
        ("\U0001f4a9.la", "xn--ls8h.la"),
        ("fa\u00df.de", "xn--fa-hia.de"), ("B\u00dcCHER.de", "xn--bcher-kva.de"), ("a..com", None), ("-a.com", None),
        ("com", None), ("co.uk", "co.uk"), ("a" * 300 + ".com", None), ("\u0430" * 70 + ".com", None), ("", None),
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
        ("bit.ly", "/" + "x" * 300, "bit.ly/" + "x" * 64),
    ],
)  # fmt: skip
def test_places_behind_shorteners_and_invitations(host: str, path: str, name: str) -> None:
    assert destination(host, path, False) == name


def test_which_domains_are_counted_does_not_depend_on_where_they_stand() -> None:
    links, rng = [f"https://site{index}.com/{index}" for index in range(200)], Random(1)
    first = url_domains({"urls": links})
    assert len(first) == MAX_DOMAINS
    for _ in range(5):
        rng.shuffle(links)
        assert set(url_domains({"urls": links})) == set(first)
        assert set(url_domains({"text": " ".join(links)})) == set(first)
    set_hash_key("another secret")
    try:
        assert set(url_domains({"urls": links})) != set(first)
    finally:
        set_hash_key("")


def test_many_hosts_of_one_owner_do_not_hide_another() -> None:
    decoys = " ".join(f"a{index}.decoy.com" for index in range(400))
    assert set(url_domains({"text": f"{decoys} evil.com {decoys}"})) == {"decoy.com", "evil.com"}


@pytest.mark.parametrize(
    "event",
    [
        {"urls": [f"http://\u0430\u0431{index}.\u0430\u0431" for index in range(9_000)]},
        {"urls": [f"http://\u0430\u0431{index}.com" for index in range(9_000)]},
        {"urls": [f"http://%D0%B0{index}.com" for index in range(9_000)]},
        {"urls": ["http://" + chr(0x4E00 + index) * 55 + ".com" for index in range(9_000)]},
        {"urls": [f"http://site{index}.com" for index in range(9_000)]},
        {"text": " ".join(f"{index}.zz{index}" for index in range(9_000))},
        {"text": " ".join(f"s{index}.io" for index in range(9_000))},
        {"urls": ["a"] * 60_000},
    ],
)
def test_of_many_hosts_few_are_looked_up(event: dict[str, object]) -> None:
    registrable.cache_clear()
    assert len(url_domains(event)) <= MAX_DOMAINS
    assert registrable.cache_info().misses <= MAX_HOSTS


_PIECES = st.sampled_from(
    [".", "/", ":", "@", "[", "]", "(", ")", "%", "-", "#", "?", "&", "\\",
     " ", "\n", "dot", "http", "://", "com", "a", "x1", "\u4e2d", "\u200b",
     "\u0301", "\u0430", "\U0001f4b0", "\ud800", "\ufdfa", "xn--", "0x", "t.me/", "www.", "%2e", "&#46;", "\u3002"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)))
def test_nothing_raises(text: str) -> None:
    found = url_domains({"text": text, "urls": [text, 5, None], "url": text})
    assert len(found) <= MAX_DOMAINS
    assert all(name and name.partition("/")[0].isascii() for name in found)


@given(st.lists(st.sampled_from(["evil.com", "b.org/x", "https://c.net", "word", "d.io.", "t.me/x"]), max_size=8))
def test_the_order_of_words_does_not_matter(words: list[str]) -> None:
    assert set(url_domains({"text": " ".join(words)})) == set(url_domains({"text": " ".join(reversed(words))}))
