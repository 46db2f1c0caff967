"""Makes a recording folder as the live engine would: one ffmpeg per encoder run, and a ledger.

Every frame carries its number as a barcode, so that a test can say which frames a film holds by looking at them; the
sound has a click on every whole second, so that it can say how far sound and picture are apart. In a closed session
a tone sounds that is heard nowhere else.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import ffmpeg as build
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from broadcast.encoder_arguments import Encoding, x264_options
from broadcast.events import OnAir
from broadcast.ffmpeg import QUIET, arguments, find_ffmpeg
from broadcast.ledger import BASE_SECONDS, LEDGER_NAME, PICTURE_SECONDS, PICTURES_NAME, RECORDING_NAME
from broadcast.recording import LedgerWriter, frame_of
from broadcast.source import PictureFormat
from broadcast.transport import TransportReader

RATE = 48_000
EPOCH = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)
BITS = 20
VOICE, SECRET, CLICK = 400.0, 3000.0, 9000.0  # Hz

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """`seconds` of "room", "gap" (the process was down) or a slate by name."""

    seconds: float
    what: str = "room"


def record(
    folder: Path,
    scenes: Sequence[Scene],
    *,
    size: tuple[int, int] = (320, 180),
    fps: int = 25,
    level: float = -16.0,
    sound: Sound | None = None,
    ended: bool = True,
    pictures: bool = True,
    measured: bool = True,
) -> Path:
    """Record `scenes` into `folder`. level: LUFS of the room; sound: stereo samples (n, 2) instead of the tones;
    `ended` False: as a killed process leaves it, with no last word and a torn packet."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger = LedgerWriter(folder)
    ledger.write(epoch=EPOCH.isoformat(), fps=fps, width=size[0], height=size[1])
    spans = list(_spans(scenes, fps))
    end = spans[-1][1]
    sound = tones(spans, fps, level) if sound is None else sound
    runs = _encoder_runs(spans)
    for start, stop, what in spans:
        if what == "gap":
            ledger.write(missing=[start, stop], reason="process")
        else:
            on_air = OnAir.SOURCE if what == "room" else OnAir.SLATE
            ledger.write(program=start, on_air=on_air, slate="" if what == "room" else what)
    for start, stop in runs:
        _encode(folder, ledger, spans, (start, stop), size, fps, sound)
    if measured:
        _measure(ledger, sound, spans, fps)
    if pictures:
        _keep_pictures(folder, spans, size, fps)
    path = folder / RECORDING_NAME
    if ended:
        ledger.write(end=end, size=path.stat().st_size, sha256=None)
    else:
        with path.open("rb+") as file:
            file.truncate(path.stat().st_size - 1000)
    return folder


def _spans(scenes: Sequence[Scene], fps: int) -> Iterator[tuple[int, int, str]]:
    at = 0
    for scene in scenes:
        end = at + round(scene.seconds * fps)
        yield at, end, scene.what
        at = end


