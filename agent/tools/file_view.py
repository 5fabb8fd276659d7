"""A picture file, scaled and turned as a model looks at it."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import ToolFault
from agent.tools.base import Picture

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
WIDTH = 1_440  # pixels, where nothing is said
WIDEST = 2_048  # pixels of the longer side
SMALLEST = 32  # pixels of the shorter side
MOST_PIXELS = 89_000_000  # of a file; more would take too much memory, and may be made to
_ORIENTATION = 0x0112
_PNG_BYTES = 1_500_000  # above which a picture without transparency is sent as a JPEG


def view(path: Path, name: str, width: int | None, region: Sequence[int] | None, page: int) -> tuple[Picture, str]:
    """The picture, and what it is in words.

    Args:
        width: of what is returned, at most; pixels.
        region: left, top, right, bottom in pixels of the whole picture, turned as it is shown.
        page: of a TIFF or an animation, from 1.

    Raises:
        ToolFault: it is none that can be shown.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return _seen(image, name, min(width or WIDTH, WIDEST), region, page)
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    except UnidentifiedImageError:
        raise ToolFault(f"{name} is no picture of a kind that can be shown ({', '.join(FORMATS)}).") from None
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError, OverflowError, MemoryError) as error:
        # Pillow raises any of these at broken files.
        raise ToolFault(
            f"{name} cannot be shown, it is damaged or cut short: {str(error) or type(error).__name__}."
        ) from None


def _seen(image: Image, name: str, width: int, region: Sequence[int] | None, page: int) -> tuple[Picture, str]:
    from PIL import ImageOps

    kind, pages = image.format, int(getattr(image, "n_frames", 1))
    if not 1 <= page <= pages:
        raise ToolFault(f"{name} has {pages} page{'s' if pages > 1 else ''}, so no page {page}.")
    if pages > 1:
        image.seek(page - 1)
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(name)
    lies = image.getexif().get(_ORIENTATION) in (5, 6, 7, 8)
    size = image.size[::-1] if lies else image.size
    if region is None:
        image.draft("RGB", (width * 2, width * 2))  # a JPEG is decoded at a part of its size
    turned = ImageOps.exif_transpose(image)
    shown = turned if region is None else turned.crop(_box(region, turned.size, name))
    picture = _encoded(_scaled(_plain(shown), width), kind == "JPEG")
    words = f"{name}: {kind}, {size[0]} x {size[1]} pixels"
    words += f", page {page} of {pages}" if pages > 1 else ""
    if (picture.width, picture.height) != (size if region is None else shown.size):
        words += f"; shown at {picture.width} x {picture.height}"
    return picture, words


def _box(region: Sequence[int], size: tuple[int, int], name: str) -> tuple[int, int, int, int]:
    if len(region) != 4:
        raise ToolFault("region must be four numbers: left, top, right, bottom.")
    left, top, right, bottom = region
    if not (0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]):
        raise ToolFault(f"region must lie within {name}, which has {size[0]} x {size[1]} pixels.")
    return left, top, right, bottom


def _plain(image: Image) -> Image:
    """With 8 bits a channel, as all viewers know them."""
    from PIL import Image as Images

    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        import numpy as np

        values = np.asarray(image, dtype=np.float64)
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        return Images.fromarray(((values - low) * (255 / ((high - low) or 1))).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or (image.mode == "P" and "transparency" in image.info):
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


def _scaled(image: Image, width: int) -> Image:
    from PIL.Image import Resampling

    factor = min(width / image.width, WIDEST / image.height, 1.0)
    if factor < 1.0:
        size = max(round(image.width * factor), 1), max(round(image.height * factor), 1)
        image = image.resize(size, Resampling.LANCZOS, reducing_gap=3.0)
    return enlarged(image)


def enlarged(image: Image) -> Image:
    """A tiny picture so that its shorter side has `SMALLEST` pixels.

    Models' servers refuse pictures of a single pixel, and with one of them every later request of a session.
    """
    from PIL.Image import Resampling

    times = math.ceil(SMALLEST / min(image.size))
    if times <= 1:
        return image
    width, height = (max(min(side * times, max(side, WIDTH)), SMALLEST) for side in image.size)
    return image.resize((width, height), Resampling.NEAREST)


def _encoded(image: Image, photo: bool) -> Picture:
    out = io.BytesIO()
    image.save(out, "PNG")
    data, media_type = out.getvalue(), "image/png"
    if len(data) > (_PNG_BYTES // 5 if photo else _PNG_BYTES) and image.mode != "RGBA":
        out = io.BytesIO()
        image.convert("RGB").save(out, "JPEG", quality=88)
        if len(out.getvalue()) < len(data):
            data, media_type = out.getvalue(), "image/jpeg"
    return Picture(data, image.width, image.height, media_type)


def _too_large(name: str) -> ToolFault:
    return ToolFault(
        f"{name} has more than {MOST_PIXELS // 1_000_000} million pixels, more than can be decoded safely. "
        "Make a smaller one of it with a program first."
    )
