"""Pictures of files, made ready to be put into a document."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from agent.errors import ToolFault

MOST_PIXELS = 100_000_000
MOST_BYTES = 64 << 20
_KEPT = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "BMP": "bmp", "TIFF": "tiff"}
_DPI = 96.0


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: its bytes, as a kind that office programs know; width and height in centimetres at its own size."""

    data: bytes
    suffix: str
    width: float
    height: float


def load(path: Path, name: str) -> Image:
    """A picture of a file; kinds that office programs do not know become PNG.

    Raises:
        ToolFault: it is no picture, damaged, or too large.
    """
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    try:
        if path.stat().st_size > MOST_BYTES:
            raise ToolFault(f"{name} has {path.stat().st_size >> 20} MB; a picture may have {MOST_BYTES >> 20}.")
        with Pillow.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ToolFault(f"{name} has {picture.width} × {picture.height} pixels, too many for a document.")
            picture.load()
            return _ready(picture, path)
    except UnidentifiedImageError:
        raise ToolFault(
            f"{name} is no picture that can be used here; PNG, JPEG, GIF, TIFF, BMP and WebP can."
        ) from None
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise ToolFault(f"{name} cannot be read as a picture: {error}.") from None


def _ready(picture: object, path: Path) -> Image:
    from PIL import Image as Pillow

    assert isinstance(picture, Pillow.Image)
    across, down = _resolution(picture)
    width, height = picture.width / across * 2.54, picture.height / down * 2.54
    if suffix := _KEPT.get(picture.format or ""):
        return Image(path.read_bytes(), suffix, width, height)
    out = BytesIO()
    picture.convert("RGBA").save(out, "PNG")
    return Image(out.getvalue(), "png", width, height)


def _resolution(picture: object) -> tuple[float, float]:
    """Pixels an inch; what cannot be meant is 96."""
    told = getattr(picture, "info", {}).get("dpi", (_DPI, _DPI))
    try:
        across, down = (float(value) for value in told)
    except (TypeError, ValueError):
        return _DPI, _DPI
    sane = 30 <= across <= 2400 and 30 <= down <= 2400
    return (across, down) if sane else (_DPI, _DPI)
