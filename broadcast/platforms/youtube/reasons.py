"""What to do about each way in which YouTube refuses or fails, as a table.

Reasons: https://developers.google.com/youtube/v3/live/docs/errors and …/v3/docs/errors. The reason is read, never the
message. Where a reason is not in the table, the status decides.
"""

from __future__ import annotations

from enum import StrEnum
from http.client import HTTPException

from google.auth.exceptions import GoogleAuthError, RefreshError
from googleapiclient.errors import HttpError

from broadcast.errors import BroadcastError


class Do(StrEnum):
    """What helps."""

    RETRY = "retry"  # passing trouble there or on the way: again, with growing patience
    SLOWER = "slower"  # we ask too often: again, later
    REREAD = (
        "reread"  # it is in another state than we thought, perhaps the wanted one: look before anything else
    )
    AWAIT_STREAM = "await stream"  # it does not see our stream yet
    AWAIT_QUOTA = "await quota"  # until midnight Pacific
    GONE = "gone"  # it is not there (any more)
    PERSON = "person"  # somebody must change something at YouTube or Google; meanwhile seldom asked again
    MISTAKE = "mistake"  # it will never take what we said; meanwhile seldom asked again


class PlatformError(BroadcastError):
    """YouTube did not do what it was asked. The message says what a person can do about it; `do`, what we do."""

    def __init__(self, message: str, do: Do, reason: str = "") -> None:
        super().__init__(message)
        self.do = do
        self.reason = reason
        self.permanent = do in (Do.PERSON, Do.MISTAKE)


QUOTA = (
    "Dagens kvot hos YouTube är slut och kommer tillbaka vid midnatt i Kalifornien (klockan 9): begär större kvot i "
    "Google Cloud om det händer igen."
)
_ENABLE = "slå på livesändning för kanalen på youtube.com/features; första gången tar det upp till ett dygn."
_SLOW = "YouTube tycker att kanalen frågar för ofta: inget behöver göras om det inte varar."
_AGAIN = "YouTube svarar med ett tillfälligt fel: inget behöver göras, nya försök görs hela tiden."
_STATE = "Sändningen på YouTube är i ett annat läge än väntat: titta i YouTube Studio om det varar."
_TIME = "YouTube tar inte sändningens starttid: kontrollera sammanträdets tid och datorns klocka."
_OURS = "YouTube tar inte emot sändningens uppgifter: uppdatera Läktare och läs loggen."

REASONS: dict[str, tuple[Do, str]] = {
    "redundantTransition": (Do.REREAD, _STATE),
    "invalidTransition": (Do.REREAD, _STATE),
    "liveBroadcastBindingNotAllowed": (Do.REREAD, _STATE),
    "liveBroadcastDeletionNotAllowed": (Do.REREAD, _STATE),
    "errorStreamInactive": (Do.AWAIT_STREAM, "YouTube ser ännu inte strömmen."),
    "errorExecutingTransition": (Do.RETRY, _AGAIN),
    "backendError": (Do.RETRY, _AGAIN),
    "internalError": (Do.RETRY, _AGAIN),
    "processingFailure": (Do.RETRY, _AGAIN),
    "quotaExceeded": (Do.AWAIT_QUOTA, QUOTA),
    "dailyLimitExceeded": (Do.AWAIT_QUOTA, QUOTA),
    "rateLimitExceeded": (Do.SLOWER, _SLOW),
    "userRateLimitExceeded": (Do.SLOWER, _SLOW),
    "userRequestsExceedRateLimit": (Do.SLOWER, _SLOW),
    "liveStreamingNotEnabled": (Do.PERSON, f"Kanalen får inte sända live ännu: {_ENABLE}"),
    "insufficientLivePermissions": (
        Do.PERSON,
        "Kontot får inte sända live på kanalen: anslut det igen med laktare connect youtube och kryssa i allt.",
    ),
    "livePermissionBlocked": (
        Do.PERSON,
        "YouTube har spärrat kanalen från att sända live: se varför i YouTube Studio under Kanalstatus.",
    ),
    "concurrentBroadcastsExceedLimit": (
        Do.PERSON,
        "Kanalen har för många sändningar samtidigt: avsluta dem som inte används i YouTube Studio.",
    ),
    "insufficientPermissions": (
        Do.PERSON,
        "Anslutningen till YouTube saknar behörighet: anslut kontot igen med laktare connect youtube.",
    ),
    "youtubeSignupRequired": (
        Do.PERSON,
        "Google-kontot har ingen YouTube-kanal: skapa en och anslut kontot igen med laktare connect youtube.",
    ),
    "accessNotConfigured": (
        Do.PERSON,
        "YouTube Data API är inte påslaget i Google Cloud: slå på det för projektet.",
    ),
    "invalidScheduledStartTime": (Do.MISTAKE, _TIME),
    "invalidScheduledEndTime": (Do.MISTAKE, _TIME),
    "invalidTitle": (Do.MISTAKE, "YouTube tar inte titeln: rätta mötets titel eller mallen under bodies.…youtube."),
    "invalidDescription": (
        Do.MISTAKE,
        "YouTube tar inte beskrivningen: rätta mötets text eller mallen under bodies.…youtube.",
    ),
    "invalidAutoStart": (Do.MISTAKE, _OURS),
    "invalidAutoStop": (Do.MISTAKE, _OURS),
    "invalidEmbedSetting": (Do.MISTAKE, _OURS),
    "invalidPrivacyStatus": (Do.MISTAKE, "YouTube tar inte synligheten: rätta privacy under bodies.…youtube."),
    "liveBroadcastNotFound": (Do.GONE, "Sändningen finns inte längre på YouTube."),
    "liveStreamNotFound": (Do.GONE, "Strömnyckeln finns inte längre på YouTube."),
}  # fmt: skip

_DEAD = (
    "Googles tillstånd för YouTube-kontot gäller inte längre: anslut det igen med laktare connect youtube."
)
_NETWORK = "YouTube går inte att nå: kontrollera nätet och brandväggen om det varar."

ERRORS = (HttpError, GoogleAuthError, OSError, HTTPException, ValueError)
"""What a request raises. ValueError: an answer that is no JSON, such as a proxy's page."""


def rule(error: Exception) -> PlatformError:
    """What a request raised (one of ERRORS), as what to do about it."""
    match error:
        case HttpError():
            return _refused(error)
        case RefreshError() if not error.retryable:
            return PlatformError(_DEAD, Do.PERSON, "invalid_grant")
    return PlatformError(_NETWORK, Do.RETRY, type(error).__name__)


def reason_of(error: HttpError) -> str:
    """Google's own word for why, such as "quotaExceeded"; "" where the answer has none."""
    details = error.error_details
    first = details[0] if isinstance(details, list) and details else {}
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def _refused(error: HttpError) -> PlatformError:
    reason, status = reason_of(error), int(error.status_code)
    if reason in REASONS:
        do, sentence = REASONS[reason]
    elif status >= 500 or status == 408:
        do, sentence = Do.RETRY, _AGAIN
    elif status == 429:
        do, sentence = Do.SLOWER, _SLOW
    elif reason.endswith("ModificationNotAllowed"):
        do, sentence = Do.REREAD, _STATE
    elif status == 404:
        do, sentence = Do.GONE, "Det som frågades efter finns inte på YouTube."
    elif status in (401, 403):
        do, sentence = Do.PERSON, f"YouTube nekar ({reason or status}): kontrollera kanalen i YouTube Studio."
    else:
        do, sentence = Do.MISTAKE, f"YouTube förstår inte begäran ({reason or status}): uppdatera Läktare."
    return PlatformError(sentence, do, reason or str(status))
