"""Schemas from a registry: references, what is broken, and that each is asked for once."""

import asyncio
import io
import traceback
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import orjson
import pytest
from aiohttp import web

from engine.dev.pages import free_port
from engine.errors import EventError
from engine.intake import patience
from engine.intake import registry as module
from engine.intake.avro import AVRO
from engine.intake.protobuf import PROTOBUF
from engine.intake.registry import AwayError, Registry, Schemas
from engine.intake_settings import IntakeSettings

POST = {"type": "record", "name": "Post", "fields": [{"name": "by", "type": "Author"}]}
AUTHOR = {"type": "record", "name": "Author", "fields": [{"name": "id", "type": "string"}]}
REFERENCE = {"name": "Author", "subject": "author/1", "version": 3}


def with_registry(
    answers: Mapping[str, Any], ask: Callable[[Schemas, list[str], asyncio.Event], Coroutine[Any, Any, Any]],
    otherwise: Any = 404, on_away: Callable[[float], None] = lambda _: None,
) -> Any:  # fmt: skip
    """Ask a registry that answers so, by path, and so to all else: a document, or a status."""

    async def run() -> Any:
        asked, app, port, stopping = list[str](), web.Application(), free_port(), asyncio.Event()

        async def handle(request: web.Request) -> web.Response:
            asked.append(request.raw_path)
            answer = answers.get(request.raw_path, otherwise)
            if isinstance(answer, int):
                return web.Response(status=answer)
            return web.Response(body=orjson.dumps(answer))

        app.router.add_get("/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            settings = IntakeSettings(registry=f"http://127.0.0.1:{port}/")
            async with Registry(settings, stopping, on_away) as registry:
                return await ask(Schemas(registry), asked, stopping)
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def schema_of(document: Any, **more: Any) -> dict[str, Any]:
    return {"schema": orjson.dumps(document).decode(), **more}


def test_a_schema_that_refers_to_another_is_asked_for_once() -> None:
    async def ask(registry: Schemas, asked: list[str], _: asyncio.Event) -> list[str]:
        assert await registry.schema(7, AVRO) is await registry.schema(7, AVRO)
        return asked

    answers = {
        "/schemas/ids/7": schema_of(POST, references=[REFERENCE]),
        "/subjects/author%2F1/versions/3": schema_of(AUTHOR),
    }
    assert with_registry(answers, ask) == ["/schemas/ids/7", "/subjects/author%2F1/versions/3"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (404, "unknown_schema"),
        (400, "unknown_schema"),
        (422, "unknown_schema"),
        (schema_of({**AUTHOR, "doc": "x" * (1 << 20)}), "broken_schema"),
        (schema_of({"type": "array", "items": "null"}), "broken_schema"),
        (schema_of({"type": "recrod"}), "broken_schema"),
        ({"schema": "{"}, "broken_schema"),
        (schema_of(POST), "broken_schema"),
        ({"schema": "syntax = 'proto3';", "schemaType": "PROTOBUF"}, "wrong_schema"),
        (schema_of(POST, references=[{**REFERENCE, "subject": "loop", "version": 1}]), "broken_schema"),
    ],
)
def test_what_cannot_be_used_is_told_and_not_asked_for_again_at_once(answer: Any, reason: str) -> None:
    async def ask(registry: Schemas, asked: list[str], _: asyncio.Event) -> None:
        for _again in range(2):
            with pytest.raises(EventError) as told:
                await registry.schema(7, AVRO)
            assert told.value.reason == reason
        assert asked.count("/schemas/ids/7") == 1

    loop = schema_of(POST, references=[{**REFERENCE, "subject": "loop", "version": 1}])
    with_registry({"/schemas/ids/7": answer, "/subjects/loop/versions/1": loop}, ask)


@pytest.mark.parametrize("answer", [500, 401, 302, ["no schema"], {"schema": 7}])
def test_a_registry_at_fault_is_waited_for_until_it_is_time_to_stop(answer: Any) -> None:
    async def ask(registry: Schemas, asked: list[str], stopping: asyncio.Event) -> None:
        asking = asyncio.create_task(registry.schema(7, AVRO))
        while len(asked) < 2:
            await asyncio.wait([asking], timeout=0.01)
        stopping.set()
        with pytest.raises(AwayError):
            await asking

    since = list[float]()
    with_registry({}, ask, answer, since.append)
    assert since
    assert all(since)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEAST_PAUSE_S", 0.001)
    monkeypatch.setattr(module, "_LONGEST_PAUSE_S", 0.001)


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("answer", [500, 403, ["no schema"]])
@pytest.mark.parametrize("has_told", [True, False])
def test_a_number_about_which_it_does_not_tell_though_it_tells_about_others_is_given_up(
    answer: Any, *, has_told: bool
) -> None:
    async def ask(registry: Schemas, asked: list[str], _: asyncio.Event) -> None:
        if has_told:
            await registry.schema(3, AVRO)
        for _again in range(2):
            with pytest.raises(EventError, match="tells about other schemas, and not about 7") as told:
                await registry.schema(7, AVRO)
            assert told.value.reason == "schema_withheld"
        assert asked.count("/schemas/ids/7") == 8
        assert set(asked) == {"/schemas/ids/7", "/schemas/ids/3" if has_told else "/schemas/ids/1"}
        await registry.schema(3, AVRO)

    with_registry({"/schemas/ids/7": answer, "/schemas/ids/3": schema_of(AUTHOR)}, ask)


