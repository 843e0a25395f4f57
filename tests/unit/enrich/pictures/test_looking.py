"""Pictures looked at in a confined process, hostile ones among them."""

import asyncio
import io
import random
import struct
import zlib
from base64 import b64decode
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PIL", reason="NOT TESTED: the extra `images` is not installed")
zxingcpp = pytest.importorskip("zxingcpp", reason="NOT TESTED: the extra `images` is not installed")

from engine.enrich.answers import Missing
from engine.enrich.confinement.children import Children
from engine.enrich.pictures.looking import looks
from tests.unit.enrich.pictures.made import encoded, picture, pillow

QR = zxingcpp.BarcodeFormat.QRCode


def look(*files: bytes, turn_s: float = 20.0, **given: Any) -> tuple[list[Any], int]:
    """What was told of each file, and how many processes it took."""

    async def one(children: Children, data: bytes) -> Any:
        try:
            return await children.ask(data)
        except Missing as missing:
            return missing.reason

    async def go() -> tuple[list[Any], int]:
        limits = {"max_pixels": 4_000_000, "max_frames": 3, "codes": True, "preview": 0, **given}
        children = Children("engine.enrich.pictures.looking:looks", limits, 1, turn_s, 600)
        await children.start()
        try:
            return [await one(children, data) for data in files], children.started
        finally:
            await children.stop()

    return asyncio.run(go())


def drawn(text: str) -> Any:
    return pillow.fromarray(np.asarray(zxingcpp.create_barcode(text, QR).to_image(scale=6)))


def qr(text: str) -> Any:
    page = picture(3, 640, 480)
    page.paste(drawn(text).convert("RGB"), (30, 40))
    return page


