"""The enricher `pictures`: hashes that copies share, and what QR and bar codes say."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from engine.enrich.enricher import Surroundings
from engine.enrich.pictures.options import PictureOptions, read_options
from engine.enrich.pictures.reader import PictureReader, need

need("PIL", "zxingcpp")


class LookOptions(PictureOptions, frozen=True, forbid_unknown_fields=True):
    """`codes`: whether QR and bar codes are read."""

    codes: bool = True


class Pictures(PictureReader):
    """Looks at the pictures of events, in processes of its own."""

    target = "engine.enrich.pictures.looking:looks"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(dict(options), LookOptions)
        super().__init__(self._options)

    def given(self, surroundings: Surroundings) -> Mapping[str, Any]:
        """Limits, and whether to read codes."""
        own = self._options
        return {"max_pixels": own.max_pixels, "max_frames": own.max_frames, "codes": own.codes}

    def put_together(self, seen: list[dict[str, Any]]) -> dict[str, Any]:
        """Hashes and codes of the pictures, each once, and what pictures they are."""
        ranks = zip_longest(*(views for one in seen for views in one["turned"]))  # first views before any second
        return {
            "images": [{name: one[name] for name in ("format", "width", "height")} for one in seen],
            "hashes": list(dict.fromkeys(found for one in seen for found in one["hashes"])),
            "turned": list(dict.fromkeys(view for rank in ranks for view in rank if view is not None)),
            "codes": list(dict.fromkeys(found for one in seen for found in one["codes"])),
        }
