"""The command line of the one encoder: program frames in, H.264/AAC transport stream out.

Presentation times are those of the meeting's clock (`ledger.BASE_SECONDS` + frame / fps), so a new encoder goes on
where the clock stands and what is missing shows as a gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ffmpeg as build

from broadcast.ffmpeg import arguments
from broadcast.ledger import BASE_SECONDS
from broadcast.source import CHANNELS, SAMPLE_RATE, PictureFormat

GOP_SECONDS = 2

LEVELLING = (
    ("highpass", {"f": 80}),
    # t: below it is room noise, which must not be lifted in pauses. Short windows keep the delay under a second.
    # Measured on six espeak-ng voices over 20 dB: -16.0 LUFS, and -16.6 on the test picture's tone.
    ("dynaudnorm", {"f": 200, "g": 7, "m": 12, "p": 0.9, "r": 0.14, "t": 0.004}),
    ("volume", {"volume": "3dB"}),
    ("alimiter", {"limit": 0.79, "level": 0, "latency": 1}),
)


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Bit rates in kbit/s."""

    video_kbit: int = 2500
    audio_kbit: int = 128


def x264_options(encoding: Encoding, picture: PictureFormat) -> dict[str, object]:
    """Options of libx264 shared by the live encoder and by whatever must be spliced to its stream.

    Scene cuts stay on: the change between slate and room gives a keyframe of its own, where a cut costs nothing.
    """
    return {
        "c:v": "libx264", "preset": "veryfast", "profile:v": "high", "pix_fmt": "yuv420p",
        "b:v": f"{encoding.video_kbit}k", "maxrate": f"{encoding.video_kbit}k",
        "bufsize": f"{2 * encoding.video_kbit}k",
        "g": GOP_SECONDS * picture.fps, "keyint_min": 1, "sc_threshold": 40, "bf": 2,
        "x264-params": "stitchable=1",
        "color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709",
    }  # fmt: skip


def encoder_arguments(
    picture: PictureFormat,
    encoding: Encoding,
    *,
    video_fd: int,
    audio_fd: int,
    before_fd: int,
    after_fd: int,
    frame: int,
) -> list[str]:
    """Arguments of an encoder whose first frame is `frame`. Momentary loudness (LUFS, each 100 ms) is printed on
    `before_fd` before and on `after_fd` after levelling."""
    at_once = {"probesize": 32, "analyzeduration": 0}  # or the two pipes wait for each other at start
    video = build.input(
        f"pipe:{video_fd}", f="rawvideo", pix_fmt="yuv420p", s=f"{picture.width}x{picture.height}", r=picture.fps,
        thread_queue_size=16, **at_once,
    )["v"]  # fmt: skip
    sound = build.input(
        f"pipe:{audio_fd}", f="s16le", ar=SAMPLE_RATE, ac=CHANNELS, thread_queue_size=64, **at_once
    )["a"]
    sound = _metered(sound, before_fd)
    for name, options in LEVELLING:
        sound = sound.filter(name, **options)
    sound = _metered(sound, after_fd).filter(
        "aformat", sample_rates=SAMPLE_RATE, sample_fmts="fltp", channel_layouts="stereo"
    )
    start = BASE_SECONDS + frame / picture.fps
    return arguments(
        build.output(
            video, sound, "pipe:1", f="mpegts",
            **x264_options(encoding, picture),
            **{"c:a": "aac", "b:a": f"{encoding.audio_kbit}k", "ar": SAMPLE_RATE},
            output_ts_offset=f"{start:.6f}", muxdelay=0, muxpreload=0, flush_packets=1, pes_payload_size=0,
            max_muxing_queue_size=1024,
        )
    )  # fmt: skip


def _metered(sound: Any, fd: int) -> Any:
    metered = build.filter(sound, "ebur128", metadata=1)
    # ametadata opens a file of its own; /dev/fd is how it reaches a pipe of ours.
    return metered.filter("ametadata", mode="print", key="lavfi.r128.M", file=f"/dev/fd/{fd}", direct=1)
