"""What can be alarmed about, and the few words that head the message."""

from enum import StrEnum


class AlarmKind(StrEnum):
    """What has happened, or has not happened though it should have."""

    NOT_ON_AIR = "not_on_air"  # a meeting that should be on air and is not, whatever the cause
    LIVE_PROCESS_DEAD = "live_process_dead"  # the process that has a meeting on air gives no sign of life
    SOURCE_LOST = "source_lost"  # no picture comes from the camera
    SILENCE = "silence"  # the room is on air and nothing is heard
    BLACK = "black"  # the room is on air and the picture is black
    FROZEN = "frozen"  # the room is on air and the picture stands still
    LINK_LOST = "link_lost"  # a platform does not take our stream
    PLATFORM_TROUBLE = "platform_trouble"  # a platform cannot be told what to do; the stream goes on
    STREAM_HEALTH = "stream_health"  # a platform gets our stream and is not content with it
    NOT_TAKEN = "not_taken"  # a platform takes our stream and shows nothing of it
    BROADCAST_ENDED = "broadcast_ended"  # somebody ended or deleted the broadcast there during the meeting
    NOT_ANNOUNCED = (
        "not_announced"  # a broadcast there cannot be made, or told what has changed in the calendar
    )
    BROADCAST_LEFT = "broadcast_left"  # a broadcast there should be over or gone, and is not
    SLOW_ENCODER = "slow_encoder"  # frames are dropped: the machine is too slow for picture and load
    ENCODER_RESTARTED = "encoder_restarted"  # the encoder died or hung and was started anew
    RECORDING_STOPPED = "recording_stopped"  # nothing is recorded; the live stream goes on
    RECORDING_GAP = "recording_gap"  # some seconds are missing from the recording and cannot come back
    LOW_DISK = "low_disk"  # less room than the settings ask for
    PREFLIGHT = "preflight"  # a check before the meeting found something that would stop or spoil it
    PIPELINE_FAILED = "pipeline_failed"  # a video cannot be finished or published by itself
    PUBLICATION_WAITS = (
        "publication_waits"  # nothing is wrong here, but another service makes a film wait for hours
    )
    PUBLICATION_INCOMPLETE = (
        "publication_incomplete"  # a film stands elsewhere without its captions, picture or list
    )
    STILL_PUBLIC = "still_public"  # a film that was withdrawn here can still be seen elsewhere
    REVIEW_WAITING = "review_waiting"  # a finished video waits for a person's approval
    ACCOUNT_DEAD = "account_dead"  # a connection to another service does not hold any more
    ACCOUNT_DYING = "account_dying"  # and one that will not in some days, whatever is done
    ACCOUNT_UNREACHABLE = "account_unreachable"  # the service has not been reached for a day
    PROCESS_DEAD = "process_dead"  # web, scheduler or worker keeps dying
    TELLING_FAILED = "telling_failed"  # a receiver of alarms cannot be reached


HEADINGS: dict[AlarmKind, str] = {
    AlarmKind.NOT_ON_AIR: "Sammanträdet är inte i sändning",
    AlarmKind.LIVE_PROCESS_DEAD: "Sändningen svarar inte",
    AlarmKind.SOURCE_LOST: "Ingen bild från källan",
    AlarmKind.SILENCE: "Inget ljud hörs",
    AlarmKind.BLACK: "Bilden är svart",
    AlarmKind.FROZEN: "Bilden står stilla",
    AlarmKind.LINK_LOST: "En plattform tar inte emot sändningen",
    AlarmKind.PLATFORM_TROUBLE: "En plattform gör inte som den ska",
    AlarmKind.STREAM_HEALTH: "Sändningen kommer dåligt fram",
    AlarmKind.NOT_TAKEN: "Sändningen syns inte fast den skickas",
    AlarmKind.BROADCAST_ENDED: "Sändningen har avslutats på plattformen",
    AlarmKind.NOT_ANNOUNCED: "Sändningen är inte upplagd som den ska",
    AlarmKind.BROADCAST_LEFT: "En sändning står kvar på plattformen",
    AlarmKind.SLOW_ENCODER: "Datorn hinner inte med",
    AlarmKind.ENCODER_RESTARTED: "Kodaren startades om",
    AlarmKind.RECORDING_STOPPED: "Ingenting spelas in",
    AlarmKind.RECORDING_GAP: "Lucka i inspelningen",
    AlarmKind.LOW_DISK: "Disken håller på att ta slut",
    AlarmKind.PREFLIGHT: "Något måste åtgärdas före sammanträdet",
    AlarmKind.PIPELINE_FAILED: "En video kunde inte färdigställas",
    AlarmKind.PUBLICATION_WAITS: "En publicering får vänta",
    AlarmKind.PUBLICATION_INCOMPLETE: "Något saknas på en publicerad video",
    AlarmKind.STILL_PUBLIC: "En tillbakadragen video kan fortfarande ses",
    AlarmKind.REVIEW_WAITING: "En video väntar på godkännande",
    AlarmKind.ACCOUNT_DEAD: "Anslutningen till YouTube håller inte",
    AlarmKind.ACCOUNT_DYING: "Anslutningen till YouTube dör snart",
    AlarmKind.ACCOUNT_UNREACHABLE: "YouTube går inte att nå",
    AlarmKind.PROCESS_DEAD: "En del av Läktare stannar gång på gång",
    AlarmKind.TELLING_FAILED: "Larm når inte fram",
}


def heading(kind: str) -> str:
    """The words over an alarm; the kind itself for one that a newer version has stored."""
    try:
        return HEADINGS[AlarmKind(kind)]
    except ValueError:
        return kind
