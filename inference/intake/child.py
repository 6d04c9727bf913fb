"""The limited child process: `python -m inference.intake.child LIMITS`, started by `pool.Slot`.

The process that the pool starts is a nursery: it imports the decoders once, then forks a worker for the first task it
sees and a new one after every error, crash and `tasks_per_child` tasks (a fork costs milliseconds, a start a second).
The nursery never touches a customer's bytes. A worker reads a task (one JSON line with the file and the reply pipe as
descriptors) from standard input, so it opens nothing by name and holds no secret: its environment is empty, and the
only keys that a task brings are its tenant's, derived for de-identification.

No Django here, and nothing that imports it.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import warnings
from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from inference.domain.errors import UserError
from inference.intake.codes import reason_of
from inference.intake.limits import Limits
from inference.intake.tasks import TASKS, Task
from inference.intake.wire import ReplyWriter

READY = b"R"
PR_SET_PDEATHSIG = 1
MAX_REQUEST = 65_536


def main() -> None:
    """Limit this process, say that it is ready, then fork workers until the pool goes away."""
    options = json.loads(sys.argv[1])
    limits = Limits.from_mapping(options["limits"])
    restrict(limits)
    warnings.simplefilter("ignore")
    pool = socket.socket(fileno=os.dup(0))
    pool.sendall(READY)
    # what is imported by now is shared with every worker: the collector must not touch (and so copy) it
    gc.freeze()
    tasks = {**TASKS, **extra_tasks(options["extra_tasks"])}
    while wait_for_task(pool):
        breed_worker(pool, limits, tasks)


def extra_tasks(module: str) -> dict[str, Task]:
    """The tasks of a module that the pool names: how tests bring in crashing ones, which the product has none of."""
    return cast(dict[str, Task], importlib.import_module(module).TASKS) if module else {}


def restrict(limits: Limits) -> None:
    """Set the limits that hold for this process and every worker."""
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.written_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        allowed = within_hard_limit(kind, value)
        resource.setrlimit(kind, (allowed, allowed))


def within_hard_limit(kind: int, value: int) -> int:
    """`value`, or the hard limit that the machine already sets where that is lower: nobody may raise it."""
    hard = resource.getrlimit(kind)[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def wait_for_task(pool: socket.socket) -> bool:
    """Wait until a task lies in the socket; False when the pool is gone. Takes nothing out."""
    try:
        return bool(pool.recv(1, socket.MSG_PEEK))
    except ConnectionError:
        return False


def breed_worker(pool: socket.socket, limits: Limits, tasks: Mapping[str, Task]) -> None:
    """Fork one worker and wait for its end, or end it when the pool goes away."""
    alive, held_by_worker = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(alive)
        run_worker(pool, limits, tasks)
    os.close(held_by_worker)
    if not ended_before_pool(pool, alive):
        os.kill(worker, signal.SIGKILL)
    os.close(alive)
    _, status = os.waitpid(worker, 0)
    if status:
        sys.stderr.write(f"intake worker ended with {os.waitstatus_to_exitcode(status)}\n")
        sys.stderr.flush()


def ended_before_pool(pool: socket.socket, alive: int) -> bool:
    """Wait for the worker (its pipe closes) or the pool (its socket hangs up), whichever ends first."""
    poll = select.poll()
    poll.register(alive, select.POLLIN)
    poll.register(pool, 0)
    return any(descriptor == alive for descriptor, _ in poll.poll())


def run_worker(pool: socket.socket, limits: Limits, tasks: Mapping[str, Task]) -> None:
    """Work until an error, the pool's end, or enough tasks. Never returns."""
    die_with_parent()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        # decoders print to both streams, and what they print may come out of the file
        os.dup2(nothing, descriptor)
    try:
        for _ in range(limits.tasks_per_child):
            if not serve_one(pool, limits, tasks):
                break
    finally:
        os._exit(0)


def die_with_parent() -> None:
    """Ask the kernel to end this worker with its nursery. Linux only; elsewhere the broken pipe does it, later."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def serve_one(pool: socket.socket, limits: Limits, tasks: Mapping[str, Task]) -> bool:
    """Do one task; False when this worker should not see another file."""
    message, descriptors, _, _ = socket.recv_fds(pool, MAX_REQUEST, 2)
    if len(descriptors) != 2:
        return False
    with os.fdopen(descriptors[0], "rb") as source, os.fdopen(descriptors[1], "wb", buffering=0) as reply:
        request = json.loads(message)
        allow_cpu(request["cpu_seconds"])
        source.seek(0)
        task = tasks[request["task"]]
        return answer(task, source, request["options"], limits, ReplyWriter(reply.fileno()))


def allow_cpu(seconds: int) -> None:
    """Give this worker `seconds` of processor time from now on; the kernel ends it after that."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = within_hard_limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime) + 1 + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def answer(task: Task, source: BinaryIO, options: dict[str, Any], limits: Limits, reply: ReplyWriter) -> bool:
    """Send the outcome of `task`; True when no library failed, so that this worker may see another file."""
    try:
        result = task(source, limits, reply, options)
    except UserError as error:
        reply.end({"reason": reason_of(error), "params": error.params})
        return error.__cause__ is None
    except MemoryError:
        reply.end({"reason": "image_too_large.memory", "params": {}})
        return False
    except Exception:
        # whatever a parser throws at strange bytes; its text may quote the file, so it goes nowhere
        reply.end({"reason": "unreadable_file", "params": {}})
        return False
    reply.end({"result": result})
    return True


if __name__ == "__main__":
    main()
