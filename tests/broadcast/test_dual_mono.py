"""One encoded channel as two: the samples are the very same."""

from __future__ import annotations

from io import BytesIO

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from broadcast.dual_mono import doubled
from tests.standins.speech import RATE, meeting


def encoded(samples: NDArray[np.float32], channels: int = 1) -> list[bytes]:
    """The ADTS packets of a sound (mono samples)."""
    file = BytesIO()
    layout = "mono" if channels == 1 else "stereo"
    with av.open(file, "w", format="adts") as out:
        options = {"aac_coder": "fast", "aac_pns": "0", "aac_is": "0", "aac_tns": "0", "flags": "+bitexact"}
        stream = out.add_stream("aac", rate=RATE, layout=layout, options=options)
        stream.bit_rate = 112_000
        for start in range(0, len(samples), 1024):
            block = np.repeat(samples[None, start : start + 1024], channels, axis=0)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "fltp", layout)
            frame.rate, frame.pts = RATE, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r", format="aac") as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def decoded(packets: list[bytes]) -> NDArray[np.float32]:
    with av.open(BytesIO(b"".join(packets)), "r", format="aac") as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1).astype(
            np.float32
        )


def clicks() -> NDArray[np.float32]:
    """Attacks that drive the encoder to short windows."""
    samples = np.zeros(RATE, np.float32)
    samples[::4800] = 0.9
    return samples


@pytest.mark.parametrize(
    "samples",
    [meeting([0.0, -12.0])[0][:, 0], clicks(), np.zeros(RATE, np.float32)],
    ids=["speech", "clicks", "silence"],
)
def test_both_channels_are_the_one(samples: NDArray[np.float32]) -> None:
    packets = encoded(samples)
    one = decoded(packets)
    two = decoded([doubled(packet) for packet in packets])
    assert one.shape[0] == 1
    assert two.shape == (2, one.shape[1])
    assert np.array_equal(two[0], one[0])
    assert np.array_equal(two[1], one[0])
    assert np.abs(one).max() > 0.05 or not samples.any()


def test_a_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="single channel"):
        doubled(encoded(clicks(), channels=2)[5])
