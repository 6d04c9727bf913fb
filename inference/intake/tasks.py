"""What a child can be asked to do. A task gets the open file and sends items and bytes; its result is a JSON object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

from inference.intake.archive import unpack
from inference.intake.attributes import attributes
from inference.intake.decode import decode
from inference.intake.limits import Limits
from inference.intake.parse import inspect
from inference.intake.render import preview, render
from inference.intake.wire import ReplyWriter

Task = Callable[[BinaryIO, Limits, ReplyWriter, dict[str, Any]], dict[str, Any]]

TASKS: dict[str, Task] = {
    "inspect": inspect,
    "unpack": unpack,
    "decode": decode,
    "preview": preview,
    "render": render,
    "attributes": attributes,
}
