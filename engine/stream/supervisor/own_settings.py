"""What each of several workers on a machine has of its own: a directory, a port, a name."""

from pathlib import Path

import msgspec

from engine.errors import SettingsError
from engine.settings import Settings

MOST_PROCESSES = 256


def own_settings(settings: Settings, processes: int) -> list[Settings]:
    """Those of each worker, the first one's first. The ports are those after `web_port`. Raises SettingsError where
    there is no room for so many."""
    try:
        return [_of(settings, number) for number in range(1, processes + 1)]
    except ValueError as error:
        raise SettingsError(f"{processes} processes cannot work: of the last one, {error}") from error


def _of(settings: Settings, number: int) -> Settings:
    name = settings.instance_id
    return msgspec.structs.replace(
        settings,
        data_dir=str(Path(settings.data_dir) / str(number)),
        web_port=settings.web_port + number,
        instance_id=f"{name}-{number}" if name else "",
    )
