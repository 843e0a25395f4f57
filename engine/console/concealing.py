"""People under their pseudonyms, where those are in use, also in what names them: actions and reviews do."""

from collections.abc import Mapping
from typing import Any

from engine.settings import Settings

_USER = "user"


class Concealer:
    """Puts pseudonyms into what is followed. Without a key everybody keeps their name. Raises SettingsError."""

    def __init__(self, settings: Settings) -> None:
        self._pseudonyms, self._hidden = settings.pseudonyms(), settings.privacy.fields | {_USER}

    @property
    def is_on(self) -> bool:
        """Whether people have pseudonyms."""
        return self._pseudonyms is not None

    def of_user(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A document with its user under their pseudonym."""
        return {**document, "user_id": self._hide(document["user_id"])}

    def of_action(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The same of an action: its target too, where that is somebody, and not what it tells people in their own
        words."""
        target, told = document["target"], {"tell"} if self.is_on else set()
        hidden = {**target, "id": self._hide(target["id"])} if target["type"] in self._hidden else target
        shown = {name: value for name, value in document.items() if name not in told}
        return self.of_user({**shown, "target": hidden})

    def _hide(self, name: str) -> str:
        return self._pseudonyms.of(name) if self._pseudonyms is not None else name
