"""Texts without what formats them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.keys.links import links_in
from engine.keys.markup import without_markup


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ev<b>il</b>.com", "evil.com"), ("ev<SPAN style='x'>il</SPAN >", "evil"), ("a<br/>b", "a b"),
        ("a<!-- x -->b", "ab"),
        ("<a href=x>b</a>", "<a href=x>b</a>"), ("a < b and c > d", "a < b and c > d"), ("<bold>", "<bold>"),
        ("ev[b]il[/b]", "evil"), ("[color=red]a[/COLOR]", "a"), ("[url=x]a[/url]", "[url=x]a[/url]"), ("[0]", "[0]"),
        ("e&#118;il&#x2e;com", "evil.com"), ("e&#118il", "evil"), ("a&period;b&shy;c", "a.bc"), ("&amp;#46;", "."),
        ("&#xD800;&#0;&#9999999;", "   "), ("AT&T &copy;", "AT&T &copy;"), ("&#x0000000000002e;", "."),
        ("evil\\.com", "evil.com"), ("https:\\/\\/evil\\u002ecom", "https://evil.com"), ("C:\\dir\\x", "C:\\dir\\x"),
    ],
)  # fmt: skip
def test_what_formats_is_not_read(text: str, shown: str) -> None:
    assert without_markup(text) == shown


@given(st.text(alphabet="<>b/![]-&#x0;a. \\u="))
def test_nothing_grows_or_raises(text: str) -> None:
    assert len(without_markup(text)) <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "<!-- http://evil.com/x -->", "<b http://evil.com>hi</b>", "[color=evil.com]hi[/color]", "<br evil.com>",
        'ev<b style="margin:1.5em">il</b>.com', "<p>evil.com</p>",
    ],
)  # fmt: skip
def test_an_address_counts_whether_the_text_is_shown_as_markup_or_as_it_is(text: str) -> None:
    assert "evil.com" in [link.host for link in links_in(text)]
