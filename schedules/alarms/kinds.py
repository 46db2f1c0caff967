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
    SLOW_ENCODER = "slow_encoder"  # frames are dropped: the machine is too slow for picture and load
    ENCODER_RESTARTED = "encoder_restarted"  # the encoder died or hung and was started anew
    RECORDING_STOPPED = "recording_stopped"  # nothing is recorded; the live stream goes on
    RECORDING_GAP = "recording_gap"  # some seconds are missing from the recording and cannot come back
    LOW_DISK = "low_disk"  # less room than the settings ask for
    PREFLIGHT = "preflight"  # a check before the meeting found something that would stop or spoil it
    PIPELINE_FAILED = "pipeline_failed"  # a video cannot be finished or published by itself
    REVIEW_WAITING = "review_waiting"  # a finished video waits for a person's approval
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
    AlarmKind.SLOW_ENCODER: "Datorn hinner inte med",
    AlarmKind.ENCODER_RESTARTED: "Kodaren startades om",
    AlarmKind.RECORDING_STOPPED: "Ingenting spelas in",
    AlarmKind.RECORDING_GAP: "Lucka i inspelningen",
    AlarmKind.LOW_DISK: "Disken håller på att ta slut",
    AlarmKind.PREFLIGHT: "Något måste åtgärdas före sammanträdet",
    AlarmKind.PIPELINE_FAILED: "En video kunde inte färdigställas",
    AlarmKind.REVIEW_WAITING: "En video väntar på godkännande",
    AlarmKind.PROCESS_DEAD: "En del av Läktare stannar gång på gång",
    AlarmKind.TELLING_FAILED: "Larm når inte fram",
}


def heading(kind: str) -> str:
    """The words over an alarm; the kind itself for one that a newer version has stored."""
    try:
        return HEADINGS[AlarmKind(kind)]
    except ValueError:
        return kind
