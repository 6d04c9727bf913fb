"""The tables of the inference app, by noun."""

from inference.models.jobs import Job, JobState, Priority
from inference.models.privacy import (
    BurnedInPolicy,
    Crosswalk,
    CrosswalkEntry,
    Deidentification,
    DeidentificationMode,
    Hold,
    PrivacyRule,
)
from inference.models.registry import ModelState, ModelVersion, WorkerHeartbeat
from inference.models.requests import IdempotencyRecord
from inference.models.results import Artifact, Finding, Result
from inference.models.retention import LegalHold, RetentionKind, RetentionRule
from inference.models.reviews import Addendum, LabelledExample, LearningConsent, Review, ReviewAct, Signature
from inference.models.studies import Instance, Series, Study, StudyKind

__all__ = [
    "Addendum",
    "Artifact",
    "BurnedInPolicy",
    "Crosswalk",
    "CrosswalkEntry",
    "Deidentification",
    "DeidentificationMode",
    "Finding",
    "Hold",
    "IdempotencyRecord",
    "Instance",
    "Job",
    "JobState",
    "LabelledExample",
    "LearningConsent",
    "LegalHold",
    "ModelState",
    "ModelVersion",
    "Priority",
    "PrivacyRule",
    "Result",
    "RetentionKind",
    "RetentionRule",
    "Review",
    "ReviewAct",
    "Series",
    "Signature",
    "Study",
    "StudyKind",
    "WorkerHeartbeat",
]
