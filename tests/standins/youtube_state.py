"""What a YouTube knows, and what a test does with it: accounts, packets, people who watch, processing that fails."""

from __future__ import annotations

import secrets
import threading
from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from tests.standins.youtube_captions import Track
from tests.standins.youtube_clock import Clock
from tests.standins.youtube_discovery import Discovery
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_faults import Faults
from tests.standins.youtube_live import Broadcast, Stream
from tests.standins.youtube_oauth import EVERY_CALL, Account, SignOn
from tests.standins.youtube_playlists import Playlist
from tests.standins.youtube_quota import Quota
from tests.standins.youtube_server import Request
from tests.standins.youtube_uploads import Uploads
from tests.standins.youtube_videos import Video, film_seconds

NOWHERE = {
    "ingestionAddress": "rtmp://127.0.0.1:9/live2", "backupIngestionAddress": "rtmp://127.0.0.1:9/live2?backup=1",
    "rtmpsIngestionAddress": "rtmps://127.0.0.1:9/live2",
    "rtmpsBackupIngestionAddress": "rtmps://127.0.0.1:9/live2?backup=1",
}  # fmt: skip


class State:
    """Everything public may be read and set by a test. `lock` is held while a method is answered."""

    uploads: Uploads

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.lock = threading.RLock()
        self.clock = Clock()
        self.discovery = Discovery()
        self.sign_on = SignOn(self.clock)
        self.quota = Quota()
        self.faults = Faults(self.clock)
        self.videos: dict[str, Video] = {}
        self.broadcasts: dict[str, Broadcast] = {}
        self.streams: dict[str, Stream] = {}
        self.playlists: dict[str, Playlist] = {}
        self.captions: dict[str, Track] = {}
        self.requests: list[Request] = []
        self.violations: list[str] = []  # what a client asked that it never should
        self.bugs: list[str] = []  # what the stand-in itself did wrong
        self.addresses = NOWHERE  # of the ingest
        self.publishing: dict[tuple[str, str], bool] = {}  # (key, point) of encoders → whether theirs hangs
        self.any_file_is_a_film = False  # bytes that are no film are processed too, as a minute of film
        self.video_lag = 0  # so many 404 before thumbnails, captions and playlists know a new video
        self.upload_limit: int | None = None  # uploads of one channel in 24 hours
        self.thumbnail_limit: int | None = None  # likewise
        self.upload_times: dict[str, list[datetime]] = {}
        self.thumbnail_times: dict[str, list[datetime]] = {}
        self.delay = 0.0  # seconds before every request is looked at, as a distant server has them
        self.offline = False  # every connection is cut, every encoder refused
        self._outcomes: deque[Json] = deque()
        self._to_hang = 0

    def now(self) -> datetime:
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Put the clock forward instead of waiting."""
        self.clock.advance(seconds)

    # Accounts and tokens

    def add_account(self, name: str, channel_id: str | None = None, title: str | None = None) -> Account:
        """A channel that can be picked at consent; the first one is picked where a test says nothing else."""
        account = Account(name, channel_id or "UC" + secrets.token_urlsafe(17)[:22], title or name)
        self.sign_on.accounts[name] = account
        return account

    def issue_token(self, name: str, scopes: Iterable[str] = EVERY_CALL) -> str:
        """A refresh token of the named account, as if the person had consented."""
        with self.lock:
            return self.sign_on.issue(self.sign_on.accounts[name], frozenset(scopes))

    def revoke_account(self, name: str) -> None:
        """The person takes the consent back."""
        with self.lock:
            self.sign_on.revoke_account(self.sign_on.accounts[name])

    def expire_access_tokens(self) -> None:
        """Every access token is dead at once, also in the middle of an upload."""
        with self.lock:
            self.sign_on.expire_accesses()

    def secrets(self) -> list[str]:
        """Everything that no log, page or command line of a client may hold."""
        return [*self.sign_on.secrets(), *(s.key for s in self.streams.values()), *self.uploads.sessions]

    @property
    def quota_used(self) -> int:
        """Units of the running Pacific day."""
        return self.quota.used(self.now())

    # Live

    def stream_json(self, stream: Stream) -> Json:
        """The whole resource with the addresses of the ingest."""
        return stream.as_json(self.addresses, self.now())

    def publish(self, key: str, point: str) -> bool:
        """An encoder wants to send; False: its key is unknown."""
        with self.lock:
            known = not self.offline and any(stream.key == key for stream in self.streams.values())
            if known:
                self.publishing[key, point] = self._to_hang > 0
                self._to_hang = max(self._to_hang - 1, 0)
            return known

    def unpublish(self, key: str, point: str) -> None:
        """An encoder has gone."""
        with self.lock:
            self.publishing.pop((key, point), None)
            self.flow(key, point, flowing=False)

    def flow(self, key: str, point: str, *, flowing: bool, issues: Iterable[Json] = ()) -> None:
        """Whether packets arrive from a publisher, and what is wrong with them; those of one that hangs are lost."""
        with self.lock:
            flowing = flowing and self.publishing.get((key, point)) is False
            for stream in self.streams.values():
                if stream.key == key:
                    (stream.flowing.add if flowing else stream.flowing.discard)(point)
                    stream.was_active |= flowing
                    stream.seen_issues = list(issues)
            for broadcast in self.broadcasts.values():
                if broadcast.stream is not None and broadcast.stream.key == key:
                    broadcast.settle(self.now())

    def packets(self, key: str, *, flowing: bool, point: str = "primary") -> None:
        """Without an ingest: an encoder publishes and packets arrive, or it goes."""
        with self.lock:
            if flowing:
                assert self.publish(key, point)
                self.flow(key, point, flowing=True)
            else:
                self.unpublish(key, point)

    def hang_ingest(self) -> None:
        """Green while YouTube hangs: whoever sends now, or else the next to publish, never makes its stream active."""
        with self.lock:
            self._to_hang += not self.publishing
            for key, point in self.publishing:
                self.publishing[key, point] = True
                self.flow(key, point, flowing=False)

    def take_down(self, broadcast_id: str) -> None:
        """YouTube's own people end a broadcast: its lifeCycleStatus is "revoked"."""
        with self.lock:
            self.broadcasts[broadcast_id].life = "revoked"

    def set_health(self, stream_id: str, status: str | None, issues: Iterable[Json] = ()) -> None:
        """healthStatus until set again; None: by the packets. issues: {"type", "severity", "reason", "description"}."""
        with self.lock:
            stream = self.streams[stream_id]
            stream.health, stream.issues = status, list(issues)

    # Videos

    def new_id(self) -> str:
        """Eleven characters, as a video has."""
        return secrets.token_urlsafe(9)[:11]

    def new_file(self) -> Path:
        """Where the next upload goes."""
        folder = self.folder / "files"
        folder.mkdir(exist_ok=True)
        return folder / secrets.token_hex(8)

    def count_upload(self, account: Account) -> None:
        """A new upload of the channel begins. Refusal 400 uploadLimitExceeded."""
        times = self.upload_times.setdefault(account.name, [])
        day = self.now() - timedelta(days=1)
        if self.upload_limit is not None and sum(moment > day for moment in times) >= self.upload_limit:
            raise Refusal(
                400, "uploadLimitExceeded", "The user has exceeded the number of videos they may upload."
            )
        times.append(self.now())

    def fail_processing(self, reason: str) -> None:
        """The next video fails once processed: "conversion", "codec", …"""
        self._outcomes.append({"failureReason": reason})

    def reject_processing(self, reason: str) -> None:
        """The next video is rejected once processed: "duplicate", "length", …"""
        self._outcomes.append({"rejectionReason": reason})

    def begin_processing(self, video: Video) -> None:
        """A file has arrived whole: what will come of it is known, though not yet told."""
        assert video.media is not None
        video.lag = self.video_lag
        seconds = film_seconds(video.media.path)
        if seconds is None and self.any_file_is_a_film:
            seconds = 60.0
        video.seconds = seconds or 0.0
        if video.media.size == 0:
            video.failure = {"failureReason": "emptyFile"}
        elif seconds is None:
            video.failure = {"failureReason": "invalidFile"}
        if self._outcomes:
            video.failure = self._outcomes.popleft()

    def watch(self, video_id: str, *, views: int = 0, minutes: int = 0, viewers: int | None = None) -> None:
        """People look: views and minutes in all, viewers at this moment (None: YouTube does not say)."""
        video = self.videos[video_id]
        video.views += views
        video.minutes_watched += minutes
        video.viewers = viewers
        video.peak_viewers = max(video.peak_viewers, viewers or 0)

    def remove_video(self, video_id: str) -> None:
        """A video and all that hangs on it."""
        video = self.videos.pop(video_id)
        self.broadcasts.pop(video_id, None)
        for playlist in self.playlists.values():
            playlist.items = [item for item in playlist.items if item.video is not video]
        self.captions = {key: track for key, track in self.captions.items() if track.video is not video}

    @property
    def duplicates(self) -> int:
        """Videos of a channel that have the same content as an earlier one."""
        counted = Counter((v.account.name, v.sha256) for v in self.videos.values() if v.sha256)
        return sum(counted.values()) - len(counted)

    @property
    def bytes_sent_twice(self) -> int:
        """Bytes of films that came beyond one copy of each; right once nothing is under way."""
        films = [s for s in self.uploads.sessions.values() if s.call.method.id == "youtube.videos.insert"]
        sizes = {s.media.sha256: s.media.size for s in films if s.media is not None}
        return sum(s.received for s in films) - sum(sizes.values())
