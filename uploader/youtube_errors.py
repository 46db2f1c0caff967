"""What YouTube's refusals mean: whether a person is needed, how long to wait, and a sentence for the person.

Reasons: https://developers.google.com/youtube/v3/docs/errors and https://developers.google.com/youtube/v3/docs
(each method's own). Pure: an error and a time in, an UploadError out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from google.auth.exceptions import GoogleAuthError, RefreshError
from googleapiclient.errors import HttpError

from uploader.errors import UploadError

PACIFIC = ZoneInfo("America/Los_Angeles")  # the quota's day
DAY = 86_400.0
RECONNECT = "Anslut kanalen på nytt: laktare connect youtube."


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What to do about one reason. `at_midnight`: wait until the quota's next day instead of `retry_after`."""

    sentence: str
    permanent: bool = False
    patient: bool = False
    retry_after: float | None = None
    at_midnight: bool = False


def _person(sentence: str) -> Remedy:
    return Remedy(sentence=sentence, permanent=True)


_QUOTA = Remedy(
    sentence="Dagens kvot hos YouTube är slut; Läktare fortsätter när den fylls på vid midnatt i Kalifornien.",
    patient=True, at_midnight=True,
)  # fmt: skip
_RATE = Remedy(
    sentence="YouTube vill ha färre anrop i minuten; Läktare väntar och fortsätter.",
    patient=True,
    retry_after=30,
)
_MISSING = Remedy(sentence="YouTube hittar inte filmen; Läktare försöker igen.", retry_after=10)
_NOT_ALLOWED = _person(f"Anslutningen till YouTube får inte göra detta med kanalen. {RECONNECT}")
_CLOSED = _person("YouTube-kontot är stängt eller avstängt: logga in på YouTube och se vad som krävs.")
_TOO_MUCH_TEXT = "Ändra mallen under youtube i inställningarna eller sammanträdets text."
_CAPTIONS = _person("YouTube tog inte emot textningen: kontrollera undertextfilen.")

REMEDIES: dict[str, Remedy] = {
    "quotaExceeded": _QUOTA,
    "dailyLimitExceeded": _QUOTA,
    "uploadLimitExceeded": Remedy(
        sentence="Kanalen har laddat upp så många filmer som YouTube tillåter på ett dygn; Läktare försöker igen "
        "om ett dygn.",
        patient=True, retry_after=DAY,
    ),
    "uploadRateLimitExceeded": Remedy(
        sentence="Kanalen har bytt miniatyrbild så ofta som YouTube tillåter på ett dygn; Läktare försöker igen om "
        "ett dygn.",
        patient=True, retry_after=DAY,
    ),
    "rateLimitExceeded": _RATE,
    "userRateLimitExceeded": _RATE,
    "userRequestsExceedRateLimit": _RATE,
    "notFound": _MISSING,
    "videoNotFound": _MISSING,
    "captionNotFound": _MISSING,
    "playlistItemNotFound": _MISSING,
    "playlistNotFound": _person("Spellistan finns inte på YouTube: rätta dess id under youtube i inställningarna."),
    "playlistContainsMaximumNumberOfVideos": _person("Spellistan på YouTube är full: välj en annan i inställningarna."),
    "playlistItemsNotAccessible": _NOT_ALLOWED,
    "forbidden": _NOT_ALLOWED,
    "insufficientPermissions": _NOT_ALLOWED,
    "channelNotFound": _NOT_ALLOWED,
    "youtubeSignupRequired": _person("Google-kontot har ingen YouTube-kanal: skapa en och anslut på nytt."),
    "accessNotConfigured": _person("YouTube Data API v3 är inte påslaget i Googles projekt: slå på det där."),
    "accountClosed": _CLOSED,
    "accountSuspended": _CLOSED,
    "channelClosed": _CLOSED,
    "channelSuspended": _CLOSED,
    "invalidTitle": _person(f"YouTube godtar inte filmens titel. {_TOO_MUCH_TEXT}"),
    "invalidDescription": _person(f"YouTube godtar inte filmens beskrivning. {_TOO_MUCH_TEXT}"),
    "invalidTags": _person("YouTube godtar inte filmens taggar: rätta dem i YouTube Studio."),
    "invalidCategoryId": _person("YouTube godtar inte kategorin: rätta category under youtube i inställningarna."),
    "invalidVideoMetadata": _person(f"YouTube godtar inte filmens uppgifter. {_TOO_MUCH_TEXT}"),
    "invalidRecordingDetails": _person("YouTube godtar inte filmens inspelningsdatum: rätta sammanträdets tid."),
    "defaultLanguageNotSet": _person("YouTube saknar filmens språk: rätta language under youtube i inställningarna."),
    "invalidImage": _person("YouTube godtar inte miniatyrbilden: lägg upp en annan i YouTube Studio."),
    "contentRequired": _CAPTIONS,
    "invalidMetadata": _CAPTIONS,
    "nameTooLong": _CAPTIONS,
    "videoTooLong": _person("Filmen är för lång för kanalen: verifiera kanalens telefonnummer hos YouTube."),
}  # fmt: skip

