"""Pictures for the scenes: drawn from random numbers, and changed as those change them who post one again and again.

Small ones: a scene has hundreds. They need the extra `images`.
"""

import io
from base64 import b64encode
from random import Random
from textwrap import wrap

import numpy as np
import zxingcpp
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

Picture = Image.Image

_SIZE = 240, 180
_LINES = ("limited offer", "today only", "write to me", "follow for more", "everyone wins")


def draw(rng: Random) -> Picture:
    """A picture that is like no other: coarse shapes with finer ones on them."""
    coarse, middle, fine = (
        Image.frombytes("RGB", (side, side), rng.randbytes(3 * side * side)).resize(_SIZE, Image.Resampling.BICUBIC)
        for side in (3, 6, 12)
    )
    return ImageEnhance.Contrast(Image.blend(Image.blend(coarse, middle, 0.4), fine, 0.25)).enhance(2.0)


def altered(rng: Random, picture: Picture) -> Picture:
    """A copy, changed in one way or two, so that no two copies have the same bytes."""
    for change in rng.sample((_scaled, _cut, _stuck_on, _written_on, _lightened), rng.randrange(1, 3)):
        picture = change(rng, picture)
    return picture


def with_code(rng: Random, picture: Picture, link: str) -> Picture:
    """A copy with a QR code somewhere on it."""
    code = Image.fromarray(np.asarray(zxingcpp.create_barcode(link, zxingcpp.BarcodeFormat.QRCode).to_image(scale=3)))
    made = picture.copy()
    left, top = rng.randrange(made.width - code.width), rng.randrange(made.height - code.height)
    made.paste(code.convert("RGB"), (left, top))
    return made


def with_text(rng: Random, picture: Picture, text: str) -> Picture:
    """A larger copy with a few lines of text on it, as somebody writes who wants to be read."""
    made = picture.resize((2 * picture.width, 2 * picture.height))
    place, font = (rng.randrange(8, 24), rng.randrange(8, 80)), ImageFont.load_default(rng.randrange(28, 33))
    lines = "\n".join(wrap(text, 26))
    ImageDraw.Draw(made).multiline_text(place, lines, "white", font, spacing=10, stroke_width=3, stroke_fill="black")
    return made


def with_logo(picture: Picture, logo: Picture) -> Picture:
    """A copy with another picture, small, in its corner."""
    made = picture.copy()
    made.paste(logo.resize((made.width // 5, made.height // 5)), (4, 4))
    return made


def in_event(rng: Random, picture: Picture) -> str:
    """As events carry it: JPEG, compressed more or less, as base64."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=rng.randrange(35, 85))
    return b64encode(file.getvalue()).decode()


def _scaled(rng: Random, picture: Picture) -> Picture:
    factor = rng.uniform(0.6, 1.3)
    return picture.resize((int(picture.width * factor), int(picture.height * factor)))


def _cut(rng: Random, picture: Picture) -> Picture:
    """Up to a hundredth of each edge."""
    left, top, right, bottom = (rng.randrange(1 + side // 100) for side in picture.size * 2)
    return picture.crop((left, top, picture.width - right, picture.height - bottom))


def _stuck_on(rng: Random, picture: Picture) -> Picture:
    made, side = picture.copy(), picture.width // 12
    left, top = rng.randrange(made.width - side), rng.randrange(made.height - side)
    ImageDraw.Draw(made).ellipse((left, top, left + side, top + side), tuple(rng.randbytes(3)))
    return made


def _written_on(rng: Random, picture: Picture) -> Picture:
    made = picture.copy()
    place = rng.randrange(made.width // 2), rng.randrange(made.height - 15)
    ImageDraw.Draw(made).text(place, rng.choice(_LINES), rng.choice(("white", "black")), ImageFont.load_default(11))
    return made


def _lightened(rng: Random, picture: Picture) -> Picture:
    return ImageEnhance.Brightness(picture).enhance(rng.uniform(0.85, 1.15))