@pytest.mark.usefixtures("no_pauses")
def test_while_it_tells_about_none_it_is_away_and_no_number_is_given_up() -> None:
    answers: dict[str, Any] = {"/schemas/ids/3": schema_of(AUTHOR)}

    async def ask(registry: Schemas, asked: list[str], _: asyncio.Event) -> object:
        await registry.schema(3, AVRO)
        del answers["/schemas/ids/3"]
        asking = asyncio.create_task(registry.schema(7, AVRO))
        while asked.count("/schemas/ids/7") < 20:
            await asyncio.wait([asking], timeout=0.01)
        answers["/schemas/ids/7"] = schema_of(AUTHOR)
        return (await asking).read(io.BytesIO(b"\x02a"))

    assert with_registry(answers, ask, 503) == {"id": "a"}


def test_numbers_that_lead_to_nothing_are_asked_for_as_long_as_there_is_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "LEAST_S", patience.MOST_S)
    monkeypatch.setattr(patience, "SHARE", 0.0)

    async def ask(registry: Schemas, asked: list[str], _: asyncio.Event) -> list[str]:
        await registry.schema(3, AVRO)
        reasons = []
        for number in range(100, 104):
            with pytest.raises(EventError) as told:
                await registry.schema(number, AVRO)
            reasons.append(told.value.reason)
        await registry.schema(3, AVRO)
        assert len(asked) == 2
        return reasons

    said = with_registry({"/schemas/ids/3": schema_of(AUTHOR)}, ask)
    assert said == ["unknown_schema", *["schema_not_asked"] * 3]


def test_schemas_that_are_used_are_not_pushed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_SCHEMAS", 3)

    async def ask(registry: Schemas, asked: list[str], _: asyncio.Event) -> list[str]:
        for number in range(2, 9):
            await registry.schema(1, AVRO)
            await registry.schema(number, AVRO)
        return asked

    assert with_registry({}, ask, schema_of(AUTHOR)).count("/schemas/ids/1") == 1


def test_a_schema_that_comes_in_several_parts_is_read_whole() -> None:
    async def ask(registry: Schemas, _: list[str], __: asyncio.Event) -> object:
        return (await asyncio.wait_for(registry.schema(7, AVRO), 60)).read(io.BytesIO(b"\x02a"))

    assert with_registry({"/schemas/ids/7": schema_of({**AUTHOR, "doc": "x" * 900_000})}, ask) == {"id": "a"}


def test_messages_of_an_unknown_schema_are_not_kept() -> None:
    async def ask(registry: Schemas, _: list[str], __: asyncio.Event) -> int:
        for _again in range(50):
            with pytest.raises(EventError) as told:
                await registry.schema(7, AVRO)
        return len(list(traceback.walk_tb(told.value.__traceback__)))

    assert with_registry({}, ask) < 10


def test_a_schema_of_protobuf_imports_what_it_refers_to_and_no_more_than_a_bound() -> None:
    def proto(text: str, *names: str) -> dict[str, Any]:
        references = [{"name": name, "subject": name, "version": 1} for name in names]
        return {"schema": f'syntax = "proto3"; {text}', "schemaType": "PROTOBUF", "references": references}

    async def ask(registry: Schemas, asked: list[str], _: asyncio.Event) -> None:
        post = await registry.schema(7, PROTOBUF)
        assert post.read(b"\x00\x0a\x05\x0a\x03\x0a\x01x", 0, 1_000) == {"by": {"name": {"name": "x"}}}
        assert len(asked) == 3  # both import the name; it is asked for once
        for number, reason in ((8, "broken_schema"), (9, "broken_schema"), (10, "broken_schema")):
            with pytest.raises(EventError) as told:
                await registry.schema(number, PROTOBUF)
            assert told.value.reason == reason
        with pytest.raises(EventError, match="is PROTOBUF, and"):
            await registry.schema(7, AVRO)

    answers = {
        "/schemas/ids/7": proto('import "by"; import "name"; message Post { By by = 1; }', "by", "name"),
        "/subjects/by/versions/1": proto('import "name"; message By { Name name = 1; }', "name"),
        "/subjects/name/versions/1": proto("message Name { string name = 1; }"),
        "/schemas/ids/8": proto('import "away"; message Post { Away by = 1; }'),
        "/schemas/ids/9": proto("message Post {}", "big1", "big2"),
        "/schemas/ids/10": {**proto("message Post {}"), "references": [{"name": "by"}]},
        **{f"/subjects/big{one}/versions/1": proto("//" + "x" * 700_000) for one in "12"},
    }
    with_registry(answers, ask)
