"""The tables of the inference app, by noun."""

from inference.models.jobs import Job, JobState, Priority
from inference.models.registry import ModelState, ModelVersion, WorkerHeartbeat
from inference.models.requests import IdempotencyRecord
from inference.models.results import Artifact, Finding, Result
from inference.models.reviews import Addendum, LabelledExample, LearningConsent, Review, ReviewAct, Signature
from inference.models.studies import Instance, Series, Study, StudyKind

__all__ = [
    "Addendum",
    "Artifact",
    "Finding",
    "IdempotencyRecord",
    "Instance",
    "Job",
    "JobState",
    "LabelledExample",
    "LearningConsent",
    "ModelState",
    "ModelVersion",
    "Priority",
    "Result",
    "Review",
    "ReviewAct",
    "Series",
    "Signature",
    "Study",
    "StudyKind",
    "WorkerHeartbeat",
]
