"""The tables of the inference app, by noun."""

from inference.models.jobs import Job, JobState, Priority
from inference.models.registry import ModelState, ModelVersion, WorkerHeartbeat
from inference.models.requests import IdempotencyRecord
from inference.models.results import Artifact, Finding, Result
from inference.models.studies import Instance, Series, Study, StudyKind

__all__ = [
    "Artifact",
    "Finding",
    "IdempotencyRecord",
    "Instance",
    "Job",
    "JobState",
    "ModelState",
    "ModelVersion",
    "Priority",
    "Result",
    "Series",
    "Study",
    "StudyKind",
    "WorkerHeartbeat",
]
