"""The ways publishing fails."""

from __future__ import annotations


class UploadError(Exception):
    """A video could not be published. The message is one sentence for a person.

    `permanent`: trying again without a person's hand cannot help. `patient`: nothing is broken, waiting is the cure,
    so it is tried again however often it takes. `retry_after`: seconds, where the other side said so.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        patient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.patient = patient
        self.retry_after = retry_after
