"""Makes the sound again, evenly loud: one ffmpeg per core, joined on AAC's grid of 1,024 samples.

Each part is begun 64 packets early, until limiter and encoder have forgotten their start; these packets and the
encoder's priming packet are dropped, so that the joints cannot be heard.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import ffmpeg as build
import numpy as np

from broadcast.dual_mono import doubled
from broadcast.errors import RenderError
from broadcast.ffmpeg import Ffmpeg, arguments
from broadcast.loudness import STEP, GainCurve, Values
from broadcast.process import Child
from broadcast.progress import Progress
from broadcast.soundtrack import GRAIN

RATE = 48_000
PREROLL = 63  # packets; with whole parts of 3 packets (64 ms) every start is a whole number of microseconds
LEAST_PART = 60.0  # s: a shorter one is not worth a process of its own
LIMIT = 0.78  # sample peak; true peak after the AAC encoder then stays under -1 dBTP
WARM_UP = 10  # values measured before a part that are thrown away: the 400 ms window must be full
MONO_KBIT, STEREO_KBIT = 112, 144
CUTOFF = 15_000  # Hz, as on FM radio: what lies above costs the encoder an eighth of its time
GAIN_RATE = 1000  # values a second of the gain curve; ffmpeg makes a smooth curve of them
EQUAL_CHANNELS = (
    0.003  # of the energy: what AAC alone makes different between two equal channels, measured 0.0005
)


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """Where and with what the sound is made. `kept`: a file with only the kept sound, on the clock of the
    rendition, `seconds` long; `folder` takes what is made."""

    ffmpeg: Ffmpeg
    folder: Path
    kept: Path
    seconds: float
    processes: int = os.cpu_count() or 1

    def measure(self) -> Iterator[Progress | Values]:
        """Momentary loudness (LUFS) each 100 ms; last yields the values."""
        borders = _borders(self.seconds, self.processes, 1.0)
        files = [self.folder / f"loudness-{n}.txt" for n in range(len(borders) - 1)]
        children = []
        for n, (start, end) in enumerate(pairwise(borders)):
            early = max(0.0, start - WARM_UP * STEP)
            sound = self._input(early, end - early).filter("ebur128", metadata=1)
            sound = sound.filter("ametadata", mode="print", key="lavfi.r128.M", file="pipe:1")
            children.append(_Made(self.ffmpeg, arguments(build.output(sound, "-", f="null")), files[n]))
        yield from _all(children, expected=[(e - s) * 610 for s, e in pairwise(borders)])
        values = [_values(file)[WARM_UP if n else 0 :] for n, file in enumerate(files)]
        yield np.concatenate(values)

    def level(self, curve: GainCurve | None) -> Iterator[Progress]:
        """Put the gain curve on, limit, encode; the packets come from `packets` afterwards."""
        equal = equal_channels(self.kept, self.seconds)
        kbit = MONO_KBIT if equal else STEREO_KBIT
        children, expected = [], []
        for n, (first, last) in enumerate(self._parts()):
            early = max(0, first - PREROLL)
            start, samples = early * GRAIN / RATE, (last + 2 - early) * GRAIN
            sound = self._input(start, samples / RATE + 1.0)
            if equal:  # one channel costs half; it is doubled again only for the encoder
                sound = sound.filter("channelmap", map="0", channel_layout="mono")
            if curve is not None:
                gain = self.folder / f"gain-{n}.f32"
                seconds = start + np.arange(int(samples / RATE * GAIN_RATE) + GAIN_RATE) / GAIN_RATE
                (10 ** (curve.at(seconds) / 20)).astype(np.float32).tofile(gain)
                sound = self._multiplied(sound, gain, 1 if equal else 2)
            sound = sound.filter("alimiter", limit=LIMIT, level=0, latency=1, attack=5, release=80)
            sound = sound.filter("apad", whole_len=samples).filter("atrim", end_sample=samples)
            options = {
                "c:a": "aac",
                "aac_coder": "fast",
                "b:a": f"{kbit}k",
                "aac_is": 0,
                "aac_pns": 0,
                "aac_tns": 0,
                "cutoff": CUTOFF,
            }
            options |= {"flags:a": "+bitexact", "ac": 1} if equal else {"ac": 2}
            args = arguments(build.output(sound, "pipe:1", f="adts", **options))
            children.append(_Made(self.ffmpeg, args, self._part(n)))
            expected.append(samples / RATE * kbit * 125)
        yield from _all(children, expected=expected)

    @staticmethod
    def _multiplied(sound: Any, gain: Path, channels: int) -> Any:
        """The sound times a gain that is read from a file of GAIN_RATE values a second."""
        factor = build.input(str(gain), f="f32le", ar=GAIN_RATE, ac=1)["a"].filter("aresample", RATE)
        if channels == 2:
            factor = _doubled(factor)
        return build.filter(
            [sound.filter("aformat", sample_fmts="fltp"), factor.filter("aformat", sample_fmts="fltp")],
            "amultiply",
        )

    def packets(self) -> Iterator[av.Packet[Any]]:
        """What `level` made, 1,024 samples each, two channels, from 0 on without a hole."""
        for n, (first, last) in enumerate(self._parts()):
            skip = first - max(0, first - PREROLL) + 1  # the first packet primes the decoder
            with av.open(str(self._part(n))) as part:
                single = part.streams.audio[0].codec_context.channels == 1
                for packet in islice((p for p in part.demux(audio=0) if p.size), skip, skip + last - first):
                    if single:
                        pair = av.Packet(doubled(bytes(packet)))
                        pair.time_base = packet.time_base
                        pair.is_keyframe = True
                        yield pair
                    else:
                        yield packet

    def template(self) -> Any:
        """An open container whose sound stream is what `packets` gives."""
        sample = self.folder / "template.aac"
        sample.write_bytes(b"".join(bytes(packet) for packet in islice(self.packets(), 8)))
        return closing(av.open(str(sample)))

    def _parts(self) -> list[tuple[int, int]]:
        """[first, last) packet of each part."""
        borders = _borders(self.seconds, self.processes, 3 * GRAIN / RATE)
        numbers = [round(border * RATE / GRAIN) for border in borders[:-1]] + [
            -int(-self.seconds * RATE // GRAIN)
        ]
        return list(pairwise(numbers))

    def _part(self, number: int) -> Path:
        return self.folder / f"sound-{number}.aac"

    def _input(self, start: float, seconds: float) -> Any:
        """The kept sound from `start` on, always stereo: a single channel is heard from both loudspeakers, and is
        measured so."""
        sound = build.input(str(self.kept), ss=f"{start:.6f}", t=f"{seconds:.6f}")["a"]
        # Holes in the sound become silence, so that samples can be counted as time. Matroska rounds its times.
        grain = 0.0001 if self.kept.suffix == ".mp4" else 0.002
        sound = sound.filter("aresample", RATE, first_pts=0, min_hard_comp=grain, **{"async": 1})
        if _channels(self.kept) == 1:
            return _doubled(sound)
        return sound.filter("aformat", channel_layouts="stereo")


def _doubled(sound: Any) -> Any:
    """One channel as two that are equal and as strong (ffmpeg's own conversion would weaken them)."""
    return sound.filter("channelmap", map="0|0", channel_layout="stereo")


def _borders(seconds: float, processes: int, grain: float) -> list[float]:
    """0 … seconds in equal parts, one per process, inner borders on multiples of `grain`."""
    parts = max(1, min(processes, int(seconds / LEAST_PART)))
    return [round(seconds * n / parts / grain) * grain for n in range(parts)] + [seconds]


def _values(file: Path) -> Values:
    values = [-120.0]
    values.clear()
    with file.open() as lines:
        for line in lines:
            if line.startswith("lavfi.r128.M="):
                value = float(line.partition("=")[2])
                values.append(max(value, -120.0) if value == value else -120.0)
    return np.array(values)


def _channels(file: Path) -> int:
    with av.open(str(file)) as container:
        return container.streams.audio[0].codec_context.channels


def equal_channels(file: Path, seconds: float, spots: int = 16) -> bool:
    """Whether left and right are the same sound, heard at `spots` places spread over the file."""
    whole = difference = 0.0
    with av.open(str(file)) as container:
        stream = container.streams.audio[0]
        if stream.codec_context.channels != 2:
            return stream.codec_context.channels == 1
        resampler = av.AudioResampler(format="fltp", layout="stereo")
        for spot in range(spots):
            container.seek(int(seconds * (spot + 0.5) / spots * 1_000_000))
            for frame in islice(container.decode(stream), 20):
                for part in resampler.resample(frame):
                    left, right = part.to_ndarray()
                    whole += float(np.sum(left**2) + np.sum(right**2))
                    difference += float(np.sum((left - right) ** 2))
    return difference <= EQUAL_CHANNELS * whole


class _Made:
    """A child whose standard output goes to a file through us: when we die, its pipe breaks and it dies too."""

    def __init__(self, ffmpeg: Ffmpeg, args: Sequence[str], file: Path):
        self.bytes = 0
        self.failure: OSError | None = None
        self._file = file
        self.child = Child(ffmpeg, args, pipe_out=True)
        self._thread = threading.Thread(target=self._copy, name="sound", daemon=True)
        self._thread.start()

    def _copy(self) -> None:
        stream = self.child.popen.stdout
        assert stream is not None  # noqa: S101 - opened as a pipe
        try:
            with stream, self._file.open("wb") as out:
                while block := stream.read(1 << 16):
                    out.write(block)
                    self.bytes += len(block)
        except OSError as error:
            self.failure = error

    @property
    def running(self) -> bool:
        return self._thread.is_alive() or self.child.running

    def check(self) -> None:
        """Raise what went wrong, if anything did."""
        if self.failure is not None:
            raise self.failure
        if self.child.popen.wait() != 0:
            raise RenderError(
                f"Ljudet kunde inte göras: {self.child.last_words or 'ffmpeg gav inget besked'}."
            )

    def end(self) -> None:
        if self.child.running:
            self.child.kill()
        self._thread.join(5)


def _all(children: Sequence[_Made], *, expected: Sequence[float]) -> Iterator[Progress]:
    """Wait for all of them; `expected` bytes of each give the percent."""
    try:
        while any(child.running for child in children):
            time.sleep(0.1)
            done = sum(min(c.bytes, e) for c, e in zip(children, expected, strict=True))
            yield Progress(min(99.0, 100 * done / max(sum(expected), 1)))
        for child in children:
            child.check()
        yield Progress(100.0)
    finally:
        for child in children:
            child.end()
