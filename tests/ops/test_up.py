from __future__ import annotations

import os
import socket
import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from ops import redis
from ops.management.commands.up import lock_data_dir, require_free, whole

pytestmark = pytest.mark.database_free
ROOT = Path(__file__).resolve().parents[2]


def test_a_second_up_on_the_same_data_refuses_and_names_the_first(tmp_path: Path) -> None:
    held = lock_data_dir(tmp_path)
    with pytest.raises(CommandError, match=f"process {os.getpid()}"):
        lock_data_dir(tmp_path)
    held.close()
    lock_data_dir(tmp_path).close()


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match="choose another with --port"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)


@pytest.mark.parametrize("arguments", [["--data-dir", "{dir}"], ["--data-dir={dir}"]])
def test_every_command_finds_the_data_directory_the_same_way(tmp_path: Path, arguments: list[str]) -> None:
    shown = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", "from django.conf import settings; print(settings.ASSAY_DATA_DIR)"]
        + [argument.format(dir=tmp_path) for argument in arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "ASSAY_DATA_DIR"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip().endswith(str(tmp_path))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)


def test_a_data_directory_without_a_name_is_wrong_usage() -> None:
    for words in (["check", "--data-dir"], ["check", "--data-dir="], ["check", "--data-dir", "--json"]):
        ended = run(*words)
        assert (ended.returncode, ended.stderr) == (2, "--data-dir needs the name of a folder\n")


def test_unusable_settings_are_told_in_one_line_without_a_traceback() -> None:
    ended = run("check", ASSAY_LEASE_SECONDS="soon")
    assert ended.returncode == 1
    assert ended.stderr.startswith("ASSAY_LEASE_SECONDS: ")
    assert "Traceback" not in ended.stderr


def test_a_database_that_is_not_there_is_told_without_a_traceback() -> None:
    ended = run("audit", "verify", DATABASE_URL="postgres://nobody:secret@127.0.0.1:1/none")
    assert ended.returncode == 1
    assert ended.stderr.startswith("the database can not be used: ")
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr


@pytest.mark.parametrize("text", ["0", "-1", "65536", "1.5", "x", ""])
def test_a_port_is_a_whole_number_within_bounds(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        whole(1, 65_535)(text)
    assert whole(1, 65_535)("8000") == 8000


def test_a_host_that_is_none_is_told_as_such() -> None:
    with pytest.raises(CommandError, match="--host"):
        require_free("nonsense.invalid", 8000)


def test_a_socket_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    redis.refuse_foreign(tmp_path)
    monkeypatch.setattr(redis.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(redis.RedisNotFound, match="another user"):
        redis.refuse_foreign(tmp_path)
