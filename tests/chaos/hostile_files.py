"""Files and references as somebody sends them to make a reader of pictures hang, crash, swell or look elsewhere."""

import io
import struct
import zlib
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from random import Random

from tests.unit.enrich.pictures.made import encoded, picture, pillow, text_of
from tests.unit.enrich.pictures.test_looking import png

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_VARIANTS = 4
_GOOD = [encoded(picture(2, 120, 90), kind) for kind in FORMATS]


def header(rng: Random) -> str:
    """A few bytes changed where the format says how large it is and what comes."""
    return text_of(_changed(rng, rng.choice((40, 400))))


def body(rng: Random) -> str:
    """A few bytes changed anywhere."""
    return text_of(_changed(rng, 1 << 30))


def cut(rng: Random) -> str:
    """A file that ends early, or has a piece taken out."""
    data = rng.choice(_GOOD)
    start, end = sorted(rng.randrange(len(data)) for _ in range(2))
    return text_of(data[:start] if rng.random() < 0.5 else data[:start] + data[end:])


def noise(rng: Random) -> str:
    """Bytes at random, some of which begin as a picture does; text that is no base64."""
    begins = rng.choice((b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\0\0\1\0WEBPVP8X", b"\x00"))
    data = begins + rng.randbytes(rng.randrange(4_000))
    return text_of(data) if rng.random() < 0.9 else data.decode("latin-1")


def bomb(rng: Random) -> str:
    """Small files that become large, or long."""
    return _bomb(rng.randrange(len(_BOMBS)), rng.randrange(_VARIANTS))


def polyglot(rng: Random) -> str:
    """Pictures that are something else too: archives, pages, scripts, another picture."""
    also = rng.choice(
        (b"PK\x03\x04" + bytes(30), b"<script>alert(1)</script>", b"%PDF-1.7\n", b"#!/bin/sh\nid\n", *_GOOD)
    )
    data = rng.choice(_GOOD)
    return text_of(rng.choice((data + also, also + data, data[:20] + also + data[20:])))


def reference(rng: Random, port: int, inner: int) -> str:
    """Addresses that lead where they may not, and hosts that are allowed but do not mean well. `port`: of a server that
    is allowed; `inner`: of one that is not."""
    private = (
        f"http://127.0.0.1:{inner}/x", f"http://localhost:{inner}/x", "http://169.254.169.254/latest/meta-data",
        f"http://[::1]:{inner}/x", "http://10.0.0.1/x", f"http://user@localhost:{inner}/", "file:///etc/passwd",
        f"http://2130706433:{inner}/", f"http://localhost:{port}@127.0.0.1:{inner}/x", "gopher://localhost/_x", "//x/y",
        "data:image/png;base64," + "A" * rng.randrange(500), "s3://bucket/x", "http://[", "http://\0/",
    )  # fmt: skip
    kinds = ("slow", "drip", "endless", "long_head", "gzip", "short", "loop", "none", "odd")
    away = rng.choice(private)
    own = f"http://localhost:{port}"
    return rng.choice((away, f"{own}/to?where={away.replace('&', '%26')}", f"{own}/{rng.choice(kinds)}"))


KINDS: dict[str, Callable[[Random], str]] = {
    "header": header, "body": body, "cut": cut, "noise": noise, "bomb": bomb, "polyglot": polyglot,
}  # fmt: skip


@cache
def _bomb(kind: int, variant: int) -> str:
    """It takes longer to make one than to look at it."""
    return text_of(_BOMBS[kind](Random(variant)))


def _changed(rng: Random, within: int) -> bytes:
    data = bytearray(rng.choice(_GOOD))
    for _ in range(rng.choice((1, 3, 20))):
        data[rng.randrange(min(len(data), within))] = rng.randrange(256)
    return bytes(data)


def _huge(rng: Random) -> bytes:
    return png(rng.choice((60_000, 2**31 - 1)), rng.choice((60_000, 1)), zlib.compress(bytes(100_000)))


def _just_allowed(rng: Random) -> bytes:
    """As many pixels as are decoded, in a file of a few kilobytes."""
    file = io.BytesIO()
    pillow.new("L", (5_000, rng.randrange(4_000, 5_000))).save(file, rng.choice(("PNG", "GIF", "WEBP")))
    return file.getvalue()


def _inflated(rng: Random) -> bytes:
    """A text of megabytes inside, compressed."""
    text = b"comment\0\0" + zlib.compress(bytes(rng.randrange(1, 40) << 20))
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    return _GOOD[0][:33] + chunk + _GOOD[0][33:]


def _many_frames(rng: Random) -> bytes:
    file, frames = io.BytesIO(), [pillow.new("L", (30, 30), shade) for shade in range(200)]
    frames[0].save(file, rng.choice(("GIF", "WEBP")), save_all=True, append_images=frames[1:])
    return file.getvalue()


def _many_scans(rng: Random) -> bytes:
    """A progressive JPEG whose scans come over and over again, each of which is decoded anew."""
    data = encoded(picture(3, 900, 700), "JPEG", progressive=True)
    first = data.index(b"\xff\xda")
    return data[:first] + data[first:-2] * rng.randrange(20, 60) + b"\xff\xd9"


def _wide(rng: Random) -> bytes:
    file = io.BytesIO()
    pillow.new("RGB", (rng.choice((1, 60_000)), 400)).save(file, "PNG")
    return file.getvalue()


_BOMBS: tuple[Callable[[Random], bytes], ...] = (
    _huge, _just_allowed, _inflated, _many_frames, _many_scans, _wide,
    lambda rng: b64encode(bytes(5 << 20)),
)  # fmt: skip
