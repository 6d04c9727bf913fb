"""A file that knows where it ends, for a parser that believes every length it reads."""

from __future__ import annotations

import io
import os
from typing import BinaryIO

from inference.intake.codes import refusal

# what pydicom reads ahead in search of a delimiter, or to see whether there is more: no length of the file's own
READ_AHEAD = 8 * 1024


class Whole(io.BufferedIOBase):
    """`file`, whose values must lie inside it.

    Python reserves what is asked for before it reads: a length of two gigabytes in a small file would be told as a lack
    of memory, although the file is to blame.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        place = file.tell()
        self.size = file.seek(0, os.SEEK_END)
        file.seek(place)

    def read(self, size: int | None = -1, /) -> bytes:
        """Raises `UnreadableFile` for a value that ends behind the file."""
        wanted = -1 if size is None else size
        if wanted > max(READ_AHEAD, self.size - self.file.tell()):
            raise refusal("unreadable_file")
        return self.file.read(wanted)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
