"""Schemas by id, from a registry that speaks as Confluent's does. Schemas never change, so each is asked for once."""

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import orjson
import structlog
from aiohttp import BasicAuth, ClientError, ClientSession, ClientTimeout, TCPConnector

from engine.errors import EventError, SettingsError
from engine.intake.patience import Patience
from engine.intake.schemas import Language, Written
from engine.intake_settings import IntakeSettings

T = TypeVar("T")

_TIMEOUT_S = 10.0
_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0
_MOST_SCHEMAS, _MOST_BYTES, _MOST_REFERENCES = 1_000, 1 << 20, 100
_NOT_THERE = (400, 404, 422)
"""What registries answer about a number that none of theirs can be; whoever writes a message chooses it."""
_UNKNOWN_S, _MOST_REFUSED = 10.0, 10_000
"""So long a schema that is not there is not asked for again, and of so many this is known."""
_TRIES = 8
"""So often a number is asked for about which the registry does not tell, though it tells about others: for 20 s."""

_log = structlog.stdlib.get_logger("floodgate.intake")


class AwayError(Exception):
    """The registry does not answer, or is at fault itself."""


class Registry:
    """The registry; a context manager. `on_away` is told since when it has not answered (epoch seconds), 0 when it does
    again. Raises SettingsError when it is made."""

    def __init__(
        self, settings: IntakeSettings, stopping: asyncio.Event, on_away: Callable[[float], None] = lambda _: None
    ) -> None:  # fmt: skip
        self._settings, self._stopping, self._on_away = settings, stopping, on_away
        self._known: dict[tuple[str, int], Any] = {}
        self._good: int | None = None
        self._refused: dict[tuple[str, int], tuple[float, str, str]] = {}
        password = settings.registry_password()
        self._auth = BasicAuth(settings.registry_user, password) if settings.registry_user else None

    async def __aenter__(self) -> Self:
        try:
            context = ssl.create_default_context(cafile=self._settings.registry_ca_file)
        except OSError as error:
            raise SettingsError(f"`intake.registry_ca_file` cannot be used: {error}") from error
        self._session = ClientSession(
            connector=TCPConnector(ssl=context), auth=self._auth, timeout=ClientTimeout(total=_TIMEOUT_S),
            trust_env=False,
        )  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def schema(self, number: int, language: Language[T], patience: Patience) -> T:
        """A schema. A registry that is away is waited for. Raises EventError for one that cannot be used, or that is
        not asked for while the patience is spent, and AwayError where it is time to stop."""
        asked = language.name, number
        known: T | None = self._known.pop(asked, None)
        if known is not None:
            self._known[asked] = known  # those that are used stay
            return known
        refused = self._refused.get(asked)
        if refused is not None and time.monotonic() < refused[0]:
            raise EventError(*refused[1:])  # a new one: each time one is raised, it keeps what was then under way
        if patience.is_spent:
            raise EventError("schema_not_asked", f"too many numbers lead to no schema: {number} is not asked for now")
        try:
            written = await self._patiently(number, language.name, patience)
            found = await _parsed(written, number, language, patience)
        except EventError as error:
            self._refused.pop(asked, None)
            self._refused[asked] = time.monotonic() + _UNKNOWN_S, error.reason, str(error)
            if len(self._refused) > _MOST_REFUSED:
                del self._refused[next(iter(self._refused))]
            raise
        while len(self._known) >= _MOST_SCHEMAS:
            del self._known[next(iter(self._known))]
        self._known[asked], self._good = found, number
        return found

    async def _patiently(self, number: int, language: str, patience: Patience) -> Written:
        """The text of a schema. While the registry tells about no other either, it is away, and is waited for."""
        pause_s, since_s, tries = _LEAST_PAUSE_S, time.time(), 0
        while not self._stopping.is_set():
            started_s = time.monotonic()
            try:
                found = await self._read(number, language)
                self._on_away(0)
                return found
            except EventError:
                self._on_away(0)
                patience.spend(time.monotonic() - started_s)
                raise
            except AwayError as error:
                is_here = await self._tells_about_another(number)
                self._on_away(0 if is_here else since_s)
                tries = tries + 1 if is_here else 0
                if tries >= _TRIES or (is_here and patience.is_spent):
                    told = f"the registry tells about other schemas, and not about {number}: {error}"
                    raise EventError("schema_withheld", told[:500]) from error
                _log.error("the registry is waited for", schema=number, error=str(error), again_in_s=pause_s)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                if is_here:
                    patience.spend(time.monotonic() - started_s)
        raise AwayError("it is time to stop")

    async def _tells_about_another(self, number: int) -> bool:
        """Whether the registry says of another schema what it is, or that there is none."""
        other = self._good if self._good not in (None, number) else 2 if number == 1 else 1
        try:
            await self._get(f"/schemas/ids/{other}")
        except EventError:
            return True
        except AwayError:
            return False
        return True

    async def _read(self, number: int, language: str) -> Written:
        document = await self._get(f"/schemas/ids/{number}")
        found = document.get("schemaType", "AVRO")
        if found != language:
            raise EventError("wrong_schema", f"schema {number} is {found!s:.20}, and the source's are {language}")
        referred: dict[str, str] = {}
        try:
            await self._read_references(document, referred, [_MOST_REFERENCES])
        except (KeyError, TypeError, ValueError) as error:
            raise EventError("broken_schema", f"what schema {number} refers to cannot be read: {error!r}") from error
        return Written(document["schema"], referred)

    async def _read_references(self, document: dict[str, Any], referred: dict[str, str], left: list[int]) -> None:
        """The schemas that one refers to, before itself."""
        for reference in document.get("references") or ():
            if reference["name"] in referred:
                continue
            left[0] -= 1
            if left[0] < 0:
                raise EventError("broken_schema", f"a schema refers to more than {_MOST_REFERENCES} others")
            subject, version = quote(str(reference["subject"]), safe=""), int(reference["version"])
            inner = await self._get(f"/subjects/{subject}/versions/{version}")
            await self._read_references(inner, referred, left)
            referred[reference["name"]] = inner["schema"]
            if sum(map(len, referred.values())) > _MOST_BYTES:
                raise EventError("broken_schema", f"what a schema refers to has more than {_MOST_BYTES} bytes")

    async def _get(self, path: str) -> dict[str, Any]:
        url = self._settings.registry.rstrip("/") + path
        try:
            async with self._session.get(url, allow_redirects=False) as answer:
                body = bytearray()
                async for part in answer.content.iter_any():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise EventError("broken_schema", f"what is at {path} has more than {_MOST_BYTES} bytes")
        except (ClientError, TimeoutError, OSError) as error:
            raise AwayError(repr(error)) from error
        if answer.status in _NOT_THERE:
            raise EventError("unknown_schema", f"the registry has nothing at {path}: {answer.status}")
        if answer.status != 200:  # 401 too: a password can be mended, a lost event cannot
            raise AwayError(f"it answers {answer.status} to {path}")
        try:
            document = orjson.loads(body)
            if isinstance(document, dict) and isinstance(document["schema"], str):
                return document
        except (ValueError, KeyError):
            pass
        raise AwayError(f"its answer to {path} is no schema")


async def _parsed(written: Written, number: int, language: Language[T], patience: Patience) -> T:
    started_s = time.monotonic()
    try:
        return await asyncio.to_thread(language.parse, written)
    except Exception as error:  # whatever parsers raise for what is no schema
        patience.spend(time.monotonic() - started_s)
        told = f"schema {number} is none that can be read as {language.name}: {error!r}"
        raise EventError("broken_schema", told[:500]) from error


class Schemas:
    """The schemas that the messages of one source name: what others' messages name costs this one no patience."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._patience = registry, Patience()

    async def schema(self, number: int, language: Language[T]) -> T:
        """As the registry has it (`Registry.schema`)."""
        return await self._registry.schema(number, language, self._patience)
