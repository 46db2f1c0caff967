"""The stand-in's ingest: a real ffmpeg publishes over RTMP and RTMPS, and the broadcast follows the packets."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from broadcast.ffmpeg import find_ffmpeg
from tests.standins.conftest import OverRequests, credentials_of, service
from tests.standins.youtube import YouTube
from tests.standins.youtube_ingest import find_nginx

pytestmark = pytest.mark.skipif(
    find_nginx() is None, reason="nginx with RTMP is not installed: apt-get install nginx libnginx-mod-rtmp"
)


@contextmanager
def publishing(address: str, key: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """An encoder that sends a test picture and a tone in real time."""
    command = [
        str(find_ffmpeg().path), "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25", "-f", "lavfi",
        "-i", "sine=440:r=48000", "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p",
        "-c:a", "aac", *options, "-f", "flv", f"{address}/{key}",
    ]  # fmt: skip
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.03)


@pytest.fixture(scope="module")
def youtube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[YouTube]:
    """With RTMP."""
    with YouTube(tmp_path_factory.mktemp("youtube")) as youtube, pytest.MonkeyPatch.context() as monkeypatch:
        youtube.add_account("kommunen")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(youtube.ca_file))
        yield youtube


@pytest.fixture
def client(youtube: YouTube) -> Any:
    return service(youtube, OverRequests(credentials_of(youtube, "kommunen")))


def new_stream(client: Any) -> tuple[str, dict[str, str]]:
    body = {
        "snippet": {"title": "KF"}, "cdn": {"ingestionType": "rtmp", "frameRate": "variable", "resolution": "variable"}
    }  # fmt: skip
    stream = client.liveStreams().insert(part="id,snippet,cdn", body=body).execute()
    return stream["id"], stream["cdn"]["ingestionInfo"]


@pytest.mark.parametrize(
    "point",
    ["ingestionAddress", "backupIngestionAddress", "rtmpsIngestionAddress", "rtmpsBackupIngestionAddress"],
)
def test_a_stream_is_active_while_packets_arrive(youtube: YouTube, client: Any, point: str) -> None:
    stream_id, ingestion = new_stream(client)

    def status() -> dict[str, Any]:
        answer: dict[str, Any] = (
            client.liveStreams().list(part="id,status", id=stream_id).execute()["items"][0]
        )
        return answer

    assert status()["status"]["streamStatus"] == "ready"
    assert "cdn" not in status()
    with publishing(ingestion[point], ingestion["streamName"]):
        until(lambda: status()["status"]["streamStatus"] == "active")
        assert status()["status"]["healthStatus"]["status"] == "good"
        assert youtube.streams[stream_id].flowing == {"backup" if "ackup" in point else "primary"}
    until(lambda: status()["status"]["streamStatus"] == "inactive")
    assert status()["status"]["healthStatus"]["status"] == "noData"
    assert youtube.violations == []


@pytest.mark.parametrize(
    ("options", "health", "issue"),
    [(("-an",), "bad", "noAudioStream"), (("-ar", "22050"), "ok", "audioSampleRate")],
)
def test_what_is_wrong_with_the_packets_is_told(
    client: Any, options: tuple[str, ...], health: str, issue: str
) -> None:
    stream_id, ingestion = new_stream(client)
    told: dict[str, Any] = {}

    def is_told() -> bool:
        answer = client.liveStreams().list(part="status", id=stream_id).execute()["items"][0]
        told.update(answer["status"]["healthStatus"])
        return bool(told["configurationIssues"])

    with publishing(ingestion["ingestionAddress"], ingestion["streamName"], *options):
        until(is_told)
    assert (told["status"], [found["type"] for found in told["configurationIssues"]]) == (health, [issue])


def test_an_unknown_key_is_refused(youtube: YouTube, client: Any) -> None:
    with publishing(new_stream(client)[1]["ingestionAddress"], "aaaa-bbbb-cccc-dddd-eeee") as encoder:
        assert encoder.wait(10) != 0


def test_green_while_youtube_hangs_until_a_new_push(youtube: YouTube, client: Any) -> None:
    stream_id, ingestion = new_stream(client)
    youtube.hang_ingest()
    with publishing(ingestion["ingestionAddress"], ingestion["streamName"]) as encoder:
        until(lambda: bool(youtube.publishing))
        time.sleep(0.5)
        assert encoder.poll() is None
        assert youtube.streams[stream_id].status == "ready"
    until(lambda: not youtube.publishing)
    with publishing(ingestion["ingestionAddress"], ingestion["streamName"]):
        until(lambda: youtube.streams[stream_id].status == "active")


def test_a_publisher_that_falls_silent_is_seen(
    youtube: YouTube, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.standins.youtube_ingest.STARVED_SECONDS", 0.5)
    stream_id, ingestion = new_stream(client)
    with publishing(ingestion["ingestionAddress"], ingestion["streamName"]) as encoder:
        until(lambda: youtube.streams[stream_id].status == "active")
        subprocess.run(["kill", "-STOP", str(encoder.pid)], check=True)
        until(lambda: youtube.streams[stream_id].status == "inactive")
        subprocess.run(["kill", "-CONT", str(encoder.pid)], check=True)
        until(lambda: youtube.streams[stream_id].status == "active")


def test_a_publisher_is_cut_off(youtube: YouTube, client: Any) -> None:
    stream_id, ingestion = new_stream(client)
    with publishing(ingestion["backupIngestionAddress"], ingestion["streamName"]) as encoder:
        until(lambda: youtube.streams[stream_id].status == "active")
        youtube.drop_publishers()
        assert encoder.wait(10) != 0
        until(lambda: youtube.streams[stream_id].status == "inactive")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The stand-in as a process, and what it says at its start."""
    run = [
        sys.executable,
        "-m",
        "tests.standins.youtube",
        "--folder",
        str(tmp_path),
        "--account",
        "kf=Provköping",
    ]
    with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield child, json.loads(child.stdout.readline())
        finally:
            child.kill()


def test_it_runs_as_a_process_and_is_controlled_over_http(
    process: tuple[subprocess.Popen[str], dict[str, str]],
) -> None:
    child, told = process

    def post(address: str, **content: Any) -> requests.Response:
        return requests.post(address, verify=told["ca_file"], timeout=10, **content)

    def call(name: str, /, **arguments: Any) -> Any:
        answer = post(told["url"] + "_standin/call", json={"name": name, "arguments": arguments})
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    secrets = json.loads(Path(told["client_secrets"]).read_text())["installed"]
    form = {
        "grant_type": "refresh_token", "refresh_token": call("issue_token", name="kf"),
        "client_id": secrets["client_id"], "client_secret": secrets["client_secret"],
    }  # fmt: skip
    call("faults.add", where="/token", status=500)
    assert post(secrets["token_uri"], data=form).status_code == 500
    assert post(secrets["token_uri"], data=form).json()["expires_in"] == 3599
    call("advance", seconds=3600)
    call("set", video_lag=2)
    state = requests.get(told["url"] + "_standin/state", verify=told["ca_file"], timeout=10).json()
    assert [request["status"] for request in state["requests"]] == [500, 200]
    assert form["refresh_token"] not in json.dumps(state)
    child.terminate()
    assert child.wait(10) == 0
