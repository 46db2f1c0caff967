"""One AAC channel as two that are equal, without encoding twice.

A recording with one microphone has two equal channels, and a viewer's two loudspeakers want both (a single channel
would be measured, and often played, 3 dB apart from every other film). AAC can say "left = middle + side, right =
middle - side"; with an empty side both are the one channel that was encoded. So each packet's single channel element
is rewritten as a channel pair element: half the encoder's work, the same samples (ISO/IEC 14496-3, 4.4.2.1,
tables 4.4 to 4.6).
"""

from __future__ import annotations

HEADER = 7  # bytes of an ADTS header without checksum
EIGHT_SHORT = 2  # window sequence
SINGLE, PAIR, END = 0b000, 0b001, 0b111  # kinds of elements
MIDDLE_SIDE_EVERYWHERE = 0b10


def doubled(packet: bytes) -> bytes:
    """The ADTS packet of one channel, as one of two equal channels.

    Raises ValueError for a packet that is not one single channel element (ffmpeg's encoder must write "bitexact", or
    it puts its name in front).
    """
    body = packet[HEADER:]
    bits, value = len(body) * 8, int.from_bytes(body, "big")
    if value >> (bits - 3) != SINGLE or not value:
        raise ValueError("the packet does not begin with a single channel")
    short = value >> (bits - 18) & 0b11 == EIGHT_SHORT
    info_bits = 15 if short else 11
    info_end = bits - 15 - info_bits
    info = value >> info_end & ((1 << info_bits) - 1)
    gain = value >> (bits - 15) & 0xFF
    # Behind the end mark there are only zeros, so its last bit is the last bit that is set.
    behind = (value & -value).bit_length() - 1 + 3
    rest = (value & ((1 << info_end) - 1)) >> behind
    side, side_bits = _empty_channel(info, short=short)
    made = PAIR << 5 | 1  # element number 0; one window for both
    made = (made << info_bits | info) << 2 | MIDDLE_SIDE_EVERYWHERE
    made = (made << 8 | gain) << (info_end - behind) | rest
    made = (made << side_bits | side) << 3 | END
    length = 8 + info_bits + 2 + 8 + (info_end - behind) + side_bits + 3
    padding = -length % 8
    return _header(packet, (length + padding) // 8) + (made << padding).to_bytes(
        (length + padding) // 8, "big"
    )


def _empty_channel(info: int, *, short: bool) -> tuple[int, int]:
    """(bits, their number) of a channel in which every band is zero, for windows as `info` says."""
    bands = info >> 7 & 0xF if short else info >> 1 & 0x3F
    groups = 8 - (info & 0x7F).bit_count() if short else 1
    step_bits = 3 if short else 5
    escape = (1 << step_bits) - 1
    made, length = 0, 8  # global gain
    for _ in range(groups if bands else 0):
        made, length, left = made << 4, length + 4, bands  # codebook 0: zeros
        while left >= escape:
            made, length, left = made << step_bits | escape, length + step_bits, left - escape
        made, length = made << step_bits | left, length + step_bits
    return made << 3, length + 3  # no pulses, no noise shaping, no gain control


def _header(packet: bytes, body: int) -> bytes:
    """The packet's ADTS header for two channels and a body of so many bytes."""
    length = HEADER + body
    return bytes(
        (
            packet[0], packet[1], packet[2] & 0xFE,
            2 << 6 | packet[3] & 0x3C | length >> 11, length >> 3 & 0xFF, (length & 7) << 5 | packet[5] & 0x1F,
            packet[6],
        )
    )  # fmt: skip
