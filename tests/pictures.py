"""`make pictures`: what `floodgate status` looks like, taken from a running system, for the documentation."""

import io
import os
import re
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.events import random_events
from tests.system import RULEBOOKS, System, wait_until

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
_COLUMNS = 110


def main() -> None:
    """Two workers that are behind, one rule paused."""
    os.environ |= {"FORCE_COLOR": "1", "COLUMNS": str(_COLUMNS)}
    with tempfile.TemporaryDirectory() as directory, System(Path(directory), partitions=8) as system:
        system.run("rules", "push", str(RULEBOOKS / "flood"), "--author", "ann", "--note", "links of new accounts")
        workers = [system.start_worker("one"), system.start_worker("two")]
        for worker in workers:
            wait_until(worker.ready, "it is ready")
        wait_until(lambda: "nobody" not in system.run("status"), "both have their partitions")
        system.run("rules", "pause", "big_spender", "--author", "ben", "--note", "too many appeals")
        for worker in workers:
            worker.pause()  # for less than a session: they fall behind
        system.publish(random_events(3_000))
        told = system.run("status")
    console = Console(record=True, width=_COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi("$ floodgate status\n" + told))
    picture = console.export_svg(title="floodgate status")
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)  # a picture fetches nothing
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "status.svg").write_text(picture, "utf-8")


if __name__ == "__main__":
    main()
