"""What `make docs` does to a page before it is rendered."""

import re
from typing import Any


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page without what stands behind a fence's language (```sh until): only the tests of the pages read that."""
    return re.sub(r"^(```[a-z]+) .*$", r"\1", markdown, flags=re.MULTILINE)
