"""How many copies of a picture share a key, how many others do, and how fast pictures are looked at.

    python -m benchmarks.pictures --pictures 300      # needs the extra `images`

Pictures are generated: gradients with shapes. Each is changed in twenty ways; a copy is found when it shares a key with
the original (`engine/keys/images.py`).
"""

import argparse
import io
import itertools
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from engine.enrich.pictures.looking import looks
from engine.enrich.pictures.pdq import MOST_DISTANT, distance
from engine.keys.images import hash_keys

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


def measure(count: int) -> dict[str, Any]:
    """Rates over so many pictures."""
    look = looks({"max_pixels": 25_000_000, "max_frames": 1, "codes": False})

    def hash_of(picture: Picture) -> str:
        return next(iter(look(file_of(picture))["hashes"]), "0" * 64)

    pictures = [scene(seed) for seed in range(count)]
    originals = [hash_of(picture) for picture in pictures]
    rows = {}
    for name, change in CHANGES.items():
        copies = [hash_of(change(picture, seed)) for seed, picture in enumerate(pictures)]
        bits = [
            distance(bytes.fromhex(one), bytes.fromhex(other)) for one, other in zip(originals, copies, strict=True)
        ]
        shared = [
            bool({*hash_keys(one)} & {*hash_keys(other)}) for one, other in zip(originals, copies, strict=True)
        ]  # fmt: skip
        rows[name] = {
            "bits": statistics.median(bits), "within_31": sum(one <= MOST_DISTANT for one in bits) / count,
            "found": sum(shared) / count,
        }  # fmt: skip
    holders = Counter(key for one in originals for key in hash_keys(one))
    false_pairs = sum(number * (number - 1) // 2 for number in holders.values())
    return {"changes": rows, "false_pairs": false_pairs, "pairs": count * (count - 1) // 2, "speed": speed(pictures)}


def speed(pictures: list[Picture]) -> dict[str, float]:
    """Pictures looked at in a second of CPU, with codes read and without."""
    files = [file_of(picture, "JPEG", quality=85) for picture in itertools.islice(pictures, 50)]
    found = {}
    for reads_codes in (False, True):
        look = looks({"max_pixels": 25_000_000, "max_frames": 1, "codes": reads_codes})
        started = time.process_time()
        for file in files:
            look(file)
        found["with codes" if reads_codes else "hash alone"] = len(files) / (time.process_time() - started)
    return found


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments.pictures)
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    for name, row in result["changes"].items():
        print(f"{name:26} {row['bits']:5.0f} bits  ≤ 31: {row['within_31']:4.0%}  found: {row['found']:4.0%}")
    print(f"{result['false_pairs']} of {result['pairs']:,} pairs of different pictures share a key")
    print({name: round(rate) for name, rate in result["speed"].items()}, "pictures a second of CPU")


if __name__ == "__main__":
    main()
