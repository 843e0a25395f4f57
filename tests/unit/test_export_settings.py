"""Settings of the export."""

import pytest

from engine.errors import SettingsError
from engine.settings import load_settings


def test_tables_are_those_that_there_are() -> None:
    assert load_settings(None, {"FLOODGATE_EXPORT__TABLES": "actions,labels"}).export.tables == ("actions", "labels")
    for wrong in ("events", "actions,hops"):
        with pytest.raises(SettingsError, match=r"export"):
            load_settings(None, {"FLOODGATE_EXPORT__TABLES": wrong})
