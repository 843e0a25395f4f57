"""An enricher that somebody else might write: which countries' telephone numbers stand in a text.

Declared as `phones`, it adds `enriched.phones`: rules read `{type: number, from: enriched.phones.count}`.
"""

import re
from collections.abc import Mapping
from typing import Any

from engine.enrich.enricher import Enricher, RawEvent

_NUMBER = re.compile(r"\+(\d[\d ()/.-]{6,20}\d)")
_LONGEST = 20_000
_COUNTRIES = {"1": "US", "33": "FR", "44": "GB", "49": "DE", "86": "CN", "91": "IN", "234": "NG"}


class Phones(Enricher):
    """Finds telephone numbers in international form. Option `field`: where the text stands."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        others = dict(options)
        self._field = others.pop("field", "text")
        super().__init__(others)

    def is_about(self, event: RawEvent) -> bool:
        """About every event that has a text."""
        return isinstance(event.find(self._field), str)

    async def enrich(self, event: RawEvent) -> Mapping[str, Any] | None:
        """How many there are, and of which countries, as far as they are known."""
        numbers = [re.sub(r"\D", "", found) for found in _NUMBER.findall(event.find(self._field)[:_LONGEST])]
        if not numbers:
            return None
        countries = {code for number in numbers for prefix, code in _COUNTRIES.items() if number.startswith(prefix)}
        return {"count": len(numbers), "countries": sorted(countries)}
