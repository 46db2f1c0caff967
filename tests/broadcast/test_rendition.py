"""From a recording to a film: which frames, which sound, and that nothing half is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from broadcast.cuts import Chapter, Cut, automatic_cuts
from broadcast.errors import MediaError, RenderError
from broadcast.ffmpeg import find_ffmpeg
from broadcast.ledger import RECORDING_NAME, read_ledger
from broadcast.loudness import integrated
from broadcast.media import probe
from broadcast.progress import Progress
from broadcast.rendition import Rendered, render
from tests.standins.recorder import Scene, momentary, picture, record
from tests.standins.viewer import boxes, frames, out_of_step, ranges, secret_heard, sound

MEETING = (
    Scene(4.2, "waiting"), Scene(9.44), Scene(3.2, "adjourned"), Scene(6.6), Scene(3, "closed"), Scene(5),
    Scene(1.6, "gap"), Scene(7), Scene(3, "over"),
)  # fmt: skip
CHAPTERS = (
    Chapter(4.5, "Val av justerare"),
    Chapter(15, "Paus"),
    Chapter(18, "Budget & mål"),
    Chapter(35, "Övrigt"),
)


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("möte, nr 1: 'kväll'"), MEETING)


def made(
    original: Path,
    out: Path,
    *,
    cuts: Sequence[Cut] = (),
    chapters: Sequence[Chapter] = (),
    exact: bool = False,
    title: str = "",
) -> Rendered:
    steps = list(
        render(
            original, cuts=cuts, chapters=chapters, out=out, ffmpeg=find_ffmpeg(), exact=exact, title=title
        )
    )
    percents = [step.percent for step in steps if isinstance(step, Progress)]
    assert percents == sorted(percents)
    assert all(0 <= percent <= 100 for percent in percents)
    assert list(out.parent.glob(f"{out.name}.*")) == []
    last = steps[-1]
    assert isinstance(last, Rendered)
    return last


def numbers(film: Path) -> list[tuple[int, int]]:
    return ranges([number for _, number in frames(film)])


def test_a_meeting_is_cut_at_keyframes(meeting: Path, tmp_path: Path) -> None:
    ledger = read_ledger(meeting)
    film = tmp_path / "film.mp4"
    result = made(meeting, film, cuts=automatic_cuts(ledger), chapters=CHAPTERS, title="Fullmäktige")
    keys = [frame for frame, _ in ledger.keyframes]
    expected = [
        (105, max(k for k in keys if k <= 341)), (421, max(k for k in keys if k <= 586)), (661, 786),
        (826, max(k for k in keys if k <= 1001)),
    ]  # fmt: skip
    assert numbers(film) == expected
    times = [second for second, _ in frames(film)]
    assert np.diff(times) == pytest.approx(0.04, abs=1e-4)
    assert times[0] == 0
    assert result.duration == pytest.approx(sum(b - a for a, b in expected) / 25, abs=0.03)
    assert result.loudness == pytest.approx(-16, abs=1)


def test_nothing_of_the_closed_session_is_heard(meeting: Path, tmp_path: Path) -> None:
    assert secret_heard(meeting / RECORDING_NAME) > 0.4  # it was recorded, to make the test worth something
    for exact in (False, True):
        film = tmp_path / f"{exact}.mp4"
        made(meeting, film, cuts=automatic_cuts(read_ledger(meeting)), exact=exact)
        assert secret_heard(film) < 0.01
        closed = range(586, 661)
        assert not [number for _, number in frames(film) if number in closed]


def test_sound_and_picture_stay_together_over_every_cut(meeting: Path, tmp_path: Path) -> None:
    cuts = [Cut(0, 4.2, "head"), *(Cut(5 + 2 * n, 5.4 + 2 * n, "x") for n in range(4)), Cut(13, 17.5, "y")]
    cuts.append(Cut(23, 27, "z"))
    film = tmp_path / "film.mp4"
    made(meeting, film, cuts=cuts, exact=True)
    assert len(numbers(film)) == 8
    late = out_of_step(film)
    assert len(late) >= 15
    assert max(map(abs, late)) < 1.0


def test_to_the_frame(meeting: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    cuts = [
        Cut(0, 5.12, "a"),
        Cut(6.0, 6.04, "one frame"),
        Cut(10.4, 17.52, "b"),
        Cut(20, 30, "c"),
        Cut(42.0, 44, "d"),
    ]
    result = made(meeting, film, cuts=cuts, exact=True)
    assert numbers(film) == [(128, 150), (151, 260), (438, 500), (750, 786), (826, 1050)]
    assert [(cut.start, cut.end) for cut in result.cuts][:2] == [(0, 5.12), (6.0, 6.04)]


def test_a_picture_that_is_partly_in_a_cut_goes(meeting: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    made(meeting, film, cuts=[Cut(0, 5.13, "a"), Cut(7.55, 8.01, "b")], exact=True)
    assert numbers(film)[:2] == [(129, 188), (201, 786)]


def test_it_is_ready_to_stream(meeting: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    made(meeting, film, cuts=[Cut(0, 4.2, "head")])
    order = boxes(film)
    assert order.index("moov") < order.index("mdat")
    assert b"elst" not in film.read_bytes()


def test_an_index_that_was_guessed_too_small_is_written_again(
    meeting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadcast.splice.BYTES_IN_INDEX", 0)
    monkeypatch.setattr("broadcast.splice.INDEX_BASE", 64)
    film = tmp_path / "film.mp4"
    made(meeting, film, cuts=[Cut(0, 4.2, "head")])
    order = boxes(film)
    assert order.index("moov") < order.index("mdat")
    assert numbers(film)[0] == (105, 786)


def test_chapters_and_title_are_in_the_file(meeting: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    result = made(
        meeting,
        film,
        cuts=automatic_cuts(read_ledger(meeting)),
        chapters=CHAPTERS,
        title="Fullmäktige i Åsele",
    )
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_chapters", "-show_format", film],
        capture_output=True,
        check=True,
    )
    facts = json.loads(said.stdout)
    assert facts["format"]["tags"]["title"] == "Fullmäktige i Åsele"
    seen = [(float(c["start_time"]), c["tags"]["title"]) for c in facts["chapters"]]
    assert seen == [(chapter.start, chapter.title) for chapter in result.chapters]
    assert [title for _, title in seen] == ["Val av justerare", "Paus", "Budget & mål", "Övrigt"]
    assert seen[0][0] == 0.0
    # "Paus" was marked in the adjournment that is cut away: it begins where the meeting goes on.
    assert frames(film)[round(seen[1][0] * 25)][1] == 421
    assert frames(film)[round(seen[2][0] * 25)][1] == 450


def test_a_gap_that_is_not_cut_is_silence_and_no_shift(meeting: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    made(meeting, film)
    assert numbers(film) == [(0, 786), (826, 1076)]
    assert frames(film)[-1][0] == pytest.approx(1075 / 25, abs=0.001)
    assert max(map(abs, out_of_step(film))) < 1.0


def test_a_recording_whose_process_was_killed(tmp_path: Path) -> None:
    folder = record(tmp_path / "recording", [Scene(2, "waiting"), Scene(6)], ended=False)
    film = tmp_path / "film.mp4"
    made(folder, film, cuts=automatic_cuts(read_ledger(folder)))
    (only,) = numbers(film)
    assert only[0] == 50
    assert 195 <= only[1] <= 200  # all but what the torn end held


@pytest.mark.parametrize("level", [-34.0, -8.0])
def test_sound_that_is_off_is_made_again(tmp_path: Path, level: float) -> None:
    folder = record(
        tmp_path / "recording", [Scene(4, "waiting"), Scene(12), Scene(2, "closed"), Scene(8)], level=level
    )
    film = tmp_path / "film.mp4"
    result = made(folder, film, cuts=automatic_cuts(read_ledger(folder)))
    heard = sound(film)
    measured = integrated(momentary(np.repeat(heard[:, None], 2, axis=1)))
    assert measured == pytest.approx(-16, abs=0.5)
    assert result.loudness == pytest.approx(measured, abs=0.5)
    assert np.abs(heard).max() < 10 ** (-1 / 20)
    assert max(map(abs, out_of_step(film))) < 1.0
    assert secret_heard(film) < 0.01
    assert [start for start, _ in numbers(film)] == [100, 450]


def test_a_recording_without_measurements_is_measured(tmp_path: Path) -> None:
    folder = record(tmp_path / "recording", [Scene(6)], level=-30, measured=False)
    film = tmp_path / "film.mp4"
    assert made(folder, film).loudness == pytest.approx(-16, abs=0.5)
    heard = sound(film)
    assert integrated(momentary(np.repeat(heard[:, None], 2, axis=1))) == pytest.approx(-16, abs=0.5)


def test_silence_stays_silence(tmp_path: Path) -> None:
    folder = record(tmp_path / "recording", [Scene(5)], sound=np.zeros((5 * 48_000, 2), np.float32))
    film = tmp_path / "film.mp4"
    assert made(folder, film).loudness is None
    assert np.abs(sound(film)).max() < 1e-3


def test_nothing_left_is_said(meeting: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="Ingenting blir kvar"):
        made(meeting, tmp_path / "film.mp4", cuts=[Cut(0, 100, "hand")])


def a_film(
    path: Path,
    *options: str,
    count: int = 200,
    sound_options: Sequence[str] = ("-c:a", "aac", "-b:a", "128k"),
) -> Path:
    """A film of numbered frames, 320 × 180 at 25, with a tone at -16 LUFS, encoded as `options` say."""
    tone = "aevalsrc=0.17*sin(400*2*PI*t)|0.17*sin(400*2*PI*t):s=48000:d=8"
    subprocess.run(
        [
            find_ffmpeg().path, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "320x180",
            "-r", "25", "-i", "pipe:0", "-f", "lavfi", "-i", tone, *options, *sound_options, path,
        ],
        input=b"".join(picture(number, "room", (320, 180)).tobytes() for number in range(count)), check=True,
    )  # fmt: skip
    return path


FOREIGN = {
    "baseline": ("-c:v", "libx264", "-profile:v", "baseline", "-g", "60"),
    "deep": ("-c:v", "libx264", "-bf", "4", "-refs", "4", "-g", "75", "-preset", "medium"),
    "open": ("-c:v", "libx264", "-x264-params", "open-gop=1", "-bf", "3", "-g", "50"),
    "one keyframe": ("-c:v", "libx264", "-g", "1000", "-sc_threshold", "0", "-preset", "ultrafast"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_film_is_cut_to_the_frame(tmp_path: Path, kind: str) -> None:
    original = a_film(tmp_path / "in.mp4", *FOREIGN[kind])
    film = tmp_path / "film.mp4"
    made(original, film, cuts=[Cut(0, 0.6, "a"), Cut(3.0, 5.0, "b"), Cut(7.4, 8, "c")], exact=True)
    assert numbers(film) == [(15, 75), (125, 185)]


def test_a_foreign_film_is_copied_and_cut_outwards(tmp_path: Path) -> None:
    original = a_film(tmp_path / "in.mp4", *FOREIGN["deep"])
    film = tmp_path / "film.mp4"
    result = made(original, film, cuts=[Cut(3.2, 5.0, "b")])
    assert numbers(film) == [(0, 75), (150, 200)]
    assert [(round(cut.start, 3), round(cut.end, 3)) for cut in result.cuts] == [(3.0, 6.0)]
    assert numbers(original) == [(0, 200)]


@pytest.mark.parametrize(
    ("name", "options", "sound_options"),
    [
        ("in.mov", ("-c:v", "mpeg4", "-q:v", "3"), ("-c:a", "libmp3lame")),
        ("in.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"), ("-c:a", "libopus")),
        ("in.mkv", ("-c:v", "libx264", "-pix_fmt", "yuv444p"), ("-c:a", "pcm_s16le")),
        ("h264.mkv", ("-c:v", "libx264"), ("-c:a", "pcm_s16le")),
    ],
)
def test_what_browsers_do_not_play_is_made_playable(
    tmp_path: Path, name: str, options: tuple[str, ...], sound_options: tuple[str, ...]
) -> None:
    original = a_film(tmp_path / name, *options, count=100, sound_options=(*sound_options, "-t", "4"))
    film = tmp_path / "film.mp4"
    result = made(original, film, cuts=[Cut(2.0, 3.0, "x")], exact=True)
    media = probe(film)
    assert (media.video_codec, media.audio_codec, media.pixel_format) == ("h264", "aac", "yuv420p")
    assert media.channels == 2
    assert numbers(film) == [(0, 50), (75, 100)]
    assert result.loudness == pytest.approx(-16, abs=1)


def test_a_film_from_a_telephone_is_set_upright(tmp_path: Path) -> None:
    flat = a_film(
        tmp_path / "flat.mp4",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-vf",
        "scale=321:181:flags=neighbor,crop=320:180",
        count=60,
    )
    turned = tmp_path / "in.mp4"
    subprocess.run(
        [find_ffmpeg().path, "-v", "error", "-i", flat, "-c", "copy", "-metadata:s:v", "rotate=90", turned],
        check=True,
    )
    film = tmp_path / "film.mp4"
    result = made(turned, film)
    assert (result.width, result.height) == (180, 320)
    assert probe(film).rotation == 0


def test_abandoned_it_leaves_nothing_and_can_be_started_again(meeting: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    steps = render(meeting, cuts=[], chapters=[], out=film, ffmpeg=find_ffmpeg())
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert not film.exists()
    made(meeting, film)
    assert numbers(film)[0] == (0, 786)


RENDERER = """
import sys
from pathlib import Path
from broadcast.ffmpeg import find_ffmpeg
from broadcast.rendition import render
for step in render(Path(sys.argv[1]), cuts=[], chapters=[], out=Path(sys.argv[2]), ffmpeg=find_ffmpeg()):
    print(step, flush=True)
