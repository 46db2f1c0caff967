"""The ways broadcasting fails, each saying in its docstring when it is raised."""


class BroadcastError(Exception):
    """Something about picture, sound or a live platform is wrong. The message is one sentence for a person.

    `permanent`: trying again without a person's hand cannot help.
    """

    permanent = False


class FfmpegMissing(BroadcastError):
    """No usable ffmpeg was found on this machine."""

    permanent = True


class MediaError(BroadcastError):
    """A file is no video, is cut off, has no sound, or is empty."""

    permanent = True


class RenderError(BroadcastError):
    """ffmpeg could not make the rendition; the message holds the last thing it said."""


class SourceError(BroadcastError):
    """A source gives no picture or no sound."""


class NotReady(BroadcastError):
    """There is nowhere to send yet: the platform has not said where. Nobody need be told."""
