"""Links, down to the domain that somebody registered: which fields, how many, at what cost."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.kernel import set_hash_key
from engine.keys.domains import registrable
from engine.keys.urls import MAX_DOMAINS, MAX_HOSTS, url_domains
from tests.costs import cost_by_length


@pytest.mark.parametrize(
    ("text", "domains"),
    [
        ("see https://www.Shop.example.co.uk:443/a?b#c now", ["example.co.uk"]),
        ("two: http://a.com/x, and b.org.", ["a.com", "b.org"]),
        ("hidden: evil[.]com, evil (dot) com, evil dot com", ["evil.com"]),
        ("hxxps://bad\u3002com/q", ["bad.com"]),
        ("\uff45\uff56\uff49\uff4c\uff0e\uff43\uff4f\uff4d", ["evil.com"]),
        ("zero\u200bwidth.com", ["zerowidth.com"]),
        ("\u0440\u0430ypal.com", ["xn--ypal-43d9g.com"]),
        ("mine.github.io and yours.github.io/x", ["mine.github.io", "yours.github.io"]),
        ("bit.ly/abc and https://bit.ly/def?x", ["bit.ly/abc", "bit.ly/def"]),
        ("google.com/url?q=https%3A%2F%2Fspam.ru%2Fx", ["google.com", "spam.ru"]),
        ("http://user:pass@real.com@evil.com/", ["evil.com"]),
        ("http://203.0.113.9:8080/x", ["203.0.113.9"]),
        ("write to me@mail.com", []),
        ("version 1.2.3, e.g. file.txt, U.S.A. and 3.14", []),
        ("no links here", []),
        ("my-page.example", ["my-page.example"]),
        ("evil.com/?r=http://good.org", ["evil.com", "good.org"]),
        ("http://a.com,http://b.com;c.org", ["a.com", "b.com", "c.org"]),
        ("http://evil.com&x see:other.com", ["evil.com", "other.com"]),
        ("💰evil.com💰 \u201cother.com\u201d third.com\u2019s", ["evil.com", "other.com", "third.com"]),
        ("\u8bbf\u95eeevil.com\u770b", ["evil.com"]),
        ("https:evil.com //other.com/x", ["evil.com", "other.com"]),
        ("http://ev%69l.com", ["evil.com"]),
        ("t.me/joinchat/AAA t.me/joinchat/BBB", ["t.me/joinchat/AAA", "t.me/joinchat/BBB"]),
        ("that is the end.So what", []),
    ],
)
def test_links_in_texts(text: str, domains: list[str]) -> None:
    assert list(url_domains({"text": text})) == domains


def test_declared_urls_come_first_and_are_taken_at_their_word() -> None:
    event = {"urls": ["intranet.corp/x", 5, "https://a.com"], "url": "b.net", "text": "and a.com, c.org"}
    assert list(url_domains(event)) == ["intranet.corp", "a.com", "b.net", "c.org"]


@pytest.mark.parametrize(
    ("url", "domain"),
    [(" http://a.com ", "a.com"), ("http://www.evil.com,", "evil.com"), ("http://EVIL\u3002com", "evil.com"),
     ("http://[2001:db8::1]:80/x", "2001:db8::1"), ("HTTPS://A.com:443", "a.com"), ("localhost", None), ("", None)],
)  # fmt: skip
def test_declared_urls_are_read_as_people_write_them(url: str, domain: str | None) -> None:
    assert list(url_domains({"url": url})) == ([domain] if domain is not None else [])


@pytest.mark.parametrize(
    "url",
    [
        "https://%65vil.com", "https://evil%2Ecom/x", "evil%2Ecom", "https://evil%E3%80%82com", "https://ev%C2%ADil.com",
        "https://evil\u2024com/x", "evil\u2024com", "https://evil\ufe52com", "https%3A%2F%2Fevil.com",
        "https://good.com%2F@evil.com", "https://\u24d4vil.com",
    ],
)  # fmt: skip
def test_hosts_are_decoded_as_browsers_do(url: str) -> None:
    for event in ({"urls": [url]}, {"urls": url}, {"url": url}):
        assert url_domains(event) == ("evil.com",)


def test_encoded_user_names_hide_no_host() -> None:
    assert url_domains({"text": "see https://good.com%2F@evil.com now"}) == ("evil.com",)


@pytest.mark.parametrize("target", ["https%3A%2F%2Fevil.com", "https%253A%252F%252Fevil.com%252Fx", "//evil.com"])
def test_targets_of_declared_redirects_are_found(target: str) -> None:
    assert url_domains({"urls": [f"https://l.facebook.com/l.php?u={target}"]}) == ("facebook.com", "evil.com")


@pytest.mark.parametrize(
    "urls",
    [
        "https://a.com\nhttps://b.org", "https://a.com, https://b.org", "https://a.com b.org",
        ["https://a.com", ["b.org"]],
        [{"url": "https://a.com"}, {"href": "https://b.org"}], {"link": ["https://a.com", "https://b.org"]},
        [{"url": ["https://a.com"], "title": "c.net"}, [["b.org", 5, None]]],
    ],
)  # fmt: skip
def test_declared_urls_may_have_any_shape(urls: object) -> None:
    assert set(url_domains({"urls": urls})) == {"a.com", "b.org"}


def test_declared_urls_are_nested_to_a_depth() -> None:
    deep: list[object] = ["https://a.com"]
    for _ in range(500):
        deep = [deep]
    assert url_domains({"urls": deep}) == ()
    assert len(url_domains({"urls": [[f"https://site{index}.com"] for index in range(9_000)]})) == MAX_DOMAINS


def test_there_is_a_limit() -> None:
    assert len(url_domains({"urls": [f"https://site{index}.com" for index in range(100)]})) == MAX_DOMAINS


@pytest.mark.parametrize(
    "unit",
    [
        "a.",
        "http://",
        "https://a%@",
        " ,",
        "//%",
        "[.]",
        "x dot com ",
        "%68ttp://",
        "\u200b.",
        "://a",
        "\u0300\u0316",
        "((",
        "a-",
        "\u8bbf.",
    ],
)
def test_hostile_texts_take_no_time(unit: str) -> None:
    with cost_by_length():
        url_domains({"text": unit * 300_000, "urls": [unit * 1_000]})


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


def test_codes_of_pictures_are_links() -> None:
    assert url_domains({"media": {"codes": ["https://evil.example/win", "no link"]}}) == ("evil.example",)
    assert set(url_domains({"text": "see a.com/x", "media": {"codes": ["b.com/y"]}})) == {"a.com", "b.com"}


def test_links_in_the_text_of_pictures_are_links() -> None:
    media = {"text": "join us\nat evil.example/win now", "codes": ["b.com/y"]}
    assert set(url_domains({"text": "see a.com/x", "media": media})) == {"a.com", "b.com", "evil.example"}
    assert url_domains({"media": {"text": ["a.com"]}}) == ()


@pytest.mark.parametrize("media", [None, [], "x", {"codes": "https://a.com/"}, {"codes": [7, None, {}]}, {"codes": {}}])
def test_whatever_else_stands_there_is_no_link(media: object) -> None:
    assert url_domains({"media": media}) == ()


@pytest.mark.parametrize("decoy", ["a//b ", "lorem.ipsum ", "w{0}.x{0} ", "a//b,", "x.y{0}|"])
def test_a_link_is_not_hidden_in_the_middle_of_what_looks_like_links(decoy: str) -> None:
    padding = "".join(decoy.format(index) for index in range(24_000 // len(decoy)))
    assert "evil.com" in url_domains({"text": f"{padding} https://evil.com/x {padding}"})


def test_which_of_very_many_links_are_read_does_not_depend_on_where_they_stand() -> None:
    links, rng = [f"https://site{index}.com/{index}" for index in range(2_000)], Random(1)
    first = set(url_domains({"urls": links}))
    rng.shuffle(links)
    assert set(url_domains({"urls": links})) == first
    codes = [f"https://code{index}.com/" for index in range(100)]
    assert set(url_domains({"media": {"codes": codes}})) == set(url_domains({"media": {"codes": codes[::-1]}}))


@pytest.mark.parametrize(
    "entry",
    ["[url]https://evil.com[/url]", "[x](evil.com)", "https://(evil.com)", "<b>evil</b>.com", "evil|dot|com",
     "l.php?u=evil.com&x", "https://good.com/?u=evil.com", "https://a$b.evil.com", "**evil**.com", "evil&period;com"],
)  # fmt: skip
def test_declared_urls_are_read_through_what_wraps_them(entry: str) -> None:
    assert "evil.com" in url_domains({"urls": [entry]})


def test_what_only_an_app_opens_is_declared_too() -> None:
    assert url_domains({"urls": ["tg://resolve?start=1&domain=Chan"]}) == ("t.me/chan",)