"""


def test_killed_it_leaves_nothing_under_the_final_name(tmp_path: Path) -> None:
    folder = record(tmp_path / "recording", [Scene(20)], level=-30)
    film = tmp_path / "film.mp4"
    for stop_at in (1, 6):
        child = subprocess.Popen(
            [sys.executable, "-c", RENDERER, str(folder), str(film)], stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert child.stdout is not None
        for _ in range(stop_at):
            assert child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert not film.exists()
    assert made(folder, film).loudness == pytest.approx(-16, abs=0.5)
    assert numbers(film) == [(0, 500)]


FULL = """
import resource, sys
from pathlib import Path
from broadcast.errors import RenderError
from broadcast.ffmpeg import find_ffmpeg
from broadcast.rendition import render
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    for step in render(Path(sys.argv[1]), cuts=[], chapters=[], out=Path(sys.argv[2]), ffmpeg=find_ffmpeg()):
        pass
except RenderError as error:
    print(error)
"""


def test_a_full_disk_is_one_sentence(meeting: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(meeting), str(film)], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout.strip().startswith("Disken är full")
    assert list(tmp_path.iterdir()) == []


def test_broken_ffmpeg_is_a_sentence(tmp_path: Path) -> None:
    folder = record(tmp_path / "recording", [Scene(4)], level=-30)
    broken = find_ffmpeg().__class__(path=Path("/bin/false"), version=(5, 1), bundled=False)
    with pytest.raises(RenderError, match="Ljudet kunde inte göras"):
        list(render(folder, cuts=[], chapters=[], out=tmp_path / "film.mp4", ffmpeg=broken))
    assert not (tmp_path / "film.mp4").exists()
