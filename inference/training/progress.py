"""Progress bars of training, on standard error: standard output belongs to the result."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

ItemT = TypeVar("ItemT")


def progress(items: Iterable[ItemT], label: str) -> Iterator[ItemT]:
    """The items, one after the other, with a bar named `label`."""
    from tqdm import tqdm

    yield from tqdm(items, desc=label, file=sys.stderr)
