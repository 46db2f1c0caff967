"""ffmpeg and what it can do, the front end's file, and the processes that should be running."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

from broadcast.abilities import NEEDED, WANTED, listed, missing
from broadcast.errors import BroadcastError, FfmpegMissing
from broadcast.ffmpeg import find_ffmpeg
from schedules.findings import Finding, fault, warning, well
from schedules.locks import is_held
from schedules.settings import Settings

STALE_SECONDS = 30.0  # the scheduler touches its heartbeat every second or two


def check_ffmpeg(chosen: Path | None, settings: Settings | None) -> list[Finding]:
    """Which ffmpeg is used and whether it can do what is needed here."""
    part = "ffmpeg"
    try:
        ffmpeg = find_ffmpeg(chosen)
        lacking, useful = missing(ffmpeg, NEEDED), missing(ffmpeg, WANTED)
        devices = listed(ffmpeg, "devices") if _uses(settings, "v4l2") else frozenset({"v4l2", "alsa"})
    except FfmpegMissing:
        where = f"Det ffmpeg som är inställt ({chosen})" if chosen else "Inget ffmpeg"
        verb = "svarar inte eller är äldre än 5.1" if chosen else "av version 5.1 eller nyare finns"
        return [
            fault(
                part, f"{where} {verb}: installera ffmpeg 5.1 eller nyare, eller ta bort `ffmpeg` ur filen."
            )
        ]
    except BroadcastError as error:
        return [fault(part, f"ffmpeg fungerar inte ({error}): installera om det.")]
    lacking += [name for name in useful if _uses(settings, name)]
    lacking += [f"enheten {name}" for name in ("v4l2", "alsa") if name not in devices]
    if lacking:
        text = f"{ffmpeg} saknar {', '.join(lacking)}: installera distributionens fullständiga ffmpeg."
        return [fault(part, text)]
    if useful:
        return [
            warning(part, f"{ffmpeg} saknar {', '.join(useful)}, som vissa plattformar och källor kräver.")
        ]
    return [well(part, f"{ffmpeg} kan allt som behövs.")]


def _uses(settings: Settings | None, kind: str) -> bool:
    return settings is not None and any(source.kind == kind for source in settings.sources.values())


def check_front_end() -> Finding:
    """The player's script for live HLS, which is fetched when Läktare is built."""
    part = "webbspelare"
    spec = find_spec("web")  # found, not imported: this room knows nothing of what is in there
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    files = [Path(folder) / "static" / "vendor" / "hls.min.js" for folder in folders]
    if any(file.is_file() and file.stat().st_size > 0 for file in files):
        return well(part, "Spelarens skript för direktsändning finns.")
    return fault(
        part, "Spelarens skript hls.min.js saknas, så direktsändning syns bara i Safari: kör make setup."
    )


def check_running(settings: Settings) -> list[Finding]:
    """Web, scheduler and worker. That they do not run is a warning: a check before the first start is no fault."""
    return [_scheduler(settings), _worker(settings), _web(settings)]


def _scheduler(settings: Settings) -> Finding:
    part = "schemaläggare"
    folder = settings.data / "run"
    try:
        age = time.time() - (folder / "scheduler.heartbeat").stat().st_mtime
    except OSError:
        age = float("inf")
    if age < STALE_SECONDS:
        return well(part, "Schemaläggaren är igång.")
    # Asked only now: to ask is to hold the lock for an instant.
    if is_held(folder / "scheduler.lock"):
        return fault(part, "Schemaläggaren har hängt sig: starta om laktare run.")
    return warning(part, f"Schemaläggaren är inte igång, så inget sammanträde sänds av sig självt. {_START}")


def _worker(settings: Settings) -> Finding:
    part = "arbetare"
    from schedules.worker import worker_runs  # not above: it brings all of DBOS with it

    if worker_runs(settings):
        return well(part, "Arbetaren som färdigställer video är igång.")
    return warning(part, f"Arbetaren är inte igång, så inga inspelningar färdigställs. {_START}")


def _web(settings: Settings) -> Finding:
    part = "webbplats"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.site.host, settings.site.host)  # noqa: S104
    if settings.site.port == 0:
        return warning(part, "Webbplatsen får en ny port vid varje start: ställ in site.port.")
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.site.port}/status", timeout=5):
            return well(part, f"Webbplatsen svarar på {settings.address}.")
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.SERVICE_UNAVAILABLE:
            return fault(part, "Webbplatsen svarar men säger att något är fel: se de andra raderna här.")
        return fault(part, f"Något annat än Läktare svarar på port {settings.site.port}: byt site.port.")
    except (OSError, http.client.HTTPException):
        return warning(part, f"Webbplatsen svarar inte på port {settings.site.port}. {_START}")


_START = "Starta med laktare run."
