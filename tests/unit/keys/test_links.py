"""Links in disguise are found, and what only looks like one is none."""

import pytest

from engine.keys.links import links_in
from engine.keys.urls import MAX_DOMAINS, url_domains
from tests.corpus_links import DISGUISES, HARMLESS, HOSTILE


@pytest.mark.parametrize(("text", "domain"), DISGUISES, ids=lambda value: ascii(value[:40]))
def test_disguised_links(text: str, domain: str) -> None:
    if text == "evil,com":
        pytest.xfail("com is a word in Portuguese")
    assert domain in url_domains({"text": text})


@pytest.mark.parametrize("text", HARMLESS, ids=lambda value: ascii(value[:40]))
def test_harmless_texts(text: str) -> None:
    assert url_domains({"text": text}) == ()


@pytest.mark.parametrize("name", ["README.md", "setup.sh", "main.rs", "asp.net", "libfoo.so"])
def test_a_scheme_www_or_a_path_makes_a_file_name_a_link(name: str) -> None:
    assert url_domains({"text": f"see {name}"}) == ()
    for made in (f"https://{name}", f"www.{name}", f"{name}/win"):
        assert url_domains({"text": f"see {made}"}) == (name.lower(),)


def test_a_link_in_the_middle_of_a_long_text_is_found() -> None:
    assert url_domains({"text": "words " * 6_000 + "https://evil.com/x " + "words " * 6_000}) == ("evil.com",)


@pytest.mark.xfail(reason="dev is a suffix of many sites", strict=True)
def test_a_file_that_is_taken_for_a_site() -> None:
    assert url_domains({"text": "Dockerfile.dev"}) == ()


def test_links_tell_host_path_and_certainty() -> None:
    assert links_in("https://A.com/x?y and b.org/z") == [("a.com", "/x?y", True), ("b.org", "/z", False)]


@pytest.mark.parametrize("unit", HOSTILE, ids=ascii)
def test_whatever_is_repeated_is_read(unit: str) -> None:
    """What that costs is told by `python -m benchmarks.keys`."""
    assert len(url_domains({"text": (unit * 65_536)[:65_536]})) <= MAX_DOMAINS