def png(width: int, height: int, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_formats_frames_and_codes_are_read() -> None:
    frames = [picture(seed) for seed in range(5)]
    files = [encoded(picture(0), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF")]
    files += [encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), encoded(qr("https://evil.example/x"))]
    told, started = look(*files)
    assert [one["format"] for one in told] == ["PNG", "JPEG", "WEBP", "GIF", "GIF", "PNG"]
    assert [len(one["hashes"]) for one in told] == [1, 1, 1, 1, 3, 1]
    assert [one["codes"] for one in told] == [[]] * 5 + [["https://evil.example/x"]]
    assert started == 1


def coloured(code: Any, dark: tuple[int, ...], light: tuple[int, ...]) -> Any:
    return pillow.composite(pillow.new("RGB", code.size, light), pillow.new("RGB", code.size, dark), code.convert("1"))


@pytest.mark.parametrize(
    ("dark", "light"),
    [((112,) * 3, (142,) * 3), ((228, 100, 30), (28, 163, 229)), ((60, 150, 20), (60, 120, 175))],
    ids=["hardly any contrast", "colours as bright", "colours as bright and as red"],
)
def test_codes_that_only_people_would_see_are_read(dark: tuple[int, ...], light: tuple[int, ...]) -> None:
    page, code = picture(3, 640, 480), drawn("https://evil.example/x")
    page.paste(coloured(code, dark, light), (30, 40))
    told, _ = look(*5 * [encoded(page)])  # colours count by lot
    assert ["https://evil.example/x"] in [one["codes"] for one in told]


def test_a_code_of_dots_that_do_not_touch_is_read() -> None:
    code = pillow.fromarray(np.asarray(zxingcpp.create_barcode("https://evil.example/x", QR).to_image(scale=1)))
    page = pillow.new("RGB", (8 * code.width, 8 * code.height), "white")
    draw = __import__("PIL.ImageDraw").ImageDraw.Draw(page)
    for y, x in np.argwhere(np.asarray(code) < 128).tolist():
        draw.ellipse((8 * x, 8 * y, 8 * x + 7, 8 * y + 7), fill="black")
    (told,), _ = look(encoded(page))
    assert told["codes"] == ["https://evil.example/x"]


def test_a_small_picture_is_pixels_of_the_first_frame() -> None:
    frames = [pillow.new("RGB", (120, 90), colour) for colour in ("red", "blue")]
    (told,), _ = look(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), preview=16)
    preview = told["preview"]
    assert (preview["width"], preview["height"]) == (16, 12)
    assert zlib.decompress(b64decode(preview["rgb"])) == 16 * 12 * b"\xff\0\0"


def test_sixteen_bits_are_as_good_as_eight() -> None:
    grey = picture(3).convert("L")
    deep = pillow.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    eight, sixteen = look(encoded(grey), encoded(deep))[0]
    assert eight["hashes"] == sixteen["hashes"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no_picture"), (b"GIF89a", "no_picture"), (b"<svg/>", "no_picture"),
        (png(60_000, 60_000, zlib.compress(b"\0" * 1_000)), "too_many_pixels"),
        (encoded(pillow.new("L", (3_000, 3_000))), "too_many_pixels"),
        (encoded(picture(1), "WEBP")[:25], "damaged_picture"), (encoded(picture(1), "BMP"), "no_picture"),
    ],
    ids=["empty", "head", "svg", "bomb", "many", "truncated", "other_format"],
)  # fmt: skip
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    assert look(data)[0] == [reason]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_file_that_is_cut_short_is_looked_at_as_browsers_show_it(kind: str) -> None:
    whole = encoded(picture(1), kind)
    told, started = look(whole, whole[:-30], whole[: len(whole) // 2], png(100, 100))
    (known,), (found, *_) = told[0]["hashes"], told[1]["hashes"]
    assert (int(known, 16) ^ int(found, 16)).bit_count() <= 31  # of 256: what a bank takes for a copy
    assert told[2]["hashes"]
    assert [one["unread"] for one in told] == [[], *3 * [["damaged_picture"]]]
    assert (told[3]["hashes"], started) == ({}, 1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_what_is_shown_long_is_looked_at_wherever_it_stands(kind: str) -> None:
    frames = [picture(seed % 2, 64, 48) for seed in range(41)]
    frames[29] = picture(9, 64, 48)
    shown_ms = [60_000 if number == 29 else 20 for number in range(41)]
    moving = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=shown_ms, lossless=True)
    told, _ = look(encoded(picture(9, 64, 48), kind, lossless=True), moving)
    assert told[0]["hashes"].keys() <= told[1]["hashes"].keys()


def test_frames_behind_what_may_be_read_are_told() -> None:
    frames = [picture(seed % 5, 500, 500) for seed in range(20)]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    told, _ = look(moving)
    assert told[0]["unread"] == ["too_many_frames"]


def test_what_is_wrong_behind_the_first_frame_does_not_hide_it() -> None:
    frames = [picture(seed) for seed in range(3)]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    second = moving.index(b"\x21\xf9\x04", moving.index(b"\x21\xf9\x04") + 1)
    grown = bytearray(moving)
    place = moving.index(b"\x2c", second + 8) + 5  # width and height of the second frame
    grown[place : place + 4] = b"\xff\xff\xff\xff"
    told, started = look(encoded(frames[0], "GIF"), moving[: second + 2_000], bytes(grown))
    assert [list(one["hashes"])[:1] for one in told] == 3 * [list(told[0]["hashes"])]
    assert [one["unread"] for one in told] == [[], ["damaged_picture"], ["too_many_pixels"]]
    assert started == 1


def test_frames_that_take_long_do_not_hide_those_before_them() -> None:
    frames = [picture(seed) for seed in range(2)]
    parts = looks({"max_pixels": 4_000_000, "max_frames": 3, "codes": False, "preview": 0})(
        encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    )
    assert [len(one["hashes"]) for one in parts] == [1, 2, 2]


def test_fuzzed_files_cost_themselves_alone() -> None:
    chance, good = random.Random(7), encoded(picture(2))
    seeds = [encoded(picture(2, 60, 50), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF")]
    files = []
    for number in range(400):
        data = bytearray(seeds[number % 4])
        for _ in range(chance.choice((1, 3, 20))):
            data[chance.randrange(min(len(data), chance.choice((40, 400, len(data)))))] = chance.randrange(256)
        files.append(bytes(data[: chance.choice((len(data), chance.randrange(len(data))))]))
    told, started = look(*files, good)
    assert told[-1]["format"] == "PNG"
    assert started <= 1 + sum(one in ("crashed", "timeout", "too_much_memory") for one in told)
    assert {one for one in told if isinstance(one, str)} <= {
        "no_picture", "damaged_picture", "too_many_pixels", "crashed", "timeout", "too_much_memory",
    }  # fmt: skip


def test_a_polyglot_is_a_picture_and_nothing_else() -> None:
    told, _ = look(encoded(picture(0)) + b"<script>alert(1)</script>PK\x03\x04")
    assert told[0]["format"] == "PNG"


def test_a_gif_of_many_frames_is_read_as_far_as_is_allowed() -> None:
    file = io.BytesIO()
    frames = [pillow.new("L", (20, 20), shade % 256) for shade in range(2_000)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    told, started = look(file.getvalue())
    assert (told[0]["hashes"], started) == ({}, 1)
