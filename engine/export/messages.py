"""What records of a topic are to its table: documents of the engine's own, labels of those who may give them."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from engine.errors import LabelError
from engine.settings import Settings
from engine.stream.admin.given import LabelReader
from engine.stream.admin.published import ACTION, DECISION
from engine.stream.handlers.label_messages import read_label
from engine.stream.kafka.publishers import Publishers, is_a_workers_or
from engine.stream.kafka.sealing import Seals

Document = Mapping[str, Any]


class MessageReader:
    """Reads records of one of the exported topics. Raises SettingsError when it is made."""

    def __init__(self, settings: Settings, table: str) -> None:
        self._seals, self._publishers, self._labels = Seals(settings), Publishers(settings), LabelReader(settings)
        readers: dict[str, Callable[[Any], Document | None]] = {
            "decisions": self._decision, "actions": self._action, "labels": self._label,
        }  # fmt: skip
        self.read = readers[table]
        """The document in a record; None for what is passed over."""

    def _decision(self, record: Any) -> Document | None:
        return DECISION.read(record.value) if self._seals.fits(record) else None

    def _action(self, record: Any) -> Document | None:
        is_ours = is_a_workers_or(record, "revoke", self._seals, self._publishers)
        return ACTION.read(record.value) if is_ours else None

    def _label(self, record: Any) -> Document | None:
        value = self._labels.said(record)
        try:
            document = orjson.loads(value or b"")
            read_label(document)
        except (LabelError, ValueError):
            return None
        return dict(document)
