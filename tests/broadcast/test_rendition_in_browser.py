"""A spliced film in a real browser: on both sides of every splice the right frame is shown."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from broadcast.cuts import Cut
from broadcast.ffmpeg import find_ffmpeg
from broadcast.rendition import render
from tests.broadcast.test_rendition import FOREIGN, a_film
from tests.standins.recorder import Scene, read_number, record
from tests.standins.viewer import frames

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LOOK = """async seconds => {
  const video = document.querySelector('video');
  const canvas = document.createElement('canvas');
  canvas.width = 320; canvas.height = 180;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const seen = [];
  for (const second of seconds) {
    await new Promise((done, failed) => {
      // Not `seeked`: on a busy machine the picture of before may still stand then.
      video.requestVideoFrameCallback(done); video.onerror = () => failed(new Error(video.error.message));
      video.currentTime = second;
    });
    pen.drawImage(video, 0, 0);
    const pixels = pen.getImageData(0, 0, 320, 30).data;
    seen.push(Array.from({length: 320 * 30}, (_, i) => pixels[4 * i + 1]));
  }
  return seen;
}"""


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["ours", "deep"])
def test_every_splice_shows_the_right_frames(browser: Browser, tmp_path: Path, kind: str) -> None:
    if kind == "ours":
        original = record(tmp_path / "recording", [Scene(8)])
    else:  # parameter sets that differ from ours: both kinds stand in the film
        original = a_film(tmp_path / "in.mp4", *FOREIGN[kind])
    film = tmp_path / "film.mp4"
    list(
        render(
            original,
            cuts=[Cut(0, 0.6, "a"), Cut(3.0, 5.0, "b")],
            chapters=[],
            out=film,
            ffmpeg=find_ffmpeg(),
            exact=True,
        )
    )
    shown = frames(film)
    assert [number for _, number in shown] == [*range(15, 75), *range(125, 200)]
    picked = [0, 5, 34, 35, 36, 58, 59, 60, 61, 84, 85, 86, 100, 134]
    page = browser.new_page()
    source = base64.b64encode(film.read_bytes()).decode()
    page.set_content(f'<video muted preload="auto" src="data:video/mp4;base64,{source}"></video>')
    page.wait_for_function("document.querySelector('video').readyState >= 3")
    seen = page.evaluate(LOOK, [shown[n][0] + 0.02 for n in picked])
    page.close()
    strips = [np.array(strip, np.uint8).reshape(30, 320) for strip in seen]
    # read_number wants a whole picture of which the strip is the sixth on top.
    numbers = [read_number(np.concatenate([strip, np.zeros((150, 320), np.uint8)])) for strip in strips]
    assert numbers == [shown[n][1] for n in picked]
