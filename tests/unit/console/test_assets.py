"""What browsers load: as it was built, with the licences of those who wrote it, and small."""

from hashlib import sha256

from engine.console.web.templates import ASSETS

MOST_BYTES = 1_500_000
OTHERS = {"htmx.js": "htmx.org", "graph.js": "cytoscape", "charts.js": "uplot", "editor.js": "codemirror_view"}


def test_each_file_is_the_one_that_was_built() -> None:
    listed = dict(line.split()[::-1] for line in (ASSETS / "HASHES").read_text().splitlines())
    files = {f"./{path.relative_to(ASSETS)}": path for path in ASSETS.rglob("*") if path.is_file()}
    del files["./HASHES"]
    assert {name: sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == listed


def test_what_others_wrote_has_their_licence_and_all_of_it_is_small() -> None:
    for name, package in OTHERS.items():
        assert (ASSETS / name).is_file()
        assert (ASSETS / "licences" / f"{package}.txt").stat().st_size > 300
    assert sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()) < MOST_BYTES