def _encoder_runs(spans: Sequence[tuple[int, int, str]]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for start, stop, what in spans:
        if what == "gap":
            continue
        if runs and runs[-1][1] == start:
            runs[-1] = (runs[-1][0], stop)
        else:
            runs.append((start, stop))
    return runs


def picture(number: int, what: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """One yuv420p frame: a room that moves or a flat slate, and the number as a strip of bright and dark fields."""
    width, height = size
    luma = np.full((height, width), 60, np.uint8)
    if what == "room":
        x, y = np.arange(width), np.arange(height)[:, None]
        luma = (120 + 50 * np.sin((x + 2 * number) / 23) + 40 * np.sin(y / 9)).astype(np.uint8)
    field = width // BITS
    strip = height // 6
    for bit in range(BITS):
        luma[:strip, bit * field : (bit + 1) * field] = 225 if number >> bit & 1 else 25
    chroma = np.full(width * height // 2, 128 if what == "room" else 100, np.uint8)
    return np.concatenate([luma.ravel(), chroma])


def read_number(luma: NDArray[np.uint8]) -> int:
    """The number a frame carries, from its luma (height, width)."""
    height, width = luma.shape
    field, strip = width // BITS, height // 6
    middle = luma[strip // 4 : strip * 3 // 4]
    return sum(
        int(middle[:, b * field + field // 4 : b * field + field * 3 // 4].mean() > 125) << b
        for b in range(BITS)
    )


def tones(spans: Sequence[tuple[int, int, str]], fps: int, level: float) -> Sound:
    """The voice in the room, silence on a slate, the secret tone in a closed session; clicks in the room."""
    end = spans[-1][1]
    samples = end * RATE // fps
    clock = np.arange(samples) / RATE
    mono = np.zeros(samples, np.float64)
    for start, stop, what in spans:
        part = slice(start * RATE // fps, stop * RATE // fps)
        if what == "room":
            mono[part] = 10 ** ((level + 0.6) / 20) * np.sin(2 * np.pi * VOICE * clock[part])
            for second in range(-(-start // fps), stop // fps):
                click = slice(second * RATE, second * RATE + RATE // 100)
                mono[click] += 10 ** ((level + 4) / 20) * np.sin(2 * np.pi * CLICK * clock[click])
        elif what == "closed":
            mono[part] = 0.5 * np.sin(2 * np.pi * SECRET * clock[part])
    return np.repeat(mono[:, None], 2, axis=1).astype(np.float32)


def _encode(
    folder: Path, ledger: LedgerWriter, spans: Sequence[tuple[int, int, str]], run: tuple[int, int],
    size: tuple[int, int], fps: int, sound: Sound,
) -> None:  # fmt: skip
    start, stop = run
    raw = folder / "run.f32"
    sound[start * RATE // fps : stop * RATE // fps].tofile(raw)
    video = build.input("pipe:0", f="rawvideo", pix_fmt="yuv420p", s=f"{size[0]}x{size[1]}", r=fps)
    audio = build.input(str(raw), f="f32le", ar=RATE, ac=2)
    args = arguments(
        build.output(
            video["v"], audio["a"], "pipe:1", f="mpegts",
            **x264_options(Encoding(video_kbit=500), PictureFormat(width=size[0], height=size[1], fps=fps)),
            **{"c:a": "aac", "b:a": "128k"},
            output_ts_offset=f"{BASE_SECONDS + start / fps:.6f}", muxdelay=0, muxpreload=0, pes_payload_size=0,
        )
    )  # fmt: skip
    child = subprocess.Popen(
        [find_ffmpeg().path, *QUIET[:1], *QUIET[2:], *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    writer = threading.Thread(target=_feed, args=(child, spans, run, size))
    writer.start()
    reader = TransportReader()
    assert child.stdout is not None
    with (folder / RECORDING_NAME).open("ab") as file:
        while chunk := child.stdout.read(1 << 16):
            piece = reader.feed(chunk)
            at = file.tell()
            for shown in piece.pictures:
                if shown.key:
                    ledger.write(keyframe=frame_of(shown.time, fps), offset=at + shown.offset)
            file.write(piece.data)
    writer.join()
    assert child.wait() == 0
    raw.unlink()


def _feed(
    child: subprocess.Popen[bytes],
    spans: Sequence[tuple[int, int, str]],
    run: tuple[int, int],
    size: tuple[int, int],
) -> None:
    assert child.stdin is not None
    with child.stdin as pipe:
        for start, stop, what in spans:
            for number in range(max(start, run[0]), min(stop, run[1])):
                pipe.write(picture(number, what, size).tobytes())


def _measure(ledger: LedgerWriter, sound: Sound, spans: Sequence[tuple[int, int, str]], fps: int) -> None:
    values = momentary(sound)
    for second in range(len(values) // 10):
        sent = values[10 * second : 10 * second + 10]
        room = any(what == "room" and a < (second + 1) * fps and b > second * fps for a, b, what in spans)
        peak = float(np.abs(sound[second * RATE : (second + 1) * RATE]).max())
        ledger.write(
            second=second, loudness=max(sent), peak=20 * float(np.log10(max(peak, 1e-6))), black=False, frozen=not room,
            on_air=OnAir.SOURCE if room else OnAir.SLATE, sent=sent,
        )  # fmt: skip


def momentary(sound: Sound) -> list[float]:
    """Momentary loudness (LUFS) each 100 ms, by ffmpeg's ebur128."""
    stream = build.input("pipe:0", f="f32le", ar=RATE, ac=2).filter("ebur128", metadata=1)
    stream = stream.filter("ametadata", mode="print", key="lavfi.r128.M", file="pipe:1")
    args = arguments(build.output(stream, "-", f="null"))
    done = subprocess.run(
        [find_ffmpeg().path, "-loglevel", "error", *args],
        input=sound.tobytes(),
        capture_output=True,
        check=True,
    )
    lines = done.stdout.decode().splitlines()
    found = [float(line.partition("=")[2]) for line in lines if line.startswith("lavfi.r128.M=")]
    return [max(value, -120.0) if value == value else -120.0 for value in found]


def _keep_pictures(
    folder: Path, spans: Sequence[tuple[int, int, str]], size: tuple[int, int], fps: int
) -> None:
    (folder / PICTURES_NAME).mkdir(exist_ok=True)
    for start, stop, what in spans:
        first = -(-start // (PICTURE_SECONDS * fps)) * PICTURE_SECONDS * fps
        for number in range(first, stop, PICTURE_SECONDS * fps):
            if what != "gap":
                luma = picture(number, what, size)[: size[0] * size[1]].reshape(size[1], size[0])
                image = Image.fromarray(luma).resize((320, 320 * size[1] // size[0])).convert("RGB")
                image.save(folder / PICTURES_NAME / f"{number}.jpg", quality=80)


def facts(folder: Path) -> list[dict[str, object]]:
    """The ledger's lines."""
    return [json.loads(line) for line in (folder / LEDGER_NAME).read_text().splitlines()]
