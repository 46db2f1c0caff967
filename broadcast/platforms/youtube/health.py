"""What YouTube says about the stream it gets, as sentences for a person.

https://developers.google.com/youtube/v3/live/docs/liveStreams#status.healthStatus
"""

from __future__ import annotations

from broadcast.platforms.youtube.plan import StreamState

_HEALTH = {
    "bad": "YouTube tar emot sändningen med avbrott: kontrollera nätet, eller sänk video_kbit i inställningarna.",
    "noData": "YouTube får ingen ström: kontrollera nätet; nya försök görs hela tiden.",
    "revoked": "YouTube har stoppat strömmen: se varför i YouTube Studio.",
}
_ISSUES = {
    "videoIngestionStarved": "YouTube får strömmen för långsamt, så att bilden hackar: kontrollera nätet, eller sänk "
    "video_kbit i inställningarna.",
    "videoIngestionFasterThanRealtime": "YouTube får strömmen för fort: kontrollera källan.",
    "bitrateLow": "YouTube tycker att bilden har för låg kvalitet: höj video_kbit i inställningarna.",
    "bitrateHigh": "YouTube tar inte så hög datatakt: sänk video_kbit i inställningarna.",
    "noAudioStream": "YouTube hör inget ljud: kontrollera källan.",
    "noVideoStream": "YouTube ser ingen bild: kontrollera källan.",
    "audioBitrateLow": "YouTube tycker att ljudet har för låg kvalitet: höj audio_kbit i inställningarna.",
    "audioBitrateHigh": "YouTube tar inte så hög datatakt för ljudet: sänk audio_kbit i inställningarna.",
    "gopSizeLong": "YouTube får för sällan en hel bild: kontrollera fps i inställningarna.",
    "gopSizeOver": "YouTube får för sällan en hel bild: kontrollera fps i inställningarna.",
}


def fault_of(state: StreamState) -> str:
    """What must be done about how the stream arrives; "" where it is well."""
    if state.health in _HEALTH:
        return _HEALTH[state.health]
    if not state.issues:
        return ""
    known = next((issue for issue in state.issues if issue in _ISSUES), None)
    return _ISSUES[known] if known else f"YouTube klagar på strömmen ({state.issues[0]}): se YouTube Studio."
