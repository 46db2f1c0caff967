"""A channel on YouTube: a video is sent there hidden, dressed and waited for, and shown only when it is right."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from google.auth.exceptions import GoogleAuthError
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest, MediaUpload

from uploader.channels import youtube_video as videos
from uploader.errors import UploadError
from uploader.metadata import Composed, MetadataError, compose, tidy_title
from uploader.pace import Pace
from uploader.package import (
    DOUBTED,
    VIDEO_NAME,
    Details,
    Done,
    Gone,
    Happening,
    Noted,
    Package,
    Progress,
    Remember,
    Standing,
)
from uploader.resumable import MEMORY, Chunks, Shipment, upload
from uploader.youtube_errors import explain, failed_processing, reason_of

POSTER_NAME = "poster.jpg"
SECONDS_OFF = 2.0  # so much may YouTube's length of a video differ from ours
_CAPTIONS = re.compile(r"captions\.([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\.vtt")
_POLLS = "polls"
_OFTEN = 60  # polls that begin close together and end a minute apart; after them patience is cheaper
_LONG = 100  # polls, some eight hours: so rare from then on that a person is told

Taking = Generator[Happening, None, None]


class YouTubeChannel:
    """See RemoteChannel. The address is the video's id; its memory holds the session of an unfinished upload.

    `client`: the YouTube Data API v3, signed on to the one channel. `details`: how the video is to stand there; needed
    for everything but taking it away. `standing.memory["adopted"]`: the video is the one that YouTube recorded of a
    broadcast, so that nothing is sent and its length is YouTube's own affair. Where it is doubted, the first step looks
    whether the video is still there, and has it sent anew where a person has deleted it.
    """

    steps: tuple[str, ...] = (
        "upload",
        "details",
        "captions",
        "thumbnail",
        "playlist",
        "processed",
        "privacy",
    )
    optional: frozenset[str] = frozenset({"captions", "thumbnail", "playlist"})

    def __init__(
        self,
        client: Any,
        details: Details | None,
        pace: Pace,
        *,
        chunks: Chunks = Chunks(),  # noqa: B008 — frozen
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._maybe_details = details
        self._pace = pace
        self._chunks = chunks
        self._sleep = sleep
        self._now = now

    def take(self, step: str, package: Package, standing: Standing) -> Iterator[Happening]:
        """See RemoteChannel."""
        steps: dict[str, Callable[[Package, Standing], Taking]] = {
            "upload": self._upload,
            "details": self._set_details,
            "captions": self._set_captions,
            "thumbnail": self._set_thumbnail,
            "playlist": self._set_playlist,
            "processed": self._wait_for_processed,
            "privacy": self._show,
        }
        with self._explained():
            yield from steps[step](package, standing)
        yield Done()

    def withdraw(self, address: str, reason: str) -> None:
        """See RemoteChannel. Private, and out of its playlist; `reason` is for our own page. Gone there is enough."""
        with self._explained():
            present = videos.read(self._client, address, "status")
            if present is None:
                return
            videos.set_privacy(self._client, present, "private")
            if self._maybe_details is not None and self._maybe_details.playlist:
                videos.take_from_playlist(self._client, address, self._maybe_details.playlist)
            self._check_privacy(address, "private")

    def delete(self, address: str) -> None:
        """See RemoteChannel."""
        with self._explained():
            videos.delete(self._client, address)

    def left_behind(self, stem: str) -> list[str]:
        """See RemoteChannel."""
        with self._explained():
            return videos.hidden_marked(self._client, stem)

    def _upload(self, package: Package, standing: Standing) -> Taking:
        if standing.address:
            yield from self._assure(standing)
            return
        body = {
            "snippet": self._snippet(self._composed(package).text),
            "status": {"privacyStatus": "private", "selfDeclaredMadeForKids": False},
            "recordingDetails": {"recordingDate": _rfc3339(package.recorded_at)},
        }

        def insert(media: MediaUpload) -> HttpRequest:
            return self._client.videos().insert(
                part=",".join(body), notifySubscribers=False, body=body, media_body=media
            )

        shipment = Shipment(
            file=package.files[VIDEO_NAME],
            metadata=body,
            insert=insert,
            find=self._find,
            discard=self._discard,
        )
        video = yield from upload(
            shipment, standing.memory, pace=self._pace, chunks=self._chunks, sleep=self._sleep
        )
        yield Remember(address=video, memory={k: v for k, v in standing.memory.items() if k != MEMORY})

    def _assure(self, standing: Standing) -> Taking:
        if not standing.memory.get(DOUBTED):
            return
        if videos.read(self._client, standing.address, "id") is None:
            yield Gone()
            raise UploadError(
                "Filmen är borttagen på YouTube och skickas på nytt.", patient=True, retry_after=1
            )
        memory = {key: value for key, value in standing.memory.items() if key != DOUBTED}
        yield Remember(address=standing.address, memory=memory)

    def _find(self) -> str | None:
        return videos.find_marked(self._client, self._details.marker)

    def _discard(self, video: str) -> None:
        """Delete what an earlier try made of another file. Only what nobody has ever been shown."""
        present = videos.read(self._client, video, "status")
        if present is not None and present["status"]["privacyStatus"] != "private":
            raise UploadError(
                f"På YouTube visas redan en annan film under samma referens ({video}): ta bort den i YouTube Studio "
                "eller publicera som ny film.",
                permanent=True,
            )
        videos.delete(self._client, video)

    def _set_details(self, package: Package, standing: Standing) -> Taking:
        composed = self._composed(package)
        present = self._read(standing.address, "snippet", "recordingDetails")
        snippet = {**self._snippet(composed.text), "defaultAudioLanguage": self._details.language}
        videos.describe(self._client, present, snippet, {"recordingDate": _rfc3339(package.recorded_at)})
        if composed.chapters_left_out:
            yield Noted(sentence="Kapitlen fick inte plats i beskrivningen på YouTube och lämnades ute.")

    def _set_captions(self, package: Package, standing: Standing) -> Taking:
        for name, file in package.files.items():
            if found := _CAPTIONS.fullmatch(name):
                videos.put_caption(self._client, standing.address, found[1], file)
        yield from ()

    def _set_thumbnail(self, package: Package, standing: Standing) -> Taking:
        if POSTER_NAME in package.files:
            try:
                videos.put_thumbnail(self._client, standing.address, package.files[POSTER_NAME])
            except HttpError as error:
                if reason_of(error) != "forbidden":
                    raise
                raise UploadError(
                    "Kanalen får inte ha egna miniatyrbilder: verifiera dess telefonnummer hos YouTube.",
                    permanent=True,
                ) from None
        yield from ()

    def _set_playlist(self, package: Package, standing: Standing) -> Taking:
        if self._details.playlist:
            videos.put_in_playlist(self._client, standing.address, self._details.playlist)
        yield from ()

    def _wait_for_processed(self, package: Package, standing: Standing) -> Taking:
        """Looks once; the caller comes back. How often it has been here decides how soon."""
        present = self._read(standing.address, "status", "processingDetails")
        status = present["status"]
        rest = {key: value for key, value in standing.memory.items() if key != _POLLS}
        if status["uploadStatus"] in ("failed", "rejected", "deleted"):
            raise failed_processing(status.get("failureReason") or status.get("rejectionReason", ""))
        if status["uploadStatus"] == "processed":
            yield Remember(address=standing.address, memory=rest)
            return
        parts = present.get("processingDetails", {}).get("processingProgress", {})
        if int(parts.get("partsTotal", 0)):
            yield Progress(percent=min(100 * int(parts["partsProcessed"]) / int(parts["partsTotal"]), 100))
        polls = int(standing.memory.get(_POLLS, 0))
        yield Remember(address=standing.address, memory={**rest, _POLLS: polls + 1})
        wait = min(10 * 1.5 ** min(polls, 10), 60) if polls < _OFTEN else 600 if polls < _LONG else 3600
        raise UploadError("YouTube bearbetar filmen.", patient=True, retry_after=wait)

    def _show(self, package: Package, standing: Standing) -> Taking:
        present = self._read(standing.address, "status", "contentDetails")
        if not standing.memory.get("adopted"):
            _check_length(videos.seconds(present), package.duration)
        if present["status"]["privacyStatus"] != self._details.privacy:
            videos.set_privacy(self._client, present, self._details.privacy)
        self._check_privacy(standing.address, self._details.privacy)
        yield from ()

    def _check_privacy(self, address: str, wanted: str) -> None:
        found = self._read(address, "status")["status"]["privacyStatus"]
        if found != wanted:
            raise UploadError(
                f"YouTube visar filmen som {found} fast den ska vara {wanted}: se den i YouTube Studio.",
                retry_after=10,
            )

    def _read(self, address: str, *parts: str) -> videos.Json:
        present = videos.read(self._client, address, *parts)
        if present is None:  # as it is for a moment after the upload, too
            raise UploadError("Filmen finns inte på YouTube: har den tagits bort där?", retry_after=10)
        return present

    def _snippet(self, description: str) -> dict[str, Any]:
        return {
            "title": tidy_title(self._details.title),
            "description": description,
            "categoryId": str(self._details.category),
            "defaultLanguage": self._details.language,
        }

    def _composed(self, package: Package) -> Composed:
        details = self._details
        return compose(details.description, package.chapters, package.duration, details.marker)

    @property
    def _details(self) -> Details:
        if self._maybe_details is None:
            raise UploadError("Det är inte sagt hur filmen ska stå på YouTube.", permanent=True)
        return self._maybe_details

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except MetadataError as error:
            raise UploadError(f"Filmen kan inte läggas på YouTube: {error}.", permanent=True) from None
        except (HttpError, GoogleAuthError, OSError) as error:
            # None: what the client's own errors say may hold a session's address.
            raise explain(error, self._now(), jitter=random.random()) from None  # noqa: S311


def _check_length(found: int, wanted: float) -> None:
    if not found:
        raise UploadError("YouTube har inte mätt filmens längd än.", patient=True, retry_after=30)
    if abs(found - wanted) > SECONDS_OFF:
        raise UploadError(
            f"Filmen är {found} s på YouTube men skulle vara {wanted:.0f} s: den visas inte. Ta bort den i YouTube "
            "Studio och publicera på nytt.",
            permanent=True,
        )


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