# videos.status.failureReason and rejectionReason
PROCESSING: dict[str, str] = {
    "conversion": "den gick inte att omvandla",
    "invalidFile": "filen är ingen film som YouTube kan läsa",
    "emptyFile": "filen är tom",
    "tooSmall": "filen är för liten",
    "codec": "den är kodad på ett sätt som YouTube inte kan läsa",
    "uploadAborted": "uppladdningen avbröts",
    "copyright": "den innehåller upphovsrättsskyddat material",
    "inappropriate": "YouTube anser innehållet olämpligt",
    "duplicate": "samma film finns redan på kanalen",
    "termsOfUse": "den bryter mot YouTubes villkor",
    "uploaderAccountSuspended": "kontot är avstängt",
    "uploaderAccountClosed": "kontot är stängt",
    "length": "den är för lång: verifiera kanalens telefonnummer hos YouTube",
    "claim": "någon annan gör anspråk på innehållet",
    "trademark": "den innehåller ett skyddat varumärke",
    "legal": "den strider mot lag enligt YouTube",
}


def explain(error: Exception, now: datetime, *, jitter: float = 0.0) -> UploadError:
    """What one of the client's errors means: HttpError, GoogleAuthError or OSError.

    `jitter`, 0 to 1, spreads the waits after a rate limit: many asked to come back do not all come at once.
    Neither the message nor the error holds on to the client's own error: its text may show a session URI.
    """
    if isinstance(error, HttpError):
        return _refused(error, now, jitter)
    if isinstance(error, RefreshError) and not getattr(error, "retryable", False):
        return UploadError(f"YouTube godtar inte längre kanalens inloggning. {RECONNECT}", permanent=True)
    if isinstance(error, GoogleAuthError):
        return UploadError("Googles inloggning svarar inte; Läktare försöker igen.")
    if isinstance(error, OSError) and error.filename is not None:  # a file of ours: the network has none
        return UploadError(f"Filen {error.filename} kan inte läsas: {error.strerror}.", permanent=True)
    return UploadError("YouTube svarar inte eller förbindelsen bröts; Läktare försöker igen.")


def reason_of(error: HttpError) -> str:
    """Google's word for why, such as "quotaExceeded"; empty where there is none."""
    details = error.error_details
    if isinstance(details, list) and details and isinstance(details[0], dict):
        return str(details[0].get("reason", ""))
    return ""


def failed_processing(reason: str) -> UploadError:
    """YouTube has given the video up; `reason` is its failureReason or rejectionReason."""
    why = PROCESSING.get(reason, f"skälet är {reason}" if reason else "utan att säga varför")
    return UploadError(
        f"YouTube kunde inte ta emot filmen: {why}. Se den i YouTube Studio, ta bort den där och publicera på nytt.",
        permanent=True,
    )


def told_to_wait(error: Exception) -> float | None:
    """Seconds of a Retry-After header; None without one."""
    told = error.resp.get("retry-after", "") if isinstance(error, HttpError) else ""
    return float(told) if told.isdigit() else None


def until_midnight_pacific(now: datetime) -> float:
    """Seconds from `now` (aware) to the beginning of the quota's next day."""
    here = now.astimezone(PACIFIC)
    tomorrow = datetime.combine(here.date() + timedelta(days=1), datetime.min.time(), tzinfo=PACIFIC)
    return (tomorrow.astimezone(now.tzinfo) - now).total_seconds()


def _refused(error: HttpError, now: datetime, jitter: float) -> UploadError:
    reason, status = reason_of(error), int(error.resp.status)
    known = REMEDIES.get(reason)
    if known is None:
        known = _by_status(status, reason)
    wait = until_midnight_pacific(now) if known.at_midnight else known.retry_after
    if known is _RATE and wait is not None:
        wait *= 1 + jitter
    told = told_to_wait(error)
    if told is not None:
        wait = max(wait or 0.0, told)
    return UploadError(known.sentence, permanent=known.permanent, patient=known.patient, retry_after=wait)


def _by_status(status: int, reason: str) -> Remedy:
    if status == 429:
        return _RATE
    if status == 404:
        return _MISSING
    if status == 401:
        return Remedy(sentence="YouTube godtog inte inloggningen den här gången; Läktare försöker igen.")
    if status >= 500 or status == 408:
        return Remedy(sentence=f"YouTube har ett fel hos sig ({status}); Läktare försöker igen.")
    return _person(f"YouTube tog inte emot anropet ({status} {reason}). Se filmen i YouTube Studio.")
