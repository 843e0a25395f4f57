"""What records of `actions` are to a receiver."""

import re
from typing import Any

from engine.delivery.waiting import Waiting
from engine.delivery_settings import ReceiverSettings
from engine.settings import Settings
from engine.stream.admin.published import ACTION
from engine.stream.admin.revocation import REVOKE
from engine.stream.kafka.publishers import Publishers, is_a_workers_or
from engine.stream.kafka.sealing import Seals

_OWN = frozenset(("add", "mark"))
"""Kinds that the engine carries out itself."""
_ID = re.compile(r"[A-Za-z0-9_:-]{1,200}")
"""What may stand in a header; the engine's own ids are hexadecimal."""


class ActionReader:
    """Reads for one receiver."""

    def __init__(self, settings: Settings, receiver: ReceiverSettings) -> None:
        self._seals, self._publishers = Seals(settings), Publishers(settings)
        self._kinds, self._target_types = receiver.kinds, receiver.target_types

    def read(self, record: Any) -> Waiting | str:
        """The action that a record holds, if the receiver is to have it; else what the record is to it: `passed_over`
        where it is not the engine's own, `not_asked_for`."""
        is_ours = is_a_workers_or(record, "revoke", self._seals, self._publishers)
        action = ACTION.read(record.value) if is_ours else None
        if action is None or not _ID.fullmatch(action["action_id"]):
            return "passed_over"
        target = action["target"]["type"], action["target"]["id"]
        whole: dict[str, Any] = dict(action)
        kind = whole.get("revoked_kind") if whole["kind"] == REVOKE else whole["kind"]
        if not isinstance(kind, str):  # nobody else declares what this one is
            return "passed_over"
        is_asked_for = kind in self._kinds if self._kinds else kind not in _OWN
        if not is_asked_for or (self._target_types and target[0] not in self._target_types):
            return "not_asked_for"
        return Waiting(record.partition, record.offset, action["action_id"], target, record.timestamp, record.value)
