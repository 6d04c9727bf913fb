"""What a fake for a person remembers from one run to the next."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.stripe.state import State

REMEMBERED = ("objects", "events", "thin_events", "uncounted", "counted", "identifiers")


@contextmanager
def kept(state: State, path: Path | None) -> Iterator[None]:
    """Read the state from the file, where there is one, and write it there at the end."""
    if path is not None and path.exists():
        for name, value in pickle.loads(path.read_bytes()).items():
            setattr(state, name, value)
    try:
        yield
    finally:
        if path is not None:
            with state.lock:
                path.write_bytes(pickle.dumps({name: getattr(state, name) for name in REMEMBERED}))
