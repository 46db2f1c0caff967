"""Hands the encoder's stream to the pushers. A slow one loses its place, never anybody else's."""

from __future__ import annotations

import queue
import threading

from broadcast.transport import Piece

LARGEST_QUEUE = 2000  # pieces (some 20 s): a pusher further behind than this is started again at a keyframe


class Subscription:
    """One reader's place in the feed: begins with the newest keyframe."""

    def __init__(self) -> None:
        self._pieces: queue.Queue[bytes | None] = queue.Queue()
        self.overflowed = False

    def next(self, timeout: float) -> bytes | None:
        """The next bytes; None when the feed has ended. Raises queue.Empty after `timeout` seconds."""
        return self._pieces.get(timeout=timeout)

    def put(self, data: bytes | None) -> None:
        """Add bytes; over the limit they are dropped and the subscription is marked as overflowed."""
        if data is not None and self._pieces.qsize() >= LARGEST_QUEUE:
            self.overflowed = True
        else:
            self._pieces.put(data)


class Feed:
    """Distributes pieces of the stream and keeps the present group of pictures for whoever comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._group: list[bytes] = []
        self._subscribers: list[Subscription] = []
        self._ended = False

    def publish(self, piece: Piece) -> None:
        """Hand a piece to every subscriber."""
        newest_key = next((p.offset for p in reversed(piece.pictures) if p.key), None)
        with self._lock:
            if newest_key is not None:
                self._group = [piece.data[newest_key:]]
            elif self._group:
                self._group.append(piece.data)
            for subscriber in self._subscribers:
                subscriber.put(piece.data)

    def subscribe(self) -> Subscription:
        """A new reader, beginning with the newest keyframe."""
        with self._lock:
            subscription = Subscription()
            for data in self._group:
                subscription.put(data)
            if self._ended:
                subscription.put(None)
            self._subscribers.append(subscription)
            return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a reader."""
        with self._lock:
            if subscription in self._subscribers:
                self._subscribers.remove(subscription)

    def end(self) -> None:
        """Tell every reader that nothing more comes."""
        with self._lock:
            self._ended = True
            for subscriber in self._subscribers:
                subscriber.put(None)
