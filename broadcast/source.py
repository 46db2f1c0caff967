"""What the camera gives: a network stream, a device, a file or the built-in test picture, as capture arguments.

The options are those measured to survive real cameras: wall-clock time stamps cure drift, `aresample=async` cures
jumping ones, `fps=…:start_time=0` and `first_pts=0` put picture and sound on one common start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import ffmpeg

from broadcast.ffmpeg import arguments

Kind = Literal["rtsp", "rtmp", "srt", "v4l2", "file", "test"]
TIMEOUT_US = 5_000_000
SAMPLE_RATE = 48_000
CHANNELS = 2


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where picture and sound come from. `address` may carry a password: it is never shown."""

    kind: Kind
    address: str = field(default="", repr=False)
    sound: str = ""  # v4l2: the ALSA device; empty: no sound of its own
    listen: bool = False  # rtmp, srt: wait for the sender

    @property
    def has_clock(self) -> bool:
        """Whether the source itself paces its frames (a camera), or ffmpeg must (`-re`: a file, the test picture)."""
        return self.kind not in ("file", "test")


@dataclass(frozen=True, kw_only=True)
class PictureFormat:
    """Size and rate of the program: `width` × `height` pixels, yuv420p BT.709, `fps` frames a second."""

    width: int = 1280
    height: int = 720
    fps: int = 25

    @property
    def frame_bytes(self) -> int:
        """Bytes of one yuv420p frame."""
        return self.width * self.height * 3 // 2

    @property
    def samples(self) -> int:
        """Samples of sound that belong to one frame."""
        return SAMPLE_RATE // self.fps

    @property
    def sound_bytes(self) -> int:
        """Bytes of the s16le stereo sound that belongs to one frame."""
        return self.samples * CHANNELS * 2


def inputs(source: Source, picture: PictureFormat, *, silent: bool = False) -> tuple[Any, Any]:
    """The source's picture and sound as ffmpeg-python streams. `silent`: it has no sound of its own."""
    video = _picture_input(source, picture)
    if silent or (source.kind == "v4l2" and not source.sound):
        return video["v"], ffmpeg.input(f"anullsrc=r={SAMPLE_RATE}:cl=stereo", f="lavfi", re=None)["a"]
    if source.kind == "test":
        # A beep each second over a soft tone: a picture alone hides what a dead sound desk does.
        tone = ffmpeg.input(f"sine=frequency=330:beep_factor=4:sample_rate={SAMPLE_RATE}", f="lavfi", re=None)
        return video["v"], tone["a"]
    if source.kind == "v4l2":
        return video["v"], ffmpeg.input(source.sound, f="alsa", thread_queue_size=512)["a"]
    return video["v"], video["a"]


def _picture_input(source: Source, picture: PictureFormat) -> Any:
    # ffmpeg would look at a stream for five seconds before its first frame: too long when a camera came back.
    quick = {"analyzeduration": 1_000_000, "probesize": 1_000_000}
    wall_clock = {"use_wallclock_as_timestamps": 1, "fflags": "+genpts+nobuffer"}
    if source.kind == "rtsp":
        return ffmpeg.input(source.address, rtsp_transport="tcp", timeout=TIMEOUT_US, **quick, **wall_clock)
    if source.kind == "rtmp":
        waiting = {"listen": 1} if source.listen else {"rw_timeout": TIMEOUT_US}
        return ffmpeg.input(source.address, **waiting, **quick, fflags="+genpts+nobuffer")
    if source.kind == "srt":
        mode = "listener" if source.listen else "caller"
        joiner = "&" if "?" in source.address else "?"
        address = source.address if "mode=" in source.address else f"{source.address}{joiner}mode={mode}"
        patience = {} if source.listen else {"timeout": TIMEOUT_US}
        return ffmpeg.input(address, **patience, **quick, fflags="+genpts+nobuffer")
    if source.kind == "v4l2":
        return ffmpeg.input(
            source.address,
            f="v4l2",
            framerate=picture.fps,
            video_size=f"{picture.width}x{picture.height}",
            **wall_clock,
        )
    if source.kind == "file":
        return ffmpeg.input(source.address, re=None, stream_loop=-1, fflags="+genpts")
    size = f"{picture.width}x{picture.height}"
    return ffmpeg.input(f"testsrc2=size={size}:rate={picture.fps}", f="lavfi", re=None)


def capture_arguments(
    source: Source, picture: PictureFormat, *, video_fd: int, audio_fd: int, silent: bool = False
) -> list[str]:
    """Arguments of the capture: raw frames on `video_fd`, s16le 48 kHz stereo on `audio_fd`, both from time 0."""
    video, audio = inputs(source, picture, silent=silent)
    video = (
        video.filter("fps", picture.fps, start_time=0)
        .filter(
            "scale", picture.width, picture.height,
            force_original_aspect_ratio="decrease", out_color_matrix="bt709", out_range="tv",
        )
        .filter("pad", picture.width, picture.height, -1, -1)
        .filter("setsar", 1)
        .filter("format", "yuv420p")
    )  # fmt: skip
    audio = audio.filter("aresample", **{"async": 1000, "first_pts": 0})
    return arguments(
        ffmpeg.merge_outputs(
            ffmpeg.output(video, f"pipe:{video_fd}", f="rawvideo"),
            ffmpeg.output(audio, f"pipe:{audio_fd}", f="s16le", ar=SAMPLE_RATE, ac=CHANNELS),
        )
    )
