"""Carries a transport stream to an RTMPS ingest: `python -m broadcast.courier INPUT PROGRESS ADDRESS`, three pipes.

A process of its own like ffmpeg, and not ffmpeg: that takes a stream key on its command line only, where every user of
the machine can read it, and up to version 8 it trusts any certificate. Here the address comes on a pipe, PyAV speaks
RTMP with a relay of ours on the loopback, and the relay speaks TLS with the ingest, whose certificate it verifies.

- INPUT gives MPEG-TS; ADDRESS one JSON object: {"url": "rtmps://host[:port]/app", "key", "ca_file"} (PEM to trust).
- PROGRESS gets a line `out_time_us=…` about twice a second, as from ffmpeg's -progress, while the ingest takes bytes.
- Its last words stand on standard error. Exit status 0: the input ended and all of it was sent; TURNED_AWAY: the ingest
  closed the connection as soon as it knew who we are; else 1.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, TextIO
from urllib.parse import urlsplit

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from broadcast.relay import TURNED_AWAY, Relay

# Without probe limits it would look at the stream for five seconds before it sends the first byte.
INPUT_OPTIONS = {"fflags": "+genpts+nobuffer", "analyzeduration": "800000", "probesize": "400000"}
PROGRESS_SECONDS = 0.5
FIRST_SECONDS = 1.0  # an ingest that does not know the key says so meanwhile
RTMPS_PORT = 443


class TurnedAway(Exception):
    """The ingest closed the connection as soon as it knew who we are: it does not know the key, as it seems."""


def main() -> None:
    """The command line."""
    input_fd, progress_fd, address_fd = map(int, sys.argv[1:4])
    with os.fdopen(address_fd) as given:
        address = json.load(given)
    try:
        carry(input_fd, address, progress_fd)
    except TurnedAway:
        sys.exit(TURNED_AWAY)
    except (OSError, ValueError) as error:  # PyAV's errors are one or both of them
        sys.exit(f"{type(error).__name__}: {error}".replace(address["key"], "…"))


def carry(input_fd: int, address: dict[str, str], progress_fd: int) -> None:
    """Send what comes until it ends. Raises TurnedAway, OSError or ValueError when the ingest does not take it."""
    parts = urlsplit(address["url"])
    host, port = parts.hostname or "", parts.port or RTMPS_PORT
    query = f"?{parts.query}" if parts.query else ""
    relay = Relay(host, port, address["ca_file"], not_mine=(input_fd, progress_fd))
    inside = f"rtmp://127.0.0.1:{relay.port}{parts.path}{query}/{address['key']}"
    try:
        with (
            relay,
            os.fdopen(progress_fd, "w") as progress,
            av.open(f"pipe:{input_fd}", format="mpegts", options=INPUT_OPTIONS) as stream,
            av.open(inside, "w", format="flv", options={"flvflags": "no_duration_filesize"}) as there,
        ):
            _copy(stream, there, relay, progress)
    except (OSError, ValueError):
        if relay.turned_away:
            raise TurnedAway from None
        raise


def _copy(stream: InputContainer, there: OutputContainer, relay: Relay, progress: TextIO) -> None:
    told, sent = time.monotonic() + FIRST_SECONDS - PROGRESS_SECONDS, 0
    for packet in _rewritten(stream, there):
        there.mux_one(packet)
        if time.monotonic() - told > PROGRESS_SECONDS and relay.sent > sent and packet.dts is not None:
            told, sent = time.monotonic(), relay.sent
            microseconds = int(packet.dts * packet.time_base * 1_000_000)
            progress.write(f"out_time_us={microseconds}\n")
            progress.flush()


def _rewritten(stream: InputContainer, there: OutputContainer) -> Iterator[Packet[Any]]:
    """The packets as FLV wants them: from time zero, and never going back (those of a new encoder may)."""
    places = {
        s.index: there.add_stream_from_template(s) for s in (*stream.streams.video, *stream.streams.audio)
    }
    begin: Any = None
    last: dict[int, int] = {}
    for packet in stream.demux():
        if packet.dts is None or packet.pts is None:
            continue  # the end of the stream, or a picture without a time
        index = packet.stream.index
        begin = packet.dts * packet.time_base if begin is None else begin
        offset = int(begin / packet.time_base)
        dts = max(packet.dts - offset, last.get(index, -1) + 1)
        packet.pts = max(packet.pts - offset, dts)
        packet.dts = last[index] = dts
        packet.stream = places[index]
        yield packet


if __name__ == "__main__":
    main()
