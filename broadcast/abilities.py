"""What an ffmpeg was built to do: distributions leave parts out, and it is better to hear of it before a meeting."""

from __future__ import annotations

from broadcast.ffmpeg import Ffmpeg, run

NEEDED: dict[str, tuple[str, ...]] = {
    "encoders": ("libx264", "aac", "mjpeg"),
    "muxers": ("mpegts", "hls", "flv", "mp4", "rawvideo"),
    "demuxers": ("mpegts", "mov", "rtsp", "rawvideo"),
    "protocols": ("file", "pipe", "udp", "rtmp"),
    "filters": (
        "ebur128",
        "ametadata",
        "dynaudnorm",
        "alimiter",
        "highpass",
        "aresample",
        "fps",
        "scale",
        "pad",
    ),
}
"""What no meeting can do without, by ffmpeg's own lists."""

WANTED: dict[str, tuple[str, ...]] = {"protocols": ("rtmps", "srt")}
"""What some platforms and sources need."""


def missing(ffmpeg: Ffmpeg, wanted: dict[str, tuple[str, ...]]) -> list[str]:
    """The names in `wanted` that this ffmpeg lacks. Raises BroadcastError where it does not run."""
    return [
        name
        for which, names in wanted.items()
        if (has := listed(ffmpeg, which))
        for name in names
        if name not in has
    ]


def listed(ffmpeg: Ffmpeg, which: str) -> frozenset[str]:
    """The names in one of ffmpeg's lists: encoders, muxers, demuxers, protocols, filters, devices."""
    names: set[str] = set()
    for line in run(ffmpeg, [f"-{which}"], timeout=20).decode(errors="replace").splitlines():
        words = line.split()
        if words:  # " V....D libx264  …", " D  mov,mp4,m4a  …", and a bare "rtmp" in the list of protocols
            names.update((words[1] if len(words) > 1 else words[0]).split(","))
    return frozenset(names)
