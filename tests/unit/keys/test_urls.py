"""Links, down to the domain that somebody registered."""

import time

import pytest

from engine.keys.urls import MAX_DOMAINS, url_domains


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
    started = time.process_time()
    url_domains({"text": unit * 100_000, "urls": [unit * 1_000]})
    assert time.process_time() - started < 1
