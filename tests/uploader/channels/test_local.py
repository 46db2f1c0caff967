"""The archive folder: whole or not at all, twice harmless, off the air at once."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from uploader.channels import CHANNELS, Means
from uploader.channels.local import LocalChannel
from uploader.errors import UploadError
from uploader.package import Chapter, Package, Progress, Published

FILM = os.urandom(10_000_000)


@pytest.fixture
def channel(tmp_path: Path) -> LocalChannel:
    made = CHANNELS["local"](Means(archive=tmp_path / "archive", withdrawn=tmp_path / "withdrawn"))
    assert isinstance(made, LocalChannel)
    return made


@pytest.fixture
def package(tmp_path: Path) -> Package:
    work = tmp_path / "work"
    work.mkdir()
    (work / "v.mp4").write_bytes(FILM)
    (work / "p.jpg").write_bytes(b"poster")
    return Package(
        key="a1b2",
        title="Kommunfullmäktige",
        description="",
        body="kf",
        recorded_at=datetime(2026, 9, 30, 16, tzinfo=UTC),
        audience="public",
        duration=8.0,
        files={"video.mp4": work / "v.mp4", "poster.jpg": work / "p.jpg"},
        chapters=(Chapter(start=0.0, title="Upprop"),),
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount")
    yield disk
    subprocess.run(["umount", disk], check=True)


def publish(channel: LocalChannel, package: Package) -> tuple[Published, list[float]]:
    *steps, published = list(channel.publish(package))
    assert isinstance(published, Published)
    return published, [step.percent for step in steps if isinstance(step, Progress)]


def test_publishes_whole_with_checksums(channel: LocalChannel, package: Package, tmp_path: Path) -> None:
    published, percents = publish(channel, package)
    place = tmp_path / "archive" / "a1b2"
    assert published == Published(address="a1b2", fresh=True)
    assert percents == sorted(percents)
    assert len(percents) > 2
    assert percents[-1] == pytest.approx(100)
    assert (place / "video.mp4").read_bytes() == FILM
    known = json.loads((place / "metadata.json").read_text())
    assert known["files"]["video.mp4"] == {"bytes": len(FILM), "sha256": hashlib.sha256(FILM).hexdigest()}
    assert known["chapters"] == [{"start": 0.0, "title": "Upprop"}]
    assert sorted(p.name for p in (tmp_path / "archive").iterdir()) == ["a1b2"]


def test_the_second_time_changes_nothing(channel: LocalChannel, package: Package, tmp_path: Path) -> None:
    publish(channel, package)
    before = (tmp_path / "archive" / "a1b2").stat()
    published, _ = publish(channel, package)
    assert published.fresh is False
    after = (tmp_path / "archive" / "a1b2").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_copy_on_another_disk_is_known_by_its_checksum(
    channel: LocalChannel, package: Package, tmp_path: Path
) -> None:
    publish(channel, package)
    video = tmp_path / "archive" / "a1b2" / "video.mp4"
    video.unlink()
    video.write_bytes(FILM)
    assert publish(channel, package)[0].fresh is False
    video.write_bytes(FILM[:-1] + b"x")  # rotten: same size, other content
    assert publish(channel, package)[0].fresh is True
    assert video.read_bytes() == FILM


def test_a_new_version_takes_the_old_ones_place(
    channel: LocalChannel, package: Package, tmp_path: Path
) -> None:
    publish(channel, package)
    redacted = tmp_path / "work" / "redacted.mp4"
    redacted.write_bytes(b"shorter")
    files = {**package.files, "video.mp4": redacted}
    assert publish(channel, replace(package, files=files, duration=5.0))[0] == Published(
        address="a1b2", fresh=True
    )
    assert (tmp_path / "archive" / "a1b2" / "video.mp4").read_bytes() == b"shorter"
    assert [p.name for p in (tmp_path / "archive").iterdir()] == ["a1b2"]


def test_abandoned_halfway_leaves_nothing(channel: LocalChannel, package: Package, tmp_path: Path) -> None:
    steps = channel.publish(package)
    next(steps)
    assert (tmp_path / "archive" / ".a1b2.part").exists()
    steps.close()  # type: ignore[attr-defined]
    assert list((tmp_path / "archive").iterdir()) == []


def test_killed_halfway_is_cleared_up_by_the_next(
    channel: LocalChannel, package: Package, tmp_path: Path
) -> None:
    part = tmp_path / "archive" / ".a1b2.part"
    part.mkdir(parents=True)
    (part / "video.mp4").write_bytes(FILM[:1000])
    publish(channel, package)
    assert [p.name for p in (tmp_path / "archive").iterdir()] == ["a1b2"]
    assert (tmp_path / "archive" / "a1b2" / "video.mp4").read_bytes() == FILM


def test_killed_between_the_two_renames(channel: LocalChannel, package: Package, tmp_path: Path) -> None:
    publish(channel, package)
    archive = tmp_path / "archive"
    (archive / "a1b2").rename(archive / ".a1b2.old")
    assert publish(channel, package)[0].fresh is False
    assert [p.name for p in archive.iterdir()] == ["a1b2"]


def test_withdrawn_is_gone_and_comes_back(channel: LocalChannel, package: Package, tmp_path: Path) -> None:
    publish(channel, package)
    for _ in range(2):
        channel.withdraw("a1b2", "Personuppgift")
        assert not (tmp_path / "archive" / "a1b2").exists()
        assert (tmp_path / "withdrawn" / "a1b2" / "video.mp4").read_bytes() == FILM
        assert "Personuppgift" in (tmp_path / "withdrawn" / "a1b2" / "withdrawn.json").read_text()
    for _ in range(2):
        channel.restore("a1b2")
        assert (tmp_path / "archive" / "a1b2" / "video.mp4").read_bytes() == FILM
        assert not (tmp_path / "archive" / "a1b2" / "withdrawn.json").exists()
    assert publish(channel, package)[0].fresh is False


def test_published_anew_after_a_withdrawal_leaves_no_second_copy(
    channel: LocalChannel, package: Package, tmp_path: Path
) -> None:
    publish(channel, package)
    channel.withdraw("a1b2", "Fel")
    assert publish(channel, package)[0].fresh is True
    assert not (tmp_path / "withdrawn" / "a1b2").exists()


def test_deleted_everywhere(channel: LocalChannel, package: Package, tmp_path: Path) -> None:
    publish(channel, package)
    channel.withdraw("a1b2", "Gallring")
    for _ in range(2):
        channel.delete("a1b2")
        assert list((tmp_path / "archive").iterdir()) == list((tmp_path / "withdrawn").iterdir()) == []
    with pytest.raises(UploadError, match="finns inte kvar"):
        channel.restore("a1b2")
    with pytest.raises(UploadError, match="finns inte i arkivet"):
        channel.withdraw("a1b2", "Fel")


def test_full_disk_is_one_sentence_and_nothing_half(
    package: Package, tmp_path: Path, small_disk: Path
) -> None:
    channel = LocalChannel(archive=small_disk / "archive", withdrawn=small_disk / "withdrawn")
    with pytest.raises(UploadError, match=r"^Disken är full: .* Frigör plats och försök igen\.$") as caught:
        list(channel.publish(package))
    assert caught.value.permanent
    assert list((small_disk / "archive").iterdir()) == []
    subprocess.run(["mount", "-o", "remount,size=30m", small_disk], check=True)
    assert publish(channel, package)[0].fresh is True
    assert (small_disk / "archive" / "a1b2" / "video.mp4").read_bytes() == FILM


@pytest.mark.parametrize("address", ["", "../work", "a/b", ".a1b2.part", "x" * 65])
def test_an_address_never_leaves_the_archive(channel: LocalChannel, package: Package, address: str) -> None:
    for ask in (
        lambda: list(channel.publish(replace(package, key=address))),
        lambda: channel.withdraw(address, "x"),
        lambda: channel.restore(address),
        lambda: channel.delete(address),
    ):
        with pytest.raises(UploadError, match="ingen adress"):
            ask()
    assert (package.files["video.mp4"]).exists()


@pytest.mark.parametrize(
    ("name", "words"), [("../x.jpg", "kan inte vara namnet"), ("metadata.json", "kan inte vara namnet")]
)
def test_names_that_would_do_harm(channel: LocalChannel, package: Package, name: str, words: str) -> None:
    with pytest.raises(UploadError, match=words):
        list(channel.publish(replace(package, files={**package.files, name: package.files["poster.jpg"]})))


def test_what_is_missing_is_named(channel: LocalChannel, package: Package, tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="ingen färdig video"):
        list(channel.publish(replace(package, files={})))
    with pytest.raises(UploadError, match=r"gone\.mp4"):
        list(channel.publish(replace(package, files={"video.mp4": tmp_path / "gone.mp4"})))
