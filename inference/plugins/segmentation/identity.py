"""UIDs that follow from what they name (DICOM PS3.5 B.2): the same for the same finding, whoever runs it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

from inference.domain.study import InstanceHeader
from inference.plugins.base import Manifest


def uid_of(text: str) -> str:
    """A UID made of a text."""
    return f"2.25.{uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4).int}"


def tracking_uid(manifest: Manifest, headers: Sequence[InstanceHeader], index: int) -> str:
    """The UID of the finding of this number in these images, by this plugin in this version."""
    images = "/".join(header.sop_instance_uid or header.sha256 for header in headers)
    return uid_of(f"{manifest.slug}/{manifest.version}/{images}/{index}")
