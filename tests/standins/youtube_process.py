"""The stand-in as a process of its own: prints where it is and serves until SIGTERM.

The folder gets `ca.pem`, `client_secrets.json` and the files that are uploaded.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from tests.standins.youtube import YouTube


def main() -> None:
    """The command line of `python -m tests.standins.youtube`."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins.youtube")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--no-ingest", action="store_true", help="without nginx: packets are told over /_standin/call"
    )
    parser.add_argument("--account", action="append", default=[], metavar="NAME=TITLE")
    given = parser.parse_args()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    with YouTube(given.folder, port=given.port, ingest=not given.no_ingest) as youtube:
        for pair in given.account or ["kommunen=Provköpings kommun"]:
            name, _, title = pair.partition("=")
            youtube.add_account(name, title=title or name)
        secrets = youtube.write_client_secrets(given.folder / "client_secrets.json")
        told = {"url": youtube.url, "ca_file": str(youtube.ca_file), "client_secrets": str(secrets)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        ended.wait()
