"""How many copies of a picture are found, by rings and by banks, how many others are, and what that costs.

    python -m benchmarks.pictures --pictures 2000                    # needs the extra `images`
    python -m benchmarks.pictures --pictures 0 --photographs DIR     # parts of the pictures in a directory
    python -m benchmarks.pictures --pictures 0 --bank 1000000        # how long looking one up takes

Pictures are generated, gradients with shapes, or fourths and ninths of each picture of a directory. Each is changed in
twenty-one ways. A ring finds a copy that is counted under a key of the original (`engine/keys/images.py`), as an event
visits 16 of them at most; a bank that has the original finds a copy that is near to it. Both are asked for the copy as
it is, and turned or mirrored in one of seven ways.
"""

import argparse
import io
import itertools
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from benchmarks.banks import measure_bank
from engine.core.evaluation.choice import MOST_LINKED, chosen
from engine.core.values.banks import Bank
from engine.core.values.near_hashes import MOST_DISTANT
from engine.enrich.pictures.looking import looks
from engine.enrich.pictures.views import hashes_of
from engine.keys.images import image_keys

Picture = Image.Image
WIDTH, HEIGHT = 480, 360


def scene(seed: int) -> Picture:
    """A picture of its own for each seed."""
    random = np.random.default_rng(seed)
    mixed = np.zeros((HEIGHT, WIDTH, 3))
    for side, weight in ((2, 0.35), (4, 0.3), (9, 0.2), (24, 0.1)):
        layer = Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8))
        mixed += weight * np.asarray(layer.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float64)
    picture = Image.fromarray(np.clip((mixed - 122) * 1.7 + 128, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(4, 12))):
        x, y = int(random.integers(0, WIDTH)), int(random.integers(0, HEIGHT))
        across, down = int(random.integers(15, WIDTH // 3)), int(random.integers(15, HEIGHT // 3))
        colour = tuple(int(part) for part in random.integers(0, 256, 3))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((x, y, x + across, y + down), fill=colour)
    return picture


def file_of(picture: Picture, kind: str = "PNG", **options: Any) -> bytes:
    """Its file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def jpeg(picture: Picture, quality: int) -> Picture:
    """Compressed."""
    return Image.open(io.BytesIO(file_of(picture, "JPEG", quality=quality))).convert("RGB")


def cut(picture: Picture, share: float) -> Picture:
    """Without so much of each edge."""
    width, height = picture.size
    across, down = int(width * share), int(height * share)
    return picture.crop((across, down, int(width * (1 - share)), int(height * (1 - share))))


def framed(picture: Picture, share: float, colour: str) -> Picture:
    """With a border."""
    width, height = picture.size
    page = Image.new("RGB", (int(width * (1 + 2 * share)), int(height * (1 + 2 * share))), colour)
    page.paste(picture, (int(width * share), int(height * share)))
    return page


def sticker(picture: Picture, share: float, seed: int) -> Picture:
    """With a disc of one colour somewhere."""
    random, copy = np.random.default_rng(seed), picture.copy()
    x, y = int(random.integers(0, int(WIDTH * (1 - share)))), int(random.integers(0, int(HEIGHT * (1 - share))))
    colour = tuple(int(part) for part in random.integers(0, 256, 3))
    ImageDraw.Draw(copy).ellipse((x, y, x + WIDTH * share, y + WIDTH * share), fill=colour)
    return copy


def captioned(picture: Picture, seed: int) -> Picture:
    """With a line of text somewhere."""
    random, copy = np.random.default_rng(seed), picture.copy()
    place = int(random.integers(5, 200)), int(random.integers(5, 300))
    ImageDraw.Draw(copy).text(place, f"win at shop{seed} now", fill="white", font_size=26)
    return copy


def noisy(picture: Picture, seed: int) -> Picture:
    """With noise."""
    noise = np.random.default_rng(seed).normal(0, 12, (HEIGHT, WIDTH, 3))
    return Image.fromarray(np.clip(np.asarray(picture, np.float64) + noise, 0, 255).astype(np.uint8))


CHANGES: dict[str, Callable[[Picture, int], Picture]] = {
    "JPEG at 60": lambda picture, _: jpeg(picture, 60),
    "JPEG at 20": lambda picture, _: jpeg(picture, 20),
    "half as large": lambda picture, _: picture.resize((WIDTH // 2, HEIGHT // 2)),
    "a sixth as large": lambda picture, _: picture.resize((WIDTH // 6, HEIGHT // 6)),
    "stretched": lambda picture, _: picture.resize((int(WIDTH * 1.2), HEIGHT)),
    "brighter": lambda picture, _: ImageEnhance.Brightness(picture).enhance(1.25),
    "darker": lambda picture, _: ImageEnhance.Brightness(picture).enhance(0.75),
    "more contrast": lambda picture, _: ImageEnhance.Contrast(picture).enhance(1.3),
    "negative": lambda picture, _: ImageOps.invert(picture),
    "grey": lambda picture, _: picture.convert("L").convert("RGB"),
    "tinted": lambda picture, _: Image.blend(picture, Image.new("RGB", picture.size, (200, 120, 60)), 0.15),
    "blurred": lambda picture, _: picture.filter(ImageFilter.GaussianBlur(2)),
    "noise": noisy,
    "a line of text": captioned,
    "sticker, 8 %": lambda picture, seed: sticker(picture, 0.08, seed),
    "sticker, 15 %": lambda picture, seed: sticker(picture, 0.15, seed),
    "1 % cut off": lambda picture, _: cut(picture, 0.01),
    "3 % cut off": lambda picture, _: cut(picture, 0.03),
    "border of 2 %": lambda picture, _: framed(picture, 0.02, "black"),
    "border of 5 %": lambda picture, _: framed(picture, 0.05, "white"),
    "cut, scaled, text, JPEG": lambda picture, seed: jpeg(
        captioned(cut(picture, 0.01).resize((400, 300)), seed), 50
    ),
}  # fmt: skip


def parts_of(directory: Path) -> Iterator[Picture]:
    """A fourth and a ninth of each of the pictures in a directory."""
    for file in sorted(directory.iterdir()):
        whole = Image.open(file).convert("RGB")
        for parts in (2, 3):
            across, down = whole.width // parts, whole.height // parts
            for column, row in itertools.product(range(parts), repeat=2):
                part = whole.crop((column * across, row * down, (column + 1) * across, (row + 1) * down))
                yield part.resize((WIDTH, HEIGHT))


class Seen(NamedTuple):
    """What is told of a picture."""

    hashes: tuple[str, ...]
    keys: tuple[str, ...]
    turned: str


class Found(NamedTuple):
    """How a copy was found: in how many bits its hash differs, within the radius or not, by a ring and by a bank; these
    two once more where it is turned; and whether what is the whole of it is turned the same way."""

    bits: int
    near: bool
    ring: bool
    bank: bool
    turned_ring: bool
    turned_bank: bool
    settled: bool


def seen(picture: Picture) -> Seen | None:
    """None of a picture that says nothing."""
    small = picture.copy()
    small.thumbnail((512, 512), Image.Resampling.BOX)  # as `engine/enrich/pictures/looking.py` does
    upright, turned = hashes_of(np.asarray(small))
    keys = chosen(image_keys({"media": {"turned": turned}}), MOST_LINKED)
    return Seen(tuple(upright), keys, turned[0]) if upright and turned else None


def bits_between(one: str, other: str) -> int:
    """In how many bits two hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def look_at(numbered: tuple[int, Picture]) -> tuple[Seen | None, dict[str, Found]]:
    """What is told of a picture, and how each of its copies is found."""
    seed, picture = numbered
    original, found = seen(picture), dict[str, Found]()
    if original is None:
        return None, found
    bank, chance = Bank(original.hashes[:1]), random.Random(seed)
    for name, change in CHANGES.items():
        copy = change(picture, seed)
        way = chance.choice(list(Image.Transpose))
        upright, lying = seen(copy), seen(copy.transpose(way))
        if upright is None or lying is None:
            continue
        bits = bits_between(original.hashes[0], upright.hashes[0])
        found[name] = Found(
            bits, bits <= MOST_DISTANT,
            bool({*original.keys} & {*upright.keys}), any(one in bank for one in upright.hashes),
            bool({*original.keys} & {*lying.keys}), any(one in bank for one in lying.hashes),
            bits_between(original.turned, lying.turned) <= max(bits, MOST_DISTANT),
        )  # fmt: skip
    return original, found


def measure(pictures: list[Picture], processes: int) -> dict[str, Any]:
    """Rates over pictures."""
    with ProcessPoolExecutor(processes) as pool:
        looked = list(pool.map(look_at, enumerate(pictures), chunksize=10))
    originals = [original for original, _ in looked if original is not None]
    rows = {}
    for name in CHANGES:
        copies = [found[name] for _, found in looked if name in found]
        shares = {field: statistics.mean(getattr(one, field) for one in copies) for field in Found._fields[1:]}
        rows[name] = {"bits": statistics.median(one.bits for one in copies), **shares}
    holders = Counter(key for one in originals for key in one.keys)
    bank = Bank(())
    near = sum(_is_near_to_another(bank, one) for one in originals)
    return {
        "changes": rows, "pictures": len(originals), "pairs": len(originals) * (len(originals) - 1) // 2,
        "false_pairs": sum(number * (number - 1) // 2 for number in holders.values()), "near_to_another": near,
        "keys": statistics.mean(len(one.keys) for one in originals), "speed": speed(pictures[:50]),
    }  # fmt: skip


def _is_near_to_another(bank: Bank, one: Seen) -> bool:
    found = any(each in bank for each in one.hashes)
    bank.put(one.hashes[0])
    return found


def speed(pictures: list[Picture]) -> dict[str, float]:
    """Pictures looked at in a second of CPU, with codes read and without."""
    files = [file_of(picture, "JPEG", quality=85) for picture in pictures]
    found = {}
    for reads_codes in (False, True):
        look = looks({"max_pixels": 25_000_000, "max_frames": 1, "codes": reads_codes, "preview": 0})
        started = time.process_time()
        for file in files:
            list(look(file))
        found["with codes" if reads_codes else "hash alone"] = len(files) / (time.process_time() - started)
    return found


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--bank", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    pictures = [scene(seed) for seed in range(arguments.pictures)]
    pictures += parts_of(arguments.photographs) if arguments.photographs else ()
    result = measure(pictures, arguments.processes) if pictures else {}
    if arguments.bank:
        result["bank"] = measure_bank(arguments.bank)
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    if pictures:
        tell(result)
    for name, row in result.get("bank", {}).items():
        print(f"{name:44}", "  ".join(f"{word} {value:,.2f}" for word, value in row.items()))


def tell(result: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{'':26}{'median':>7}{'within':>8}{'as it lies':>16}{'turned':>16}{'turned':>8}")
    print(f"{'':26}{'bits':>7}{'31':>8}{'ring':>8}{'bank':>8}{'ring':>8}{'bank':>8}{'alike':>8}")
    for name, row in result["changes"].items():
        shares = "".join(f"{row[field]:8.1%}" for field in Found._fields[1:])
        print(f"{name:26}{row['bits']:7.0f}{shares}")
    print(
        f"{result['pictures']:,} pictures, {result['keys']:.1f} keys each; {result['false_pairs']} of "
        f"{result['pairs']:,} pairs of different pictures share a key, {result['near_to_another']} are near to another"
    )
    print({name: round(rate) for name, rate in result["speed"].items()}, "pictures a second of CPU")


if __name__ == "__main__":
    main()
