"""Tasks that do to a child what a hostile file may do. The product has none: a pool must be told of this module."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
import threading
from typing import Any, BinaryIO

from inference.intake.limits import Limits
from inference.intake.tasks import Task
from inference.intake.wire import ReplyWriter

Options = dict[str, Any]


def echo(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    return {"said": options.get("say"), "pid": os.getpid(), "content": source.read(100).hex()}


def crash(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    ctypes.string_at(0)
    return {}


def crash_half_way(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    reply.data(b"half")
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def loop(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    while True:
        pass


def hang(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    threading.Event().wait()
    return {}


def hog(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    return {"size": len(bytearray(int(options["bytes"])))}


def flood(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    while True:
        reply.data(bytes(1024 * 1024))


def babble(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    os.write(reply.descriptor, b"not a frame at all")
    return {}


def forge(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    reply.end({"reason": "<script>", "params": {}})
    return {}


def state(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    kinds = {name: getattr(resource, f"RLIMIT_{name}") for name in ("AS", "FSIZE", "NOFILE", "CORE", "CPU")}
    with open("/proc/self/status") as status:
        peak = next(line for line in status if line.startswith("VmPeak"))
    return {
        "limits": {name: resource.getrlimit(kind)[0] for name, kind in kinds.items()},
        "environment": sorted(os.environ),
        "threads": len(os.listdir("/proc/self/task")),
        "peak_bytes": int(peak.split()[1]) * 1024,
        "modules": sorted(name for name in ("django", "tensorflow", "celery") if name in sys.modules),
    }


def write_file(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    with open(options["path"], "wb") as file:
        return {"written": file.write(bytes(int(options["bytes"])))}


def kill_nursery(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    os.kill(os.getppid(), signal.SIGKILL)
    threading.Event().wait()
    return {}


LIES: dict[int, Options] = {
    1: {"shape": [2, 2], "window": None},
    2: {"shape": [1, 1, 6], "window": None},
    3: {"shape": [2, 3], "window": ["wide", math.nan]},
}


def render(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: Options) -> Options:
    """Six values; what it says of them depends on the frame that is asked for."""
    reply.data(bytes(range(6)))
    return LIES[options["frame"]]


TASKS: dict[str, Task] = {
    task.__name__: task
    for task in (
        echo,
        crash,
        crash_half_way,
        loop,
        hang,
        hog,
        flood,
        babble,
        forge,
        state,
        write_file,
        kill_nursery,
        render,
    )
}
