"""What a child sends back through its reply pipe: frames of one kind byte, a length and a payload.

`J` is a JSON object (one item of several), `B` raw bytes, `E` a JSON object that ends the reply. Nothing else is ever
read from a child: no pickle, and the bytes of a child are data, whatever it was made to do.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from collections.abc import Iterator
from typing import Any

HEAD = struct.Struct("<cI")
MAX_FRAME = 1024 * 1024
ITEM, DATA, END = b"J", b"B", b"E"


class BrokenReply(Exception):
    """The reply ended early or is not of our making."""


class LateReply(Exception):
    """The deadline passed."""


class ReplyWriter:
    """The child's end. Blocking; a parent that went away shows as `BrokenPipeError`."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def item(self, value: dict[str, Any]) -> None:
        """Send one JSON object of several."""
        self._frame(ITEM, json.dumps(value).encode())

    def data(self, payload: bytes | memoryview) -> None:
        """Send raw bytes, in pieces."""
        view = memoryview(payload).cast("B")
        for start in range(0, len(view), MAX_FRAME):
            self._frame(DATA, view[start : start + MAX_FRAME])

    def end(self, value: dict[str, Any]) -> None:
        """Send the JSON object that ends the reply."""
        self._frame(END, json.dumps(value).encode())

    def _frame(self, kind: bytes, payload: bytes | memoryview) -> None:
        if len(payload) > MAX_FRAME:
            raise ValueError("frame too long")
        self._write(HEAD.pack(kind, len(payload)))
        self._write(payload)

    def _write(self, payload: bytes | memoryview) -> None:
        view = memoryview(payload)
        while view:
            view = view[os.write(self.descriptor, view) :]


def read_frames(descriptor: int, deadline: float) -> Iterator[tuple[bytes, bytes]]:
    """The frames of one reply, up to and with the end frame.

    `deadline` is on the monotonic clock. Raises `BrokenReply` or `LateReply`.
    """
    while True:
        kind, length = HEAD.unpack(_read_exactly(descriptor, HEAD.size, deadline))
        if kind not in (ITEM, DATA, END) or length > MAX_FRAME:
            raise BrokenReply
        yield kind, _read_exactly(descriptor, length, deadline)
        if kind == END:
            return


def parse_object(payload: bytes) -> dict[str, Any]:
    """A JSON object. Raises `BrokenReply` for anything else."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        raise BrokenReply from None
    if not isinstance(value, dict):
        raise BrokenReply
    return value


def _read_exactly(descriptor: int, count: int, deadline: float) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        _wait_readable(descriptor, deadline)
        part = os.read(descriptor, count - len(parts))
        if not part:
            raise BrokenReply
        parts += part
    return bytes(parts)


def _wait_readable(descriptor: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    remaining = deadline - time.monotonic()
    if remaining <= 0 or not poll.poll(remaining * 1000):
        raise LateReply
