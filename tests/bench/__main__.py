"""`make bench`: what Läktare costs, as ratios against plain tools in the same run; a table, and `bench.json`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import live, post, upload, web


def _evening() -> dict[str, Any]:
    """A whole demo meeting: start delay, lost frames, gavel to playable."""
    command = [sys.executable, "-m", "schedules.cli", "demo", "--exit", "--port", "0"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    Path(figures.pop("mp4")).unlink(missing_ok=True)
    return figures


def _rows(path: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [row for key, inner in value.items() for row in _rows(f"{path} {key}".strip(), inner)]
    return [(path, str(value))]


def main() -> None:
    """Measure what is asked for, print it and keep it."""
    parts: dict[str, Callable[[argparse.Namespace], Any]] = {
        "live": lambda given: live.measure(),
        "evening": lambda given: _evening(),
        "post": lambda given: {f"{hours:g} h": post.run(hours, rounds=given.rounds) for hours in given.hours},
        "upload": lambda given: upload.run(rounds=given.rounds),
        "web": lambda given: web.run(),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default=",".join(parts), help="some of: %(default)s")
    parser.add_argument("--hours", type=float, nargs="+", default=[1, 4], help="lengths of the recordings")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    given = parser.parse_args()
    result: dict[str, Any] = {}
    for part in given.parts.split(","):
        result[part] = parts[part](given)
        given.out.write_text(json.dumps(result, indent=2) + "\n")
    table = Table("figure", "value")
    for name, value in _rows("", result):
        table.add_row(name, value)
    Console().print(table)


if __name__ == "__main__":
    main()
