"""Small pictures of the program, kept every ten seconds while on air, so that posters cost nothing afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from broadcast.ledger import PICTURES_NAME
from broadcast.source import PictureFormat

WIDTH = 320


def save_snapshot(folder: Path, frame: int, data: memoryview, picture: PictureFormat) -> None:
    """Write `<folder>/pictures/<frame>.jpg`, 320 pixels wide. Raises OSError when it cannot be written."""
    image = to_rgb(data, picture)
    image.thumbnail((WIDTH, WIDTH))
    target = folder / PICTURES_NAME
    target.mkdir(exist_ok=True)
    image.save(target / f"{frame}.jpg", quality=80)


def to_rgb(data: memoryview, picture: PictureFormat) -> Image.Image:
    """A yuv420p BT.709 limited-range frame as RGB (ITU-R BT.709-6, 3.4), at half its size."""
    width, height = picture.width, picture.height
    half = (height // 2, width // 2)
    plane = np.frombuffer(data, np.uint8)
    luma = (
        plane[: width * height]
        .reshape(height, width)[: half[0] * 2 : 2, : half[1] * 2 : 2]
        .astype(np.float32)
    )
    blue = plane[width * height : width * height * 5 // 4].reshape(half).astype(np.float32) - 128
    red = plane[width * height * 5 // 4 :].reshape(half).astype(np.float32) - 128
    y = (luma - 16) * (255 / 219)
    rgb = np.stack((y + 1.793 * red, y - 0.213 * blue - 0.533 * red, y + 2.112 * blue), axis=-1)
    return Image.fromarray(rgb.clip(0, 255).astype(np.uint8))
