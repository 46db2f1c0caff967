"""Raw pictures in buffers that are used again: 25 times 3 MB a second is no work for the allocator."""

from __future__ import annotations

from collections import deque
from mmap import mmap

KEPT = 16  # buffers: enough for a calm program; what a moment of trouble took beyond them goes back to the system


class FramePool:
    """Buffers of one size. A picture gives its buffer back by itself when nobody holds it any more.

    They are anonymous mappings: the system gets them back whole, where a heap of 3 MB blocks would only grow.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._free: deque[mmap] = deque(maxlen=KEPT)

    def picture(self) -> Picture:
        """A picture with undefined content."""
        try:
            buffer = self._free.pop()
        except IndexError:
            buffer = mmap(-1, self.size)
        return Picture(buffer, self._free)


class Picture:
    """One raw yuv420p frame; `data` is its writable view."""

    __slots__ = ("_buffer", "_home", "data")

    def __init__(self, buffer: bytearray | mmap, home: deque[mmap] | None = None) -> None:
        self._buffer = buffer
        self._home = home
        self.data = memoryview(buffer)

    def __del__(self) -> None:
        if self._home is not None and isinstance(self._buffer, mmap):
            self._home.append(self._buffer)
