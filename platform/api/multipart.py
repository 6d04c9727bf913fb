"""The form of an upload, whatever its client makes of file names: no good file is lost for the name of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import multipartparser as django
from rest_framework import parsers

NEUTRAL_NAME = "file"
HEAD_END = b"\r\n\r\n"
# Django's own limit
LONGEST_HEAD = 1024


class UploadParser(parsers.MultiPartParser):
    """DRF's parser over `NamedParts`."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> parsers.DataAndFiles[Any, Any]:
        request = (parser_context or {})["request"]
        meta = {**request.META, "CONTENT_TYPE": media_type or ""}
        return parsers.DataAndFiles(*NamedParts(meta, stream, request.upload_handlers, request.encoding).parse())


class NamedParts(django.MultiPartParser):
    """Django's parser. It reads past a file whose name it does not like, and then takes the content for a head."""

    def __init__(self, meta: Mapping[str, Any], body: Any, handlers: Any, encoding: str | None) -> None:
        super().__init__(dict(meta), body, handlers, encoding)
        self._input_data = ReadableHeads(body.read, b"--" + boundary_of(self))

    def sanitize_file_name(self, file_name: str) -> str:
        return super().sanitize_file_name(file_name) or NEUTRAL_NAME


def boundary_of(parser: Any) -> bytes:
    """What Django found in the header."""
    boundary: bytes = parser._boundary
    return boundary


class ReadableHeads:
    """A body whose parts' heads are made UTF-8: a client may write names in the encoding of its system, such as GBK.

    What is no UTF-8 becomes question marks; contents pass as they are. As Django does, every `mark` counts as
    the end of a part, and what has no end within the largest head is none.
    """

    def __init__(self, read: Callable[[int], bytes], mark: bytes) -> None:
        self.read_body = read
        self.mark = mark
        self.kept = b""
        self.in_head = False

    def read(self, size: int) -> bytes:
        """More of the body; empty only at its end."""
        while True:
            more = self.read_body(size)
            ready = self._pass(self.kept + more, is_last=not more)
            if ready or not more:
                return ready

    def _pass(self, seen: bytes, *, is_last: bool) -> bytes:
        """What of `seen` is decided; the rest is kept."""
        ready = bytearray()
        while (end := self._end(seen)) >= 0:
            part, seen = seen[:end], seen[end:]
            ready += readable(part) if self.in_head else part
            self.in_head = not self.in_head
        if self.in_head and len(seen) > LONGEST_HEAD:
            self.in_head = False
        undecided = 0 if is_last else len(seen) if self.in_head else min(len(seen), len(self.mark) - 1)
        self.kept = seen[len(seen) - undecided :]
        return bytes(ready + seen[: len(seen) - undecided])

    def _end(self, seen: bytes) -> int:
        """Where the head, or the content with the mark behind it, ends; -1 where it does not end yet."""
        wanted = HEAD_END if self.in_head else self.mark
        found = seen.find(wanted)
        return found + len(wanted) if found >= 0 else -1


def readable(head: bytes) -> bytes:
    """`head` as UTF-8, never longer than it was: Django bounds it."""
    return head.decode(errors="replace").replace("\ufffd", "?").encode()
