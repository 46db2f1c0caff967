"""After the gavel: verify → render → pictures → review → publish, as DBOS workflows. The only file that imports dbos.

The videos table is the truth: any video in PROCESSING or APPROVED without a running workflow is given one, so a lost
message is harmless; so is any publication elsewhere for which something is to be done. Workflow ids are telling,
`process-<video id>-<n>`, `publish-<video id>-<n>`, `elsewhere-<publication id>-<n>` and `takedown-…` (n: the nth time),
so a double start runs once. DBOS keeps which steps are done; every step can be taken twice all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime
from itertools import count

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowStatus
from sqlalchemy import select

from schedules.aftermath import PROCESSING_STEPS
from schedules.attempts import Verdict, attempt, attempt_elsewhere, fail
from schedules.elsewhere import wanted_step, wanting
from schedules.models import Video
from schedules.states import VideoState
from schedules.workshop import Workshop

# A new version would strand the workflows that run when Läktare is updated; changes are made by DBOS.patch.
VERSION = "1"
KINDS = {VideoState.PROCESSING: "process", VideoState.APPROVED: "publish"}
UNFINISHED = ("ENQUEUED", "PENDING", "DELAYED")
FINISHED = ("SUCCESS", "ERROR", "CANCELLED")
EXHAUSTED = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"
RECOVERIES = 10  # a video that has brought the worker down so many times is not given an eleventh
POLL_SECONDS = 0.3
NAP_SECONDS = 300.0
PUBLISHING_AT_ONCE = 4  # a channel that makes us wait must not hold up the others

log = structlog.get_logger(__name__)
_workshop: Workshop | None = (
    None  # DBOS finds workflows by their name, so what they work with is the process's
)


def launch(workshop: Workshop, executor: str) -> None:
    """Start DBOS in this process and go on with what `executor` left when it died.

    executor: a name no other living process has. One pipeline a process.
    """
    global _workshop
    _workshop = workshop
    quiet = logging.getLogger("dbos")
    if (
        not quiet.handlers
    ):  # else DBOS writes to the terminal by itself, past our log and its blotting out of secrets
        quiet.addHandler(logging.NullHandler())
    url = workshop.settings.workflows_url
    config = DBOSConfig(
        name="laktare",
        system_database_url=url,
        application_version=VERSION,
        executor_id=executor,
        log_level="WARNING",
        enable_otlp=False,
    )
    DBOS(config=config)
    DBOS.launch()
    # One rendering at a time in each worker: it uses every core by itself.
    DBOS.register_queue("process", worker_concurrency=1, polling_interval_sec=POLL_SECONDS)
    for queue in ("publish", "elsewhere", "takedown"):
        DBOS.register_queue(queue, worker_concurrency=PUBLISHING_AT_ONCE, polling_interval_sec=POLL_SECONDS)


def land() -> None:
    """Stop DBOS in this process. Steps that run must have been stopped before (Workshop.stop)."""
    DBOS.destroy()


def discover(workshop: Workshop) -> list[str]:
    """Start a workflow for every video and publication that should have one and has none. Returns their ids."""
    with workshop.database.session() as session:
        waiting = session.execute(select(Video.id, Video.state).where(Video.state.in_(KINDS))).all()
        elsewhere = wanting(session)
    if not waiting and not elsewhere:
        return []
    busy = {workflow_id.rpartition("-")[0] for workflow_id in unfinished()}
    idle = [(video_id, state) for video_id, state in waiting if f"{KINDS[state]}-{video_id}" not in busy]
    started = [_start(workshop, video_id, state) for video_id, state in idle]
    for publication_id, takedown in elsewhere:
        if f"{_kind(takedown)}-{publication_id}" not in busy:
            started.append(_start_elsewhere(publication_id, takedown))
    return [workflow_id for workflow_id in started if workflow_id]


def unfinished() -> list[str]:
    """The ids of the workflows that wait or run, in any process."""
    return [status.workflow_id for status in _list(status=list(UNFINISHED))]


def strangers(own: str) -> set[str]:
    """The other executors that have workflows running, by what is written; they may be dead."""
    running = {status.executor_id for status in _list(status=["PENDING"])}
    return {name for name in running if name and name != own}


def adopt(executor: str) -> list[str]:
    """Give the running workflows of a dead `executor` back to their queues. Returns their ids.

    The caller must hold what a living `executor` would hold, or they would run twice.
    """
    left = _list(status=["PENDING"], executor_id=executor)
    for status in left:
        DBOS.resume_workflow(status.workflow_id, queue_name=status.queue_name)
    return [status.workflow_id for status in left]


def forget(before: datetime) -> int:
    """Remove what is written down of workflows that ended before then. Returns how many there were."""
    ended = _list(status=list(FINISHED), completed_before=before.isoformat())
    if ended:
        DBOS.delete_workflows([status.workflow_id for status in ended])
    return len(ended)


def _list(**which: object) -> list[WorkflowStatus]:
    return DBOS.list_workflows(load_input=False, load_output=False, **which)  # type: ignore[arg-type]


def _start(workshop: Workshop, video_id: int, state: VideoState) -> str | None:
    kind = KINDS[state]
    before = _list(workflow_id_prefix=f"{kind}-{video_id}-")
    if any(status.status in UNFINISHED for status in before):
        return None
    exhausted = [status.workflow_id for status in before if status.status == EXHAUSTED]
    if exhausted:
        _give_up(workshop, video_id, exhausted)
        return None
    # Asked again after the workflows: one that has just ended moved the video on before it ended.
    with workshop.database.session() as session:
        if session.scalar(select(Video.state).where(Video.id == video_id)) is not state:
            return None
    workflow_id = f"{kind}-{video_id}-{1 + _last_number(before)}"
    with SetWorkflowID(workflow_id):
        if state is VideoState.PROCESSING:
            DBOS.enqueue_workflow("process", process, video_id)
        else:
            DBOS.enqueue_workflow("publish", publish, video_id)
    log.info("workflow started", workflow=workflow_id, video=video_id)
    return workflow_id


def _kind(takedown: bool) -> str:
    return "takedown" if takedown else "elsewhere"


def _start_elsewhere(publication_id: int, takedown: bool) -> str | None:
    kind = _kind(takedown)
    before = _list(workflow_id_prefix=f"{kind}-{publication_id}-")
    if any(status.status in UNFINISHED for status in before):
        return None
    workflow_id = f"{kind}-{publication_id}-{1 + _last_number(before)}"
    with SetWorkflowID(workflow_id):
        # A queue of its own: uploads that wait for hours must not keep a film that was withdrawn on the air.
        DBOS.enqueue_workflow(kind, elsewhere, publication_id, takedown)
    log.info("workflow started", workflow=workflow_id, publication=publication_id)
    return workflow_id


def _last_number(before: Collection[WorkflowStatus]) -> int:
    return max((int(status.workflow_id.rpartition("-")[2]) for status in before), default=0)


def _give_up(workshop: Workshop, video_id: int, exhausted: list[str]) -> None:
    words = (
        f"Arbetet med videon har avbrutits {RECOVERIES} gånger i rad; se efter i loggen varför arbetaren dör."
    )
    with workshop.database.session() as session:
        step = session.scalar(select(Video.step).where(Video.id == video_id)) or "verify"
    fail(workshop, video_id, step, words)
    # Thrown away, so that the next time, which a person asks for, is not taken for exhausted too.
    DBOS.delete_workflows(exhausted)


@DBOS.workflow(name="process", max_recovery_attempts=RECOVERIES)
def process(video_id: int) -> str:
    """Verify, render, pictures; then to review or straight on to its channel. Returns what became of it."""
    for step in PROCESSING_STEPS:
        state = _persist(step, video_id)
        if state != "done":
            return state
    return "done"


@DBOS.workflow(name="publish", max_recovery_attempts=RECOVERIES)
def publish(video_id: int) -> str:
    """Put an approved video on its channel. Returns what became of it."""
    return _persist("publish", video_id)


@DBOS.workflow(name="elsewhere")
def elsewhere(publication_id: int, takedown: bool) -> str:
    """Take the steps of a publication elsewhere until nothing more is wanted. Returns what became of it.

    takedown: those that take it off the air, else those that put it there.
    """
    number, last = 1, ""
    while (step := _wanted(publication_id, takedown)) is not None:
        number = 1 if step != last else number
        last = step
        verdict = _attempt_elsewhere(step, publication_id, number)
        number += verdict["state"] == "again"
        if verdict["state"] == "failed":
            return "failed"
        # Naps, not one long sleep: a person may have changed what is wanted.
        left = verdict["wait"]
        while left > 0 and _wanted(publication_id, takedown) == step:
            DBOS.sleep(min(left, NAP_SECONDS))
            left -= NAP_SECONDS
    return "done"


def _persist(step: str, video_id: int) -> str:
    for number in count(1):
        verdict = _attempt(step, video_id, number)
        if verdict["state"] != "again":
            return verdict["state"]
        DBOS.sleep(verdict["wait"])
    raise AssertionError("unreachable")


@DBOS.step(name="attempt")
def _attempt(step: str, video_id: int, number: int) -> Verdict:
    if _workshop is None:
        raise RuntimeError("the pipeline has not been launched in this process")
    return attempt(_workshop, step, video_id, number)


@DBOS.step(name="attempt elsewhere")
def _attempt_elsewhere(step: str, publication_id: int, number: int) -> Verdict:
    if _workshop is None:
        raise RuntimeError("the pipeline has not been launched in this process")
    return attempt_elsewhere(_workshop, step, publication_id, number)


@DBOS.step(name="wanted")
def _wanted(publication_id: int, takedown: bool) -> str | None:
    if _workshop is None:
        raise RuntimeError("the pipeline has not been launched in this process")
    return wanted_step(_workshop, publication_id, takedown=takedown)
