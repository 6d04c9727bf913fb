from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.domain.errors import InternalError, UnreadableFile
from inference.intake.codes import refusal
from inference.intake.limits import Limits
from inference.intake.pool import ROOT, Pool
from tests.inference.intake.conftest import HOOKS


@contextmanager
def pool_of(limits: Limits, extra_tasks: str = HOOKS) -> Iterator[Pool]:
    """A pool for one test."""
    pool = Pool(limits, extra_tasks)
    try:
        yield pool
    finally:
        pool.close()


def code_and_text(pool: Pool, task: str, **options: Any) -> tuple[str, str]:
    """How a task is refused."""
    with pytest.raises(UnreadableFile) as caught:
        pool.run(task, b"", on_data=lambda payload: None, **options)
    return caught.value.code, caught.value.template


def still_serves(pool: Pool) -> bool:
    return bool(pool.run("echo", b"next", say="here")["said"] == "here")


def test_bytes_a_path_and_an_open_file_reach_the_child_alike(hooked: Pool, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with path.open("rb") as file, tempfile.TemporaryFile() as nameless:
        nameless.write(b"content")
        nameless.flush()
        seen = {hooked.run("echo", source)["content"] for source in (b"content", path, file, nameless)}
    assert seen == {b"content".hex()}


@pytest.mark.parametrize("task", ["crash", "crash_half_way"])
def test_a_crash_costs_only_its_file(hooked: Pool, task: str) -> None:
    assert code_and_text(hooked, task) == ("unreadable_file", "Reading the file broke the decoder.")
    assert still_serves(hooked)


def test_an_endless_loop_ends_at_its_processor_time(hooked: Pool) -> None:
    assert code_and_text(hooked, "loop")[0] == "unreadable_file"
    assert still_serves(hooked)


def test_a_child_that_waits_for_ever_ends_at_the_wall_clock(hooked: Pool) -> None:
    nursery = nursery_pid(hooked)
    assert code_and_text(hooked, "hang")[1] == "Reading the file takes longer than %(seconds)s seconds."
    assert still_serves(hooked)
    assert nursery_pid(hooked) != nursery, "the nursery of a child that does not answer is replaced"


def test_a_memory_hog_is_refused_by_the_limit_and_served_without_it() -> None:
    two_gib = 2 * 1024**3
    tight, loose = Limits(children=1), Limits(children=1, memory_bytes=4 * 1024**3)
    with pool_of(tight) as pool:
        assert code_and_text(pool, "hog", bytes=two_gib) == (
            "image_too_large",
            refusal("image_too_large.memory").template,
        )
        assert pool.run("state", b"")["peak_bytes"] <= tight.memory_bytes
    with pool_of(loose) as pool:
        assert pool.run("hog", b"", bytes=two_gib) == {"size": two_gib}


def test_a_child_carries_the_limits_and_no_secret(hooked: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    with pool_of(hooked.limits) as pool:
        state = pool.run("state", b"")
    assert state["limits"] | {"CPU": 0} == {
        "AS": pool.limits.memory_bytes,
        "FSIZE": pool.limits.written_bytes,
        "NOFILE": pool.limits.open_files,
        "CORE": 0,
        "CPU": 0,
    }
    assert 0 < state["limits"]["CPU"] <= 60
    assert "DATABASE_URL" not in state["environment"]
    assert state["modules"] == []
    assert state["threads"] == 1, "a nursery with threads could not fork safely"


def test_a_child_can_not_fill_the_disk(hooked: Pool, tmp_path: Path) -> None:
    target = tmp_path / "written"
    options = {"path": str(target), "bytes": hooked.limits.written_bytes + 1}
    assert code_and_text(hooked, "write_file", **options)[0] == "unreadable_file"
    assert target.stat().st_size <= hooked.limits.written_bytes


def test_the_receiver_ends_a_flood(hooked: Pool) -> None:
    taken = 0

    def take(payload: bytes) -> None:
        nonlocal taken
        taken += len(payload)
        if taken > 10_000_000:
            raise refusal("file_too_large", limit=10_000_000)

    with pytest.raises(UnreadableFile) as caught:
        hooked.run("flood", b"", on_data=take)
    assert caught.value.code == "file_too_large"
    assert taken < 12_000_000
    assert still_serves(hooked)


@pytest.mark.parametrize("task", ["babble", "forge"])
def test_a_reply_that_is_not_of_our_making_is_no_reply(hooked: Pool, task: str) -> None:
    assert code_and_text(hooked, task)[1] == "Reading the file broke the decoder."
    assert still_serves(hooked)


def test_bytes_that_nobody_asked_for_are_no_reply(hooked: Pool) -> None:
    with pytest.raises(UnreadableFile):
        hooked.run("flood", b"")
    assert still_serves(hooked)


def test_a_worker_sees_only_so_many_files() -> None:
    with pool_of(Limits(children=1, tasks_per_child=3)) as pool:
        workers = [pool.run("echo", b"")["pid"] for _ in range(6)]
    assert workers[0] == workers[1] == workers[2] != workers[3] == workers[4] == workers[5]


def test_a_worker_is_replaced_after_an_error_and_kept_after_a_plain_refusal(hooked: Pool) -> None:
    first = hooked.run("echo", b"")["pid"]
    code_and_text(hooked, "inspect")
    assert hooked.run("echo", b"")["pid"] == first, "an empty file reaches no parser"
    code_and_text(hooked, "hog", bytes=8 * 1024**3)
    assert hooked.run("echo", b"")["pid"] != first


def test_a_nursery_that_the_machine_ended_is_replaced_without_harm_to_the_file(hooked: Pool) -> None:
    nursery = nursery_pid(hooked)
    with hooked._slot() as slot:
        assert slot.process is not None
        slot.process.kill()
        slot.process.wait()
    assert still_serves(hooked)
    assert nursery_pid(hooked) != nursery


def test_a_file_that_ends_the_nursery_twice_is_an_error_of_ours(hooked: Pool) -> None:
    with pytest.raises(InternalError):
        hooked.run("kill_nursery", b"")
    assert still_serves(hooked)


def test_many_threads_share_a_few_children() -> None:
    with pool_of(Limits(children=2)) as pool, ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda number: pool.run("echo", b"", say=number)["said"], range(64)))
    assert answers == list(range(64))


