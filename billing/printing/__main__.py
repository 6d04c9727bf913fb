"""The press as a process of its own: `python -m billing.printing` reads a page and writes a PDF, within limits."""

from __future__ import annotations

import resource
import sys
from importlib import import_module

MEMORY_BYTES = 2 * 1024**3
NO_LIBRARIES = 3


def main() -> int:
    """0 with the PDF on the standard output; `NO_LIBRARIES` on a machine without pango."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        press = import_module("billing.printing.press")
    except OSError as error:
        sys.stderr.write(str(error))
        return NO_LIBRARIES
    sys.stdout.buffer.write(press.press(sys.stdin.buffer.read().decode()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
