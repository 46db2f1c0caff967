"""One try of the upload in a process of its own, to be killed: `python -m tests.uploader.uploading ORDER.json`.

The order: url and sign_on of the stand-in, video, ledger (where the house writes), chunk_bytes, bytes_per_second.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.uploader.delivery import DETAILS, Ledger, client_for, fixed, make_package
from uploader.channels.youtube import YouTubeChannel
from uploader.pace import Pace


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text())
    channel = YouTubeChannel(
        client_for(order["url"], order["sign_on"]),
        DETAILS,
        Pace(bytes_per_second=order["bytes_per_second"]),
        chunks=fixed(order["chunk_bytes"]),
    )
    Ledger(Path(order["ledger"])).take(channel, "upload", make_package(Path(order["video"])))


if __name__ == "__main__":
    main()