def test_a_forked_server_process_gets_children_of_its_own(hooked: Pool) -> None:
    parents_nursery = nursery_pid(hooked)
    told, tells = os.pipe()
    if os.fork() == 0:
        try:
            os.write(tells, b"own" if nursery_pid(hooked) != parents_nursery else b"shared")
            hooked.close()
        finally:
            os._exit(0)
    os.close(tells)
    assert os.read(told, 10) == b"own"
    os.close(told)
    os.wait()
    assert nursery_pid(hooked) == parents_nursery


@pytest.mark.parametrize("task", ["echo", "hang"])
def test_children_end_with_a_server_that_is_killed(task: str, tmp_path: Path) -> None:
    """The nursery holds a pipe that only it and its worker share with this test: end of file means both are gone."""
    alive, held = os.pipe()
    program = (
        "import sys, threading\n"
        "from inference.intake.limits import Limits\n"
        "from inference.intake.pool import Pool\n"
        f"pool = Pool(Limits(children=1), {HOOKS!r})\n"
        "pool.run('echo', b'')\n"
        f"threading.Thread(target=pool.run, args=({task!r}, b''), daemon=True).start()\n"
        "sys.stdout.write('ready\\n'); sys.stdout.flush()\n"
        "threading.Event().wait()\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=held, start_new_session=True
    )
    os.close(held)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    server.kill()
    server.wait()
    server.stdout.close()
    watcher = threading.Thread(target=drain, args=(alive,), daemon=True)
    watcher.start()
    watcher.join(20)
    assert not watcher.is_alive(), "a child outlived its server"


def test_a_closed_pool_serves_no_more() -> None:
    with pool_of(Limits(children=1)) as pool:
        assert still_serves(pool)
        nursery = nursery_pid(pool)
    with pytest.raises(ProcessLookupError):
        os.kill(nursery, 0)


def test_children_that_can_not_start_are_an_error_of_ours() -> None:
    with pytest.raises(InternalError), pool_of(Limits(children=1), "no.such.module") as pool:
        pool.run("echo", b"")


def test_a_misspelt_limit_is_an_error() -> None:
    with pytest.raises(ValueError, match="file_byte"):
        Limits.from_mapping({"file_byte": 1})
    assert Limits.from_mapping({"file_bytes": 1}) == replace(Limits(), file_bytes=1)


def drain(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass


def nursery_pid(pool: Pool) -> int:
    """The process that the only slot of `pool` runs, started if need be."""
    with pool._slot() as slot:
        slot.start()
        assert slot.process is not None
        return slot.process.pid
