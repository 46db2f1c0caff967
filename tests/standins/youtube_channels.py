"""The methods of channels, search and the Analytics report."""

from __future__ import annotations

import re
from datetime import date

from tests.standins.youtube_call import Call, handles
from tests.standins.youtube_errors import Json, Refusal
from tests.standins.youtube_oauth import Account
from tests.standins.youtube_videos import Video

METRICS = {
    "views": "INTEGER", "estimatedMinutesWatched": "INTEGER", "averageViewDuration": "INTEGER",
    "averageConcurrentViewers": "FLOAT", "peakConcurrentViewers": "INTEGER",
}  # fmt: skip
DIMENSIONS = {"video": "STRING", "day": "STRING", "liveOrOnDemand": "STRING", "livestreamPosition": "INTEGER"}


@handles("youtube.channels.list")
def channels(call: Call) -> Json:
    """By mine or id."""
    by = call.one_filter("mine", "id", "forHandle", "forUsername", "managedByMe", "mySubscribers")
    if by == "mine":
        found = [call.account]
    else:
        found = [
            a for a in call.youtube.sign_on.accounts.values() if a.channel_id in call.parameters.get("id", ())
        ]
    return call.page([_channel(call, account) for account in found])


def _channel(call: Call, account: Account) -> Json:
    videos = [video for video in call.youtube.videos.values() if video.account is account]
    return {
        "kind": "youtube#channel", "etag": "etag", "id": account.channel_id,
        "snippet": {
            "title": account.title, "description": "", "customUrl": f"@{account.name}",
            "localized": {"title": account.title, "description": ""},
        },
        "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": account.uploads}},
        "status": {
            "privacyStatus": "public", "isLinked": True, "longUploadsStatus": account.long_uploads,
            "madeForKids": False,
        },
        "statistics": {
            "viewCount": str(sum(video.views for video in videos)), "subscriberCount": "0",
            "hiddenSubscriberCount": False, "videoCount": str(len(videos)),
        },
    }  # fmt: skip


@handles("youtubeAnalytics.reports.query")
def report(call: Call) -> Json:
    """One row per video asked for, or one for the channel; no `rows` at all where there is nothing to tell.

    https://developers.google.com/youtube/analytics/reference/reports/query. Only the metrics and dimensions that this
    stand-in knows are taken.
    """
    for name in ("ids", "startDate", "endDate", "metrics"):
        if name not in call.parameters:
            raise Refusal(400, "required", f"Required parameter: {name}")
    if call.parameters["ids"] not in ("channel==MINE", f"channel=={call.account.channel_id}"):
        raise Refusal(403, "forbidden", "Forbidden")
    metrics = call.parameters["metrics"].split(",")
    dimensions = [name for name in call.parameters.get("dimensions", "").split(",") if name]
    if set(metrics) - METRICS.keys() or set(dimensions) - DIMENSIONS.keys():
        raise Refusal(400, "badRequest", "The query is not supported.")
    videos = _reported(call)
    rows = [[_cell(name, video) for name in (*dimensions, *metrics)] for video in videos]
    if "video" not in dimensions and len(rows) > 1 and not dimensions:
        rows = [[sum(column) for column in zip(*rows, strict=True)]]
    answer: Json = {
        "kind": "youtubeAnalytics#resultTable",
        "columnHeaders": [
            {"name": name, "columnType": "DIMENSION" if name in DIMENSIONS else "METRIC",
             "dataType": {**DIMENSIONS, **METRICS}[name]}
            for name in (*dimensions, *metrics)
        ],
    }  # fmt: skip
    return {**answer, "rows": rows} if rows else answer


def _reported(call: Call) -> list[Video]:
    """The account's videos that the filter names, published before the end and ever looked at."""
    try:
        begin, end = (
            date.fromisoformat(call.parameters["startDate"]),
            date.fromisoformat(call.parameters["endDate"]),
        )
    except ValueError as error:
        raise Refusal(400, "badRequest", "dates are written YYYY-MM-DD") from error
    if begin > end:
        raise Refusal(400, "badRequest", "startDate is after endDate")
    wanted = None
    for part in filter(None, call.parameters.get("filters", "").split(";")):
        found = re.fullmatch(r"video==([\w,-]+)|liveOrOnDemand==(LIVE|ON_DEMAND)", part)
        if found is None:
            raise Refusal(400, "badRequest", f"unknown filter: {part}")
        wanted = found[1].split(",") if found[1] else wanted
    return [
        video
        for video in call.youtube.videos.values()
        if video.account is call.account
        and video.views
        and video.published.date() <= end
        and (wanted is None or video.id in wanted)
    ]


def _cell(name: str, video: Video) -> object:
    return {
        "video": video.id, "day": video.published.date().isoformat(), "livestreamPosition": 0,
        "liveOrOnDemand": "LIVE" if video.broadcast else "ON_DEMAND", "views": video.views,
        "estimatedMinutesWatched": video.minutes_watched, "peakConcurrentViewers": video.peak_viewers,
        "averageViewDuration": video.minutes_watched * 60 // max(video.views, 1),
        "averageConcurrentViewers": round(video.peak_viewers * 0.7, 1),
    }[name]  # fmt: skip
